#!/usr/bin/env node
// As the package of this name: each text is started by a shell, `npm:` is short for `npm run`.
const { spawnSync } = require('child_process');
for (const text of process.argv.slice(4)) {
  const command = text.replace(/^npm:/, 'npm run --silent ');
  const done = spawnSync(command, { shell: true, stdio: 'inherit' });
  if (done.status !== 0) process.exit(1);
}
