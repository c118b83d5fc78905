import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { handedSocket, serveUntilIdle } from '../../../relay/act/listen.ts';

test('a socket is taken from systemd alone, and only the one', () => {
  assert.equal(handedSocket({ LISTEN_FDS: '1', LISTEN_PID: '7' }, 7), 3);
  for (const env of [
    {},
    { LISTEN_FDS: '1' },
    { LISTEN_FDS: '1', LISTEN_PID: '8' },
    { LISTEN_FDS: '2', LISTEN_PID: '7' },
  ]) {
    assert.equal(handedSocket(env, 7), null);
  }
});

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'writ-listen-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 's');
}

const dial = async (path: string): Promise<Socket> => {
  for (;;) {
    const socket = connect(path);
    const word = await Promise.race([
      once(socket, 'connect').then(() => 'up'),
      once(socket, 'error').then(
        () => 'down',
        () => 'down',
      ),
    ]);
    if (word === 'up') return socket.on('error', () => {});
    await new Promise((resolve) => setImmediate(resolve));
  }
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('it ends when nobody has asked for a while, and not while somebody is served', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const path = folderOf(t);
  let free = (): void => {};
  const busy = new Promise<void>((resolve) => {
    free = resolve;
  });
  let served = 0;
  const ended = serveUntilIdle(
    { path },
    { idleMs: 30_000, stop: new AbortController().signal },
    async (socket) => {
      served += 1;
      await busy;
      socket.end();
    },
  );
  const socket = await dial(path);
  while (served === 0) await turn();
  let over = false;
  void ended.then(() => {
    over = true;
  });
  t.mock.timers.tick(600_000);
  for (let turns = 0; turns < 10; turns += 1) await turn();
  assert.equal(over, false);
  free();
  socket.resume();
  await once(socket, 'close');
  t.mock.timers.tick(29_999);
  const again = await dial(path);
  await once(again.resume(), 'close');
  assert.equal(served, 2, 'and whoever asks makes it wait anew');
  t.mock.timers.tick(30_000);
  await ended;
});

test('work of its own is not broken off, by rest or at the end', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let finish = (): void => {};
  const meanwhile = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let over = false;
  const stop = new AbortController();
  const path = folderOf(t);
  const ended = serveUntilIdle({ path }, { idleMs: 1, stop: stop.signal, meanwhile }, async () => {});
  void ended.then(() => {
    over = true;
  });
  await (await dial(path)).destroy();
  t.mock.timers.tick(600_000);
  stop.abort();
  for (let turns = 0; turns < 10; turns += 1) await turn();
  assert.equal(over, false);
  finish();
  await ended;
});

test('told to stop, it takes no more and waits for what it serves', async (t) => {
  const path = folderOf(t);
  const stop = new AbortController();
  const sockets: Socket[] = [];
  const ended = serveUntilIdle({ path }, { idleMs: 60_000, stop: stop.signal }, async (socket) => {
    sockets.push(socket);
    await once(socket, 'close');
  });
  const socket = await dial(path);
  while (sockets.length === 0) await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  const late = connect(path);
  const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
  assert.match(String(error.code), /ENOENT|ECONNREFUSED/);
  socket.destroy();
  await ended;
});

test('one that was told to stop before it began serves nobody, and what cannot be listened on is told', async (t) => {
  const path = folderOf(t);
  const stop = new AbortController();
  stop.abort();
  await serveUntilIdle({ path }, { idleMs: 60_000, stop: stop.signal }, async () => {});
  const taken = createServer().listen(path);
  await once(taken, 'listening');
  t.after(() => taken.close());
  await assert.rejects(
    serveUntilIdle({ path }, { idleMs: 60_000, stop: new AbortController().signal }, async () => {}),
    /EADDRINUSE/,
  );
});
