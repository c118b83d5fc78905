// Holds the write lock of the file as another program would: `hold` until `free` is read from standard input, or
// `flap`: again and again for up to the given milliseconds, each time with a row of its own.
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import Libsql from 'libsql';

const [path = '', mode = 'hold', longestMs = '20'] = process.argv.slice(2);
const database = new Libsql(path, { timeout: 5_000 });

if (mode === 'hold') {
  database.exec('BEGIN IMMEDIATE');
  console.log('held');
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'free') break;
  }
  database.exec('ROLLBACK');
  database.close();
  console.log('free');
} else {
  console.log('flapping');
  for (let id = -1; ; id -= 1) {
    try {
      database.exec('BEGIN IMMEDIATE');
      database.exec(`INSERT INTO item (id, part) VALUES (${id}, 0)`);
      await pause(Math.random() * Number(longestMs));
      database.exec('COMMIT');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY')) throw error;
      if (database.inTransaction) database.exec('ROLLBACK');
    }
    await pause(Math.random() * 5);
  }
}
