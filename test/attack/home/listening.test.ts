import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { portsOf } from './listening.ts';

test('a process is seen to listen by its command line, and nobody else is', async (t) => {
  const folder = `/nowhere/${process.pid}`;
  const program = `const s = require('net').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port))`;
  const child = spawn(process.execPath, ['-e', program, folder], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  assert.deepEqual(portsOf(folder), [Number(said.toString())]);
  assert.deepEqual(portsOf(`${folder}0`), []);
});
