import sqlite from 'tiny-sqlite';
console.log(/^3\./.test(sqlite.version()));
