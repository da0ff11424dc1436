console.log(require('extra').name);
