import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesOfPattern } from './mutate-regex.ts';
import { applyMutant, mutantsOf } from './mutators.ts';

/** All faulty forms of a piece of code. */
const formsOf = (code: string): string[] =>
  mutantsOf('a.ts', code).map((mutant) => applyMutant(code, mutant));

const table: readonly (readonly [string, readonly string[]])[] = [
  ['if (a) b();', ['if (true) b();', 'if (false) b();']],
  ['while (a) b();', ['while (false) b();']],
  ['x = a < b;', ['x = true;', 'x = false;', 'x = a <= b;', 'x = a >= b;']],
  ['x = a === b;', ['x = true;', 'x = false;', 'x = a !== b;']],
  ['x = (a) && b;', ['x = true;', 'x = false;', 'x = (a) || b;']],
  ['x = a ?? b;', ['x = a && b;']],
  ['x = a + b * 2;', ['x = a - b * 2;', 'x = a + b / 2;', 'x = a + b * 3;']],
  ["x = 'a' + b;", ["x = '' + b;"]],
  ['x += 1;', ['x -= 1;', 'x += 2;']],
  ['x = !a;', ['x = a;']],
  ['x = true;', ['x = false;']],
  ["x = '';", ["x = 'mutated';"]],
  ['x = `a`;', ['x = ``;']],
  ['x = [a];', ['x = [];']],
  ['x = [];', ["x = ['mutated'];"]],
  ["x = { 'a-b': b };", ['x = {};']],
  ["import 'a';", []],
  ['function f() { return a; }', ['function f() {}', 'function f() { return undefined; }']],
  ['x = () => a;', ['x = () => undefined;']],
  ['x = a?.b;', ['x = a.b;']],
  ['x = a?.[b];', ['x = a[b];']],
  ['x = a?.(b);', ['x = a(b);']],
  ['x = a.filter(b);', ['x = a;']],
  ['x = a.some(b);', ['x = a.every(b);']],
  ['switch (a) { case b: c(); }', ['switch (a) { case b:  }']],
];

test('each kind of code has its faults', () => {
  for (const [code, forms] of table) assert.deepEqual(formsOf(code).sort(), [...forms].sort(), code);
});

test('a pattern loses its anchors, classes turn round, quantifiers go', () => {
  const forms = (pattern: string): string[] =>
    changesOfPattern(pattern).map((change) => applyMutant(pattern, { ...change, after: change.text }));
  assert.deepEqual(forms('^[a-z]{2}$'), ['[a-z]{2}$', '^[^a-z]{2}$', '^[a-z]$', '^[a-z]{2}']);
  assert.deepEqual(forms('[^"]*'), ['["]*', '[^"]']);
  assert.deepEqual(forms('\\d+\\.'), ['\\D+\\.', '\\d\\.']);
  assert.deepEqual(forms('(?:a)?(?!b)(?<=c)'), [
    '(?:a)(?!b)(?<=c)',
    '(?:a)?(?=b)(?<=c)',
    '(?:a)?(?!b)(?<!c)',
  ]);
  assert.deepEqual(forms('[\\]$+]'), ['[^\\]$+]']);
});

test('a mutant knows its line, and where it is reached', () => {
  const [first] = mutantsOf('a.ts', 'f();\nx = a || b;');
  assert.deepEqual([first?.line, first?.reach], [2, 9]);
});
