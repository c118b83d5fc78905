// Runs in a small file system of its own (the argument): fills it through the engine, and again with a foreign file.
// Prints one JSON line: which batches were told what, and what was found after opening anew.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openEmbedded } from '../../../../src/store/embedded-node.ts';
import { isStoreError } from '../../../../src/store/port.ts';

const folder = process.argv[2] ?? '';
const path = join(folder, 'writ.db');
const ballast = join(folder, 'ballast');
const told: number[] = [];
const refused: string[] = [];
let db = await openEmbedded({ path });

async function write(id: number, bytes: number): Promise<boolean> {
  try {
    await db.write([
      { sql: 'INSERT INTO item (id, part, filler) VALUES (?, 1, ?)', args: [id, new Uint8Array(bytes)] },
      { sql: 'INSERT INTO item (id, part, filler) VALUES (?, 2, ?)', args: [id, new Uint8Array(bytes)] },
    ]);
    told.push(id);
    return true;
  } catch (error) {
    refused.push(isStoreError(error) ? error.reason : String(error));
    return false;
  }
}

await db.write([{ sql: 'CREATE TABLE item (id INTEGER, part INTEGER, filler BLOB)', args: [] }]);
await write(1, 100);
// Whatever room is left is taken by somebody else.
let size = 1 << 20;
for (let chunk = 0; size >= 512; chunk += 1) {
  try {
    writeFileSync(`${ballast}-${chunk}`, new Uint8Array(size));
  } catch {
    size >>= 1;
  }
}
// A group in which each batch needs room.
const whenFull = await Promise.all(Array.from({ length: 20 }, (_, index) => write(100 + index, 20_000)));
const readable = await db.read({ sql: 'SELECT count(*) AS n FROM item WHERE id = 1', args: [] });
await db.close();
db = await openEmbedded({ path });
const stillReadable = await db.read({ sql: 'SELECT count(*) AS n FROM item WHERE id = 1', args: [] });
for (const name of readdirSync(folder)) if (name.startsWith('ballast')) rmSync(join(folder, name));
const afterwards = await write(200, 20_000);
await db.close();
db = await openEmbedded({ path });
const rows = await db.read({
  sql: 'SELECT id, count(*) AS parts FROM item GROUP BY id ORDER BY id',
  args: [],
});
await db.close();
console.log(JSON.stringify({ told, refused, whenFull, readable, stillReadable, afterwards, rows }));
