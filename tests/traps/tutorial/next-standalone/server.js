const dir = __dirname;
process.chdir(dir);
require('next/dist/server/lib').start(dir, parseInt(process.env.PORT, 10) || 3000);
