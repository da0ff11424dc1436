const dns = require('dns');
const crypto = require('crypto');
const tls = require('tls');

dns.lookup('localhost', { family: 4 }, (error, address) => {
  console.log('localhost', error ? error.code : address);
});
console.log(crypto.createHash('sha256').update('decant').digest('hex'));
// Debian's build reads the system's authorities when the first context is made.
tls.createSecureContext();
console.log(new Intl.DateTimeFormat('de-DE', { month: 'long', timeZone: 'Europe/Berlin' }).format(0));
fetch('http://127.0.0.1:9/').catch((error) => console.log(error.cause ? error.cause.message : error.message));
import('./module.mjs').catch((error) => console.log(error.code));
