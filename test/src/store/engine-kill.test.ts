import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { openEmbedded } from '../../../src/store/embedded-node.ts';
import { type Migration, migrate } from '../../../src/store/migrate.ts';
import { makeTemporaryFolder } from '../../support/store.ts';
import { startChild } from './children/line-child.ts';

const migrations: readonly Migration[] = [
  {
    version: 1,
    name: 'items',
    statements: ['CREATE TABLE item (id INTEGER, part INTEGER, PRIMARY KEY (id, part)) WITHOUT ROWID'],
  },
];

const kills = 8;

test(`what was acknowledged outlives kill -9, ${kills} times at random moments`, async (t) => {
  const path = join(await makeTemporaryFolder(t), 'writ.db');
  const first = await openEmbedded({ path });
  await migrate(first, migrations);
  await first.close();
  const told = new Set<number>();
  let nextId = 1;
  for (let round = 0; round < kills; round += 1) {
    const child = startChild(t, 'write-for-ever.ts', [path, String(nextId), '8']);
    assert.equal(await child.nextLine(), 'open');
    const tellAtLeast = Math.floor(Math.random() * 200);
    const delayMs = Math.random() * 5;
    let mine = 0;
    let isKilled = false;
    for (;;) {
      const line = await child.nextLine().catch(() => undefined);
      if (line === undefined) break;
      told.add(Number(line));
      mine += 1;
      if (mine > tellAtLeast && !isKilled) {
        isKilled = true;
        await pause(delayMs);
        child.process.kill('SIGKILL');
      }
    }
    await child.ended;
    assert.ok(isKilled, 'the child ended by itself');

    // The dead process' claim on the file is gone with it.
    const db = await openEmbedded({ path });
    const rows = await db.read({ sql: 'SELECT id, count(*) AS parts FROM item GROUP BY id', args: [] });
    const found = new Map(rows.map(({ id, parts }) => [id, parts]));
    for (const id of told) assert.equal(found.get(id), 2, `round ${round}: batch ${id} was acknowledged`);
    for (const [id, parts] of found) assert.equal(parts, 2, `round ${round}: half of batch ${String(id)}`);
    assert.ok(found.size <= told.size + 8 * (round + 1), 'at most what was under way is written unsaid');
    nextId = Math.max(0, ...rows.map(({ id }) => Number(id))) + 1;
    await db.close();
  }
  assert.ok(told.size > kills, `${told.size} acknowledged`);
});
