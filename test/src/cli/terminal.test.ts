import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { type Asking, processTerminal } from '../../../src/cli/terminal.ts';

/** A process on a terminal that somebody types into, and what it did with that terminal. */
function makeProcess() {
  const log: string[] = [];
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (on: boolean) => void log.push(on ? 'raw' : 'cooked'),
  });
  const stderr = { isTTY: true, write: (text: string) => void log.push(text) };
  const stdout = { isTTY: true, columns: 80, write: () => true };
  const terminal = processTerminal({ stdin, stderr, stdout } as never);
  const ask = async (typed: string, asking?: Asking): Promise<string | null> => {
    const answer = terminal.ask('? ', asking);
    stdin.write(typed);
    return answer;
  };
  return { log, stdin, terminal, ask };
}

test('threat 20: a question is shown once the terminal echoes nothing any more, and what is hidden never is', async () => {
  const { log, ask } = makeProcess();
  assert.equal(await ask('hunter2\r', { hidden: true }), 'hunter2');
  assert.deepEqual(log, ['raw', '? ', 'cooked', '\n']);
});

test('a line is edited, given up, and cut where it is too long', async () => {
  const { log, ask } = makeProcess();
  assert.equal(await ask('ab\u007fc\r'), 'ac');
  assert.deepEqual(log.slice(1, -2), ['? ', 'a', 'b', '\b \b', 'c']);
  assert.equal(await ask('ab\u0003'), null);
  assert.equal(await ask(`${'x'.repeat(2000)}\r`), 'x'.repeat(1024));
  assert.equal(await ask(`${'x'.repeat(2000)}\r`, { hidden: true, maxLength: 1500 }), 'x'.repeat(1500));
});

test('a tab is kept in what is hidden; lines that were pasted behind the first are given where that is asked for', async () => {
  const { ask } = makeProcess();
  assert.equal(await ask('a\tb\r', { hidden: true }), 'a\tb');
  assert.equal(await ask('a\tb\r'), 'ab');
  assert.equal(await ask('first\nsecond\n'), 'first');
  assert.equal(await ask('first\nsecond\n', { hidden: true, several: true }), 'first\nsecond\n');
  assert.equal(await ask('only\r\n', { hidden: true, several: true }), 'only');
});

test('standard input is read as bytes up to a limit', async () => {
  const few = makeProcess();
  few.stdin.end(Uint8Array.of(0, 255, 10));
  assert.deepEqual(await few.terminal.inputBytes(3), Uint8Array.of(0, 255, 10));
  const many = makeProcess();
  many.stdin.end(new Uint8Array(4));
  assert.equal(await many.terminal.inputBytes(3), null);
});
