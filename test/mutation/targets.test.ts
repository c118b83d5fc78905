import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { importClosure } from './closure.ts';
import { codeOf } from './graph.ts';
import { mutantsOf } from './mutators.ts';
import { explains } from './report.ts';
import { survivors } from './survivors.ts';
import { entryPoints, mutate, testPatterns } from './targets.ts';

const root = join(import.meta.dirname, '../..');

test('what is mutated is all that loads with the entry points of the verifier, and nothing else', () => {
  assert.deepEqual(mutate, importClosure(root, entryPoints).sort());
});

test('no mutated file asks to be spared', () => {
  for (const path of mutate) {
    assert.doesNotMatch(
      readFileSync(join(root, path), 'utf8'),
      /stryker|mutat(e|ion)-?(disable|ignore)/i,
      path,
    );
  }
});

test('each pattern of tests finds some', () => {
  for (const pattern of testPatterns) assert.notDeepEqual(globSync(pattern, { cwd: root }), [], pattern);
});

test('every explained survivor is a mutant of its file, explained once, with a reason', () => {
  const mutants = new Map(mutate.map((path) => [path, mutantsOf(path, codeOf(root, path))]));
  const explained = new Set<string>();
  for (const { path, line, changes, why } of survivors) {
    assert.ok(why.length > 20, `${path}: ${line}`);
    for (const change of changes) {
      const where = `${path}: ${line}: ${change.join(' → ')}`;
      const survivor = { path, line, changes: [change], why };
      assert.ok(
        mutants.get(path)?.some((mutant) => explains(root, survivor, mutant)),
        `${where}: is no mutant any more; mend test/mutation/survivors.ts`,
      );
      assert.ok(!explained.has(where), `${where}: is explained twice`);
      explained.add(where);
    }
  }
});
