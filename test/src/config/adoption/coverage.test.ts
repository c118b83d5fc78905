import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rows, waiting } from './rows.ts';

test('each row has one test, and what waits of it is said', () => {
  const sources = globSync('*.test.ts', { cwd: import.meta.dirname }).map((name) =>
    readFileSync(join(import.meta.dirname, name), 'utf8'),
  );
  const tested = sources.flatMap((source) =>
    [...source.matchAll(/^test\(rows\.([a-z]+), async/gm)].map(([, row]) => row!),
  );
  assert.deepEqual(tested.toSorted(), Object.keys(rows).toSorted());
  assert.equal(Object.keys(rows).length, 22);
  for (const row of Object.keys(waiting)) assert.ok(Object.hasOwn(rows, row), row);
});
