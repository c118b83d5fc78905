import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCache } from './cache.ts';
import { type Judged, judgeMutants } from './engine.ts';

const root = join(import.meta.dirname, '../..');

test('a test that knows a file notices its faults, one that does not load it notices none, and both are remembered', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-mutation-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'cache.json');
  const judge = async (tests: readonly string[]): Promise<(string | null)[]> => {
    const judged: Judged[] = [];
    const cache = openCache(file);
    const onJudged = (one: Judged) => judged.push(one);
    await judgeMutants({ root, paths: ['schema/result.ts'], tests, lanes: 1, cache, onJudged });
    return judged.map(({ verdict }) => verdict.by);
  };
  const noticed = await judge(['test/schema/result.test.ts']);
  assert.ok(noticed.length > 5, `${noticed.length} mutants`);
  for (const by of noticed) assert.equal(by, 'a result is a value, or a reason with or without a sentence');
  const missed = await judge(['test/schema/wire/limits.test.ts']);
  assert.deepEqual(
    missed,
    noticed.map(() => null),
  );

  // What is remembered is not run again: here it is told to have been another test.
  const changed = readFileSync(file, 'utf8').replaceAll(noticed[0]!, 'remembered');
  writeFileSync(file, changed);
  assert.deepEqual(
    await judge(['test/schema/result.test.ts']),
    noticed.map(() => 'remembered'),
  );
  // And a file that is not one of ours is as good as none.
  writeFileSync(file, 'broken');
  assert.deepEqual(await judge(['test/schema/result.test.ts']), noticed);
});
