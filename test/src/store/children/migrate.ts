// Migrates a database as one of several that start at once: of `embedded PATH` it waits for its turn to own the file,
// at `remote URL TOKEN` it goes together with the others. Says `ready`, waits for a line, and prints what it did.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { openEmbedded } from '../../../../src/store/embedded-node.ts';
import { migrate } from '../../../../src/store/migrate.ts';
import { type Database, isStoreError } from '../../../../src/store/port.ts';
import { connectRemote, openRemote } from '../../../../src/store/remote.ts';
import { history } from './history.ts';

const [engine = '', place = '', authToken = ''] = process.argv.slice(2);

async function openWhenFree(): Promise<Database> {
  const deadlineMs = performance.now() + 15_000;
  for (;;) {
    try {
      return await openEmbedded({ path: place });
    } catch (error) {
      if (!isStoreError(error, 'in_use') || performance.now() > deadlineMs) throw error;
      await pause(2);
    }
  }
}

const input = createInterface({ input: process.stdin });
console.log('ready');
await once(input, 'line');
input.close();
process.stdin.unref?.();
const db =
  engine === 'embedded'
    ? await openWhenFree()
    : openRemote({ client: connectRemote({ url: place, authToken }), busyTimeoutMs: 15_000 });
const outcome = await migrate(db, history);
const rows = await db.read({ sql: 'SELECT version, name FROM schema_version ORDER BY version', args: [] });
await db.close();
console.log(JSON.stringify({ outcome, versions: rows.map(({ version }) => version) }));
process.exit(0);
