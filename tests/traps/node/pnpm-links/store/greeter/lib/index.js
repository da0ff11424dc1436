module.exports = (name) => require('words').hello + ' ' + name;
