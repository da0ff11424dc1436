const http = require('http');

const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
const version = process.env.npm_package_version;
http.createServer((request, response) => {
  response.end(`shop ${version} ${process.env.NODE_ENV}\n`);
}).listen(port);
