import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  callMessage,
  messageBytes,
  readMessage,
  readStructs,
  readValue,
} from '../../../relay/machine/dbus.ts';
import { askUnits } from '../../../relay/machine/systemd-bus.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('a call has the bytes that the specification asks for', () => {
  const callee = { path: '/o', of: 'i.f', member: 'M' };
  const bytes = callMessage(7, 'd', callee, [['ab', ''], 'c']);
  const fields = [
    '01016f00020000002f6f000000000000',
    '0201730003000000692e660000000000',
    '03017300010000004d00000000000000',
    '06017300010000006400000000000000',
    '080167000361737300',
  ].join('');
  // Its length, "ab" with a byte to the next, "", three bytes to the next, "c".
  const body = '0d000000' + '0200000061620000' + '0000000000' + '000000' + '010000006300';
  const length = fields.length / 2;
  assert.equal(hex(bytes.subarray(0, 16)), `6c010001${'1a000000'}07000000${'49000000'}`);
  assert.equal(hex(bytes.subarray(16, 16 + length)), fields);
  assert.equal(hex(bytes.subarray(16 + 0x50)), body);
  assert.equal(messageBytes(bytes), bytes.length);
  assert.equal(messageBytes(bytes.subarray(0, 15)), null);
});

/** An answer as systemd would write it. */
function answer(replyTo: number, signature: string, body: Uint8Array, kind = 2): Uint8Array {
  const sign = Buffer.from(signature);
  const fields = Buffer.concat([
    Buffer.from([5, 1, 0x75, 0]),
    u32(replyTo),
    Buffer.from([8, 1, 0x67, 0, sign.length]),
    sign,
    Buffer.from([0]),
  ]);
  const pad = Buffer.alloc((8 - (fields.length % 8)) % 8);
  return Buffer.concat([
    Buffer.from([0x6c, kind, 0, 1]),
    u32(body.length),
    u32(99),
    u32(fields.length),
    fields,
    pad,
    body,
  ]);
}
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

/** Rows of structs of strings, `u` among them as numbers. */
function rowsOf(rows: readonly (readonly (string | number)[])[]): Uint8Array {
  let bytes: Buffer = Buffer.alloc(0);
  const align = (to: number): void => {
    bytes = Buffer.concat([bytes, Buffer.alloc((to - ((bytes.length + 8) % to)) % to)]);
  };
  for (const row of rows) {
    align(8);
    for (const one of row) {
      align(4);
      const value =
        typeof one === 'number' ? u32(one) : Buffer.concat([u32(one.length), Buffer.from(`${one}\0`)]);
      bytes = Buffer.concat([bytes, value]);
    }
  }
  return Buffer.concat([u32(bytes.length), Buffer.alloc(4), bytes]);
}

test('answers are read with their padding, and what is cut short is a fault', () => {
  const body = rowsOf([
    ['a', 'bcd', 5],
    ['', 'x', 6],
  ]);
  const message = readMessage(answer(3, 'a(ssu)', body));
  assert.deepEqual([message.kind, message.replyTo], ['answer', 3]);
  assert.deepEqual(readStructs(message.body, 'ssu'), [
    ['a', 'bcd', '5'],
    ['', 'x', '6'],
  ]);
  assert.equal(readValue(Buffer.from([1, 0x73, 0, 0, 2, 0, 0, 0, 0x68, 0x69, 0]), 'v'), 'hi');
  assert.throws(() => readStructs(message.body.subarray(0, 20), 'ssu'), /cut short/);
  assert.throws(() => messageBytes(Buffer.alloc(16, 0x42)), /little endian/);
});

const folder = mkdtempSync(join(tmpdir(), 'writ-dbus-'));
const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

/** Stands in for systemd: it answers each call with the next of these, in pieces. */
async function systemdOf(name: string, answers: readonly Uint8Array[]): Promise<string> {
  const path = join(folder, name);
  const left = [...answers];
  const server = createServer((socket) => {
    let greeted = false;
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      if (!greeted && text.startsWith('\0AUTH EXTERNAL')) {
        socket.write('OK 1234deadbeef\r\n');
        greeted = true;
        return;
      }
      if (!text.includes('ListUnitsByNames') && !text.includes('Get')) return;
      const next = left.shift();
      if (next === undefined) return void socket.destroy();
      socket.write(next.subarray(0, 10));
      socket.write(next.subarray(10));
    });
    socket.on('error', () => {});
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}

const unit = (name: string, load: string, active: string) => [
  name,
  '',
  load,
  active,
  '',
  '',
  `/unit/${name.length}`,
  0,
  '',
  '/',
];
const variant = (text: string): Uint8Array =>
  Buffer.concat([Buffer.from([1, 0x73, 0, 0]), u32(text.length), Buffer.from(`${text}\0`)]);

test('units are asked for in one call, and a oneshot that rests is asked how it ended', async () => {
  const path = await systemdOf('good', [
    answer(
      1,
      'a(ssssssouso)',
      rowsOf([
        unit('web.service', 'loaded', 'active'),
        unit('job.service', 'loaded', 'inactive'),
        unit('x.timer', 'not-found', 'inactive'),
      ]),
    ),
    answer(2, 'v', variant('oneshot')),
    answer(3, 'v', variant('success')),
  ]);
  const asked = await askUnits(['web.service', 'job.service', 'x.timer'], path);
  assert.deepEqual(asked.ok && asked.value, [
    { name: 'web.service', load: 'loaded', active: 'active', ended: false },
    { name: 'job.service', load: 'loaded', active: 'inactive', ended: true },
    { name: 'x.timer', load: 'not-found', active: 'inactive', ended: false },
  ]);
  assert.deepEqual(await askUnits([], join(folder, 'none')), { ok: true, value: [] });
});

test('a systemd that does not answer well is a reason, and no hanging', async () => {
  const none = await askUnits(['a.service'], join(folder, 'none'));
  assert.equal(!none.ok && none.reason, 'machine_error');
  const gone = await askUnits(['a.service'], await systemdOf('gone', []));
  assert.equal(!gone.ok && gone.reason, 'machine_error');
  const other = await askUnits(
    ['a.service'],
    await systemdOf('other', [answer(1, 'a(ssssssouso)', rowsOf([]))]),
  );
  assert.equal(!other.ok && other.reason, 'machine_error');
});
