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
  for (const survivor of survivors) {
    const where = `${survivor.path}: ${survivor.line}: ${survivor.before} → ${survivor.after}`;
    assert.ok(survivor.why.length > 20, where);
    const found = mutants.get(survivor.path)?.some((mutant) => explains(root, survivor, mutant));
    assert.ok(found === true, `${where} is no mutant any more: mend test/mutation/survivors.ts`);
    const same = survivors.filter(
      ({ path, line, before, after }) =>
        path === survivor.path &&
        line === survivor.line &&
        before === survivor.before &&
        after === survivor.after,
    );
    assert.equal(same.length, 1, where);
  }
});
