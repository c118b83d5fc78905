import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DeclaredCommand, runCommand } from '../../../relay/deploy/declared-command.ts';
import { createHostMachine } from '../../../relay/machine/host-machine.ts';
import { partWith, reindex } from '../../support/app-commands.ts';

/** Runs words as a command of an app, with this machine's own shell and programs. */
async function run(words: DeclaredCommand['words'], timeoutMs = 20_000) {
  const { part } = await partWith([reindex]);
  const machine = createHostMachine('here');
  const command = { words, service: null, app: part.apps[0]!, timeoutMs };
  return runCommand(machine, command, new AbortController().signal);
}

test('a program of a command gets its words as they are, and its exit code and the end of its words come back', async () => {
  const hostile = ['$(echo no)', '; echo no', '`echo no`', '--', "'", '*', '', 'a b'];
  const show = 'print map { "<$_>" } @ARGV; print STDERR "and this"; exit 3';
  const ran = await run(['perl', '-e', show, '--', ...hostile]);
  assert.ok(ran.ok);
  assert.equal(ran.value.code, 3);
  for (const word of hostile) assert.ok(ran.value.said.includes(`<${word}>`), word);
  assert.ok(ran.value.said.includes('and this'));
});

test('of a program that prints much the end is kept, and it is not stopped for that', async () => {
  const ran = await run(['perl', '-e', 'print "x" x 3_000_000, "the end"']);
  assert.ok(ran.ok);
  assert.equal(ran.value.code, 0);
  assert.equal(ran.value.said.length, 4096);
  assert.ok(ran.value.said.endsWith('xthe end'));
});

test('what the shell would do by itself, such as exit, is a program that is missing', async () => {
  for (const word of ['exit', 'eval', 'A=b', 'no-such-program']) {
    const ran = await run([word, 'true']);
    assert.ok(ran.ok);
    assert.equal(ran.value.code, 127, word);
  }
});

test('a program that is killed, or that asks for input, ends as one that failed', async () => {
  const killed = await run(['perl', '-e', 'kill "KILL", $$']);
  assert.deepEqual(killed.ok && killed.value.code, 137);
  const asks = await run(['cat']);
  assert.deepEqual(asks.ok && [asks.value.code, asks.value.said], [0, '']);
});

test('a program that takes too long is ended', async () => {
  const ran = await run(['perl', '-e', 'sleep 60'], 300);
  assert.deepEqual(!ran.ok && ran.reason, 'timeout');
});
