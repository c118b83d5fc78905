import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createClient } from '@libsql/client';
import { openEmbedded } from '../../src/store/embedded-node.ts';
import type { Database } from '../../src/store/port.ts';
import { connectRemote, openRemote } from '../../src/store/remote.ts';
import { hasSqld, startSqld } from './sqld.ts';
import { makeTemporaryFolder } from './store.ts';

/** Every engine must pass the same tests: the port's comments, one by one. */
export const engines: Readonly<Record<string, (t: TestContext) => Promise<Database>>> = {
  embedded: async (t) => {
    const db = await openEmbedded({ path: join(await makeTemporaryFolder(t), 'writ.db') });
    t.after(() => db.close());
    return db;
  },
  'remote, over the file flavour of its client': async (t) => {
    const url = `file:${join(await makeTemporaryFolder(t), 'writ.db')}`;
    const db = openRemote({ client: createClient({ url, intMode: 'number' }) });
    t.after(() => db.close());
    return db;
  },
  ...(hasSqld() && {
    'remote, over a real libsql-server': async (t: TestContext) => {
      const sqld = await startSqld();
      const db = openRemote({ client: connectRemote(sqld) });
      t.after(async () => {
        await db.close();
        await sqld.close();
      });
      return db;
    },
  }),
};
