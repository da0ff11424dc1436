//! Node.js: what its programs start, and where its packages are.

use super::snapshot;

#[test]
fn packages_of_the_distribution_come_when_they_are_imported() {
    snapshot!(
        "base
           debian
         changed RUN apt-get install nodejs node-express node-unused
           /usr/bin/node elf static
           /usr/share/nodejs/express/index.js text \"module.exports = require('./lib'); require('@a/b/c')\"
           /usr/share/nodejs/express/lib.js text \"require('fs')\"
           /usr/share/nodejs/@a/b/c.js text \"\"
           /usr/share/nodejs/single.js text \"\"
           /usr/share/nodejs/unused/index.js text \"\"
         changed COPY app.mjs /srv/
           /srv/app.mjs text \"import e from 'express'; import 'single'\"
         env NODE_PATH=/usr/share/nodejs
         workdir /srv
         cmd node app.mjs"
    );
}

#[test]
fn a_program_that_was_installed_for_all_comes_without_the_package_manager_beside_it() {
    snapshot!(
        "base
           debian
           /usr/local/bin/node elf static
           /usr/local/bin/npm -> ../lib/node_modules/npm/bin/npm-cli.js
           /usr/local/lib/node_modules/npm/bin/npm-cli.js text \"#!/usr/bin/env node\" 0755
           /usr/local/lib/node_modules/npm/package.json text \"{}\"
         changed RUN npm install -g serve
           /usr/local/bin/serve -> ../lib/node_modules/serve/main.js
           /usr/local/lib/node_modules/serve/main.js text \"#!/usr/bin/env node\" 0755
           /usr/local/lib/node_modules/serve/package.json text \"{}\"
           /usr/local/lib/node_modules/serve/man -> /usr/share/doc
         changed WORKDIR /app
           /app/
         workdir /app
         cmd serve -s build"
    );
}

#[test]
fn a_tool_that_was_installed_is_not_what_the_stage_compiled() {
    snapshot!(
        "base
           debian
           /usr/local/bin/node elf static
         changed COPY . /app
           /app/src/index.ts text \"import './other'\"
           /app/src/other.ts text \"\"
         changed RUN npm install
           /app/node_modules/tsx/dist/cli.js text \"#!/usr/bin/env node\" 0755
           /app/node_modules/.bin/tsx -> ../tsx/dist/cli.js
         workdir /app
         cmd node node_modules/.bin/tsx src/index.ts"
    );
}

#[test]
fn a_tool_that_starts_texts_brings_a_shell_and_what_they_start() {
    snapshot!(
        "base
           debian
           /usr/local/bin/node elf static
           /usr/local/bin/npm -> ../lib/node_modules/npm/bin/npm-cli.js
           /usr/local/lib/node_modules/npm/bin/npm-cli.js text \"#!/usr/bin/env node\" 0755
           /usr/local/lib/node_modules/npm/package.json text \"{}\"
         changed COPY . /app
           /app/package.json text \"{}\"
           /app/node_modules/.bin/concurrently text \"#!/usr/bin/env node\" 0755
         workdir /app
         cmd node node_modules/.bin/concurrently -n a,b npm:api id"
    );
}
