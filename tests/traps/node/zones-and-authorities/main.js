const tls = require('tls');

console.log(new Date(0).toString());
console.log(new Date(0).toLocaleString('ja-JP', { timeZone: 'Asia/Tokyo', dateStyle: 'full' }));
console.log(['ä', 'z', 'a'].sort(new Intl.Collator('sv').compare).join(''));
console.log(tls.rootCertificates.length > 100);
const extra = tls.getCACertificates ? tls.getCACertificates('extra').length : 1;
console.log(extra);
