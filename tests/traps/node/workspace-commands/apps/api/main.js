const fs = require('fs');
console.log(require('@repo/shared'), process.cwd(), fs.readFileSync('greeting.txt', 'utf8').trim());
