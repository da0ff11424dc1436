#!/usr/bin/env node
const { greet } = require('./lib/greet');
console.log(greet(require('fs').readFileSync(process.argv[2], 'utf8').trim()));
