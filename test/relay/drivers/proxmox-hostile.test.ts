import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneLine } from '../../../relay/drivers/proxmox-errors.ts';
import { type RawAnswer, rawAnswer } from '../../support/proxmox/raw-stub.ts';
import { devtop, gaming, setUpStub, setUpTower } from './proxmox-fixture.ts';

const guest = { kind: 'qemu', vmid: 203 } as const;
const upid = 'UPID:pve:0000C3A1:00A5D3F2:6B03A0C1:qmstart:203:writ@pve!relay:';

const nonsense: readonly [string, string][] = [
  ['nothing', ''],
  ['cut JSON', '{"data":{"status":"runn'],
  ['no data', '{"success":1}'],
  ['an array', '[1,2]'],
  ['null', 'null'],
  ['a web page', '<!DOCTYPE html><title>pve</title>'],
  ['a wrong type', '{"data":{"status":7}}'],
  ['an unknown state', '{"data":{"status":"walking"}}'],
  ['a list', '{"data":[]}'],
  ['another guest', '{"data":{"vmid":204,"status":"running"}}'],
  ['a lock with markup', '{"data":{"status":"running","lock":"<b>"}}'],
  ['a negative time', '{"data":{"status":"running","uptime":-1}}'],
  ['a deep nest', `{"data":${'['.repeat(50_000)}${']'.repeat(50_000)}}`],
  ['a poisoned prototype', '{"__proto__":{"data":{"status":"running"}}}'],
];
for (const [name, body] of nonsense) {
  test(`a status that is ${name} is a bad answer`, async (t) => {
    const { proxmox } = await setUpStub(t, () => rawAnswer('200 OK', body));
    const result = await proxmox.guestStatus(guest);
    assert.ok(!result.ok);
    assert.equal(result.reason, 'bad_answer');
    assert.ok(result.detail.length < 250);
  });
}

test('a redirect is a bad answer and is not followed with the token', async (t) => {
  const { stub, proxmox } = await setUpStub(
    t,
    () => 'HTTP/1.1 301 Moved\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n',
  );
  const result = await proxmox.guestStatus(guest);
  assert.ok(!result.ok);
  assert.equal(result.reason, 'bad_answer');
  assert.equal(stub.received.length, 1);
});

const wrongUpids = [
  '"OK"',
  'null',
  '7',
  '"UPID:pve:1:2:3:qmstart:203:x:"',
  `"${upid}/../../../access"`,
  `"${upid.replace('qmstart', 'qm/start')}"`,
  `"${upid.replace('pve', 'other')}"`,
  `"UPID:pve:0000C3A1:00A5D3F2:6B03A0C1:qmstart:203:${'x'.repeat(5_000)}:"`,
];
for (const data of wrongUpids) {
  test(`an order answered with ${data.slice(0, 60)} is a bad answer and nothing is polled`, async (t) => {
    const { stub, proxmox } = await setUpStub(t, () => rawAnswer('200 OK', `{"data":${data}}`));
    const result = await proxmox.start(guest);
    assert.ok(!result.ok);
    assert.equal(result.reason, 'bad_answer');
    assert.equal(stub.received.length, 1);
  });
}

test('one malformed row fails the whole list', async (t) => {
  const bad = [
    '{"vmid":"99","status":"running"}',
    '{"vmid":"1e3","status":"running"}',
    '{"status":"running"}',
    '{"vmid":101}',
    '{"vmid":100,"status":"running"}',
  ];
  for (const row of bad) {
    const { proxmox } = await setUpStub(t, () =>
      rawAnswer('200 OK', `{"data":[{"vmid":100,"status":"stopped"},${row}]}`),
    );
    const result = await proxmox.listGuests();
    assert.ok(!result.ok, row);
    assert.equal(result.reason, 'bad_answer', row);
  }
});

const ask = (answer: RawAnswer, t: Parameters<typeof setUpStub>[0]) => setUpStub(t, () => answer);

const hostileUsers: readonly [string, string][] = [
  ['no list', '{"data":{"result":{"user":"ann"}}}'],
  ['no result', '{"data":{}}'],
  ['a string', '{"data":{"result":"nobody"}}'],
  ['null', '{"data":{"result":null}}'],
  ['users without names', '{"data":{"result":[{"domain":"X"}]}}'],
  ['numbers', '{"data":{"result":[1,2]}}'],
  ['too many', `{"data":{"result":[${Array(257).fill('{"user":"a"}').join(',')}]}}`],
  ['too much', `{"data":{"result":[{"user":"${'x'.repeat(70_000)}"}]}}`],
];
for (const [name, body] of hostileUsers) {
  test(`users from a guest that sends ${name}: a bad answer, never an empty list`, async (t) => {
    const { proxmox } = await ask(rawAnswer('200 OK', body), t);
    const result = await proxmox.agentUsers(guest);
    assert.ok(!result.ok);
    assert.equal(result.reason, 'bad_answer');
  });
}

test('names from a guest are cut and lose their control characters', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  simulator.guest(103).usersAnswer = [
    { user: '\u001b[31mroot\u0007\r\nHTTP/1.1 200', domain: 'a\u202eb' },
    { user: 'x'.repeat(5_000), 'login-time': 'never', extra: { deep: [] } },
  ];
  const result = await proxmox.agentUsers(devtop);
  assert.ok(result.ok);
  assert.deepEqual(result.value[0], { user: '[31mroot HTTP/1.1 200', domain: 'a b' });
  assert.equal(result.value[1]?.user.length, 128);
});

test('an agent’s error text is cut and cleaned as well', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  simulator.guest(103).usersAnswer = { error: { class: 'X', desc: `\u0000bad\n${'y'.repeat(5_000)}` } };
  const result = await proxmox.agentUsers(devtop);
  assert.ok(!result.ok);
  assert.equal(result.reason, 'agent_error');
  assert.match(result.detail, /^bad y+$/);
  assert.ok(result.detail.length <= 240);
});

test('a server’s endless reason and errors are cut', async (t) => {
  const errors = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`p${i}`, 'z'.repeat(400)]));
  const { proxmox } = await ask(
    rawAnswer('400 Parameter verification failed.', JSON.stringify({ data: null, errors })),
    t,
  );
  const result = await proxmox.start(guest);
  assert.ok(!result.ok && result.reason === 'bad_parameter');
  assert.equal(Object.keys(result.errors).length, 16);
  assert.ok(JSON.stringify(result).length < 6_000);
});

test('a line stays one line and within its length, whatever comes', () => {
  assert.equal(oneLine('  a\r\n\tb\u0000c\u2028d  '), 'a b c d');
  assert.equal(oneLine('\ud800x'), 'x');
  assert.equal(oneLine('x'.repeat(10_000_000)).length, 240);
});

test('a paused name that a guest chose does not pass for a state', async (t) => {
  const { proxmox } = await ask(
    rawAnswer('200 OK', '{"data":{"status":"stopped","qmpstatus":"paused","name":"running"}}'),
    t,
  );
  const result = await proxmox.guestStatus(gaming);
  assert.ok(result.ok);
  assert.equal(result.value.status, 'stopped');
  assert.equal(result.value.paused, false);
});
