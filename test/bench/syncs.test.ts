import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { missing } from '../support/missing.ts';
import { syncsPerJob } from './syncs.ts';

test('a job asks for stable storage no more often than promised, and many share commits', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'writ-syncs-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const { name, value, limit, reached, note } of await syncsPerJob(folder)) {
    if (value === null) {
      missing(`${note}, to count ${name}`);
      continue;
    }
    t.diagnostic(`${name}: ${value}, limit ${limit}`);
    assert.equal(reached, true, `${name}: ${value}, limit ${limit}`);
  }
});
