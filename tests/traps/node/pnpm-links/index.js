console.log(require('greeter')('pnpm'), require.resolve('greeter'));
