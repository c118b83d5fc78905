// Prints the rows of `item` as a process that never wrote sees them, and SQLite's own check of the file.
import Libsql from 'libsql';

const database = new Libsql(process.argv[2] ?? '', { timeout: 5_000 });
const rows = database.prepare('SELECT id, part FROM item ORDER BY id, part').all();
const check = database.prepare('PRAGMA integrity_check').all();
console.log(JSON.stringify({ rows, check }));
