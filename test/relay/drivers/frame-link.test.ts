import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createFrameLink, type FrameLink } from '../../../relay/drivers/frame-link.ts';

const limits = { json: 1000, bytes: 200_000 };

/** The two ends of a local socket, one of them with frames and one raw. */
async function pair(t: TestContext): Promise<{ link: FrameLink; far: Socket; near: Socket }> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-frames-'));
  const server = createServer();
  server.listen(join(folder, 's'));
  await once(server, 'listening');
  const far = connect(join(folder, 's'));
  far.on('error', () => {});
  const [near] = (await once(server, 'connection')) as [Socket];
  t.after(() => {
    for (const socket of [far, near]) socket.destroy();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return { link: createFrameLink(near), far, near };
}

const head = (kind: string, size: number): Buffer => {
  const bytes = Buffer.alloc(5);
  bytes.write(kind);
  bytes.writeUInt32BE(size, 1);
  return bytes;
};

test('frames come as they were sent, however they are cut', async (t) => {
  const { link, far } = await pair(t);
  const bytes = randomBytes(150_000);
  const text = Buffer.from('{"a":"ü"}');
  const all = Buffer.concat([head('J', text.length), text, head('B', bytes.length), bytes, head('B', 0)]);
  const sending = (async () => {
    for (let at = 0; at < 30; at += 1) {
      far.write(all.subarray(at, at + 1));
      await new Promise((resolve) => setImmediate(resolve));
    }
    far.write(all.subarray(30));
  })();
  assert.deepEqual(await link.next(5_000, limits), { ok: true, value: { kind: 'json', value: { a: 'ü' } } });
  const second = await link.next(5_000, limits);
  assert.ok(second.ok && second.value.kind === 'bytes' && bytes.equals(second.value.bytes));
  assert.deepEqual(await link.next(5_000, limits), {
    ok: true,
    value: { kind: 'bytes', bytes: new Uint8Array() },
  });
  await sending;
});

test('both ends speak alike', async (t) => {
  const { link, far } = await pair(t);
  const other = createFrameLink(far);
  link.send({ k: 'hello' });
  link.sendBytes(Buffer.from('abc'));
  link.close();
  assert.deepEqual(await other.next(5_000, limits), {
    ok: true,
    value: { kind: 'json', value: { k: 'hello' } },
  });
  const got = await other.next(5_000, limits);
  assert.ok(got.ok && got.value.kind === 'bytes' && Buffer.from(got.value.bytes).toString() === 'abc');
  assert.equal(wordOf(await other.next(5_000, limits)), 'closed');
});

const wordOf = (result: { ok: boolean; reason?: string }): string => (result.ok ? 'ok' : result.reason!);

test('threat 7: what is too large, slow, malformed or cut short ends the link', async (t) => {
  const cases: readonly (readonly [Buffer, string])[] = [
    [head('J', 1001), 'too_large'],
    [head('B', 200_001), 'too_large'],
    [head('B', 0xffffffff), 'too_large'],
    [head('X', 1), 'malformed'],
    [Buffer.concat([head('J', 2), Buffer.from('{]')]), 'malformed'],
    [Buffer.concat([head('J', 13), Buffer.from('{"a":1,"a":2}')]), 'malformed'],
    [Buffer.concat([head('J', 60), Buffer.from('['.repeat(30) + ']'.repeat(30))]), 'malformed'],
    [head('J', 10), 'timeout'],
    [Buffer.from('J'), 'timeout'],
  ];
  for (const [bytes, word] of cases) {
    const { link, far } = await pair(t);
    const closed = once(far, 'close');
    far.write(bytes);
    assert.equal(wordOf(await link.next(word === 'timeout' ? 50 : 5_000, limits)), word);
    await closed;
    assert.ok(!link.gone.aborted || word !== 'ok');
  }
  const { link, far } = await pair(t);
  far.end(Buffer.concat([head('J', 10), Buffer.from('{"a"')]));
  assert.equal(wordOf(await link.next(5_000, limits)), 'closed');
});

test('that the other side is gone is noticed while nobody waits for a frame', async (t) => {
  for (const leave of [(far: Socket) => far.destroy(), (far: Socket) => far.end()]) {
    const { link, far } = await pair(t);
    const gone = new Promise((resolve) => link.gone.addEventListener('abort', resolve));
    leave(far);
    await gone;
    assert.equal(wordOf(await link.next(5_000, limits)), 'closed');
    link.send({ k: 'into the void' });
  }
});
