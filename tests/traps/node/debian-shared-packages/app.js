const _ = require('lodash');
const yaml = require('yaml');
console.log(_.chunk([1, 2, 3], 2), yaml.parse('a: 1'));
