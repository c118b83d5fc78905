import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { missing } from '../support/missing.ts';
import type { Figure } from './figure.ts';
import { syncsPerJob } from './syncs.ts';

/** What else the machine does only adds to a count: commits that could have been one are two. */
const tries = 3;

test('a job asks for stable storage no more often than promised, and many share commits', async (t) => {
  const least = new Map<string, Figure>();
  for (let count = 0; count < tries; count += 1) {
    const folder = await mkdtemp(join(tmpdir(), 'writ-syncs-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    for (const figure of await syncsPerJob(folder)) {
      const known = least.get(figure.name);
      if (known === undefined || (figure.value ?? 0) < (known.value ?? 0)) least.set(figure.name, figure);
      t.diagnostic(`${figure.name}: ${figure.value}, limit ${figure.limit}`);
    }
    if ([...least.values()].every(({ reached }) => reached !== false)) break;
  }
  for (const { name, value, limit, reached, note } of least.values()) {
    if (value === null) missing(`${note}, to count ${name}`);
    else assert.equal(reached, true, `${name}: ${value}, limit ${limit}`);
  }
});
