console.log(require('@repo/shared').value, __dirname);
