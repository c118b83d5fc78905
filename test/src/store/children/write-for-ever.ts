// Writes batches of two rows until it is killed, several at a time, and says which were acknowledged. The line is
// written synchronously, so that whatever was said was true when the process died.
import { writeSync } from 'node:fs';
import { openEmbedded } from '../../../../src/store/embedded-node.ts';

const [path = '', firstId = '1', lanes = '8'] = process.argv.slice(2);
const db = await openEmbedded({ path });
let id = Number(firstId);
writeSync(1, 'open\n');

async function writeOn(): Promise<never> {
  for (;;) {
    const mine = id++;
    await db.write([
      { sql: 'INSERT INTO item (id, part) VALUES (?, 1)', args: [mine] },
      { sql: 'INSERT INTO item (id, part) VALUES (?, 2)', args: [mine] },
    ]);
    writeSync(1, `${mine}\n`);
  }
}

await Promise.all(Array.from({ length: Number(lanes) }, writeOn));
