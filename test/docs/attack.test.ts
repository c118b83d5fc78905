import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runProgram } from '../../examples/demo/run-cli.ts';
import { findAttacks } from '../attack/find.ts';

const root = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(root, 'docs', 'attack.md'), 'utf8');
const program = join(root, 'test', 'attack', 'main.ts');

test('the attack that the page shows is the one that is run', () => {
  const [, shown] = /^```ts\n([\s\S]*?)^```/m.exec(page) ?? [];
  assert.equal(shown, readFileSync(join(root, 'test/attack/attacks/smuggled-step.ts'), 'utf8'));
});

test('the page names every option, and the helpers that it names are there', async () => {
  const { out } = await runProgram(program, ['--help']);
  const told = [...out.matchAll(/^ {2}(--[a-z]+)/gm)]
    .map(([, name]) => name)
    .filter((name) => name !== '--help');
  const named = [...page.matchAll(/^\| `(--[a-z]+)/gm)].map(([, name]) => name);
  assert.deepEqual(named.toSorted(), told.toSorted());
  const source = readFileSync(join(root, 'test/attack/thief/thief.ts'), 'utf8');
  for (const [, name] of page.matchAll(/^\| `thief\.([a-z]+)/gim))
    assert.match(source, new RegExp(`^  (readonly )?${name}[(:]`, 'm'), name);
});

test('the program lists its attacks, and refuses what it does not know', async () => {
  const { out, exit } = await runProgram(program, ['--list']);
  assert.equal(exit, 0);
  for (const { name, about } of await findAttacks()) assert.ok(out.includes(`${name}: ${about}`), name);
  assert.doesNotMatch(out, new RegExp(String.fromCodePoint(27)));
  const unknown = await runProgram(program, ['--only', 'nothing']);
  assert.deepEqual([unknown.exit, /no attack nothing/.test(unknown.err)], [2, true]);
  assert.equal((await runProgram(program, ['--nothing'])).exit, 2);
});
