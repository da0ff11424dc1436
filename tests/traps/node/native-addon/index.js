// As node-gyp-build and bindings do: the file is looked for when the program runs.
const fs = require('fs');
const path = require('path');

const own = path.join(__dirname, 'build', 'Release');
module.exports = require(path.join(own, fs.readdirSync(own).find((name) => name.endsWith('.node'))));
