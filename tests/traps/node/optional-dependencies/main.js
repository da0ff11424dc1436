const { hashSync, verifySync } = require('@node-rs/bcrypt');
console.log(verifySync('secret', hashSync('secret', 4)));
