import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { createWakeOnLan, magicPacket } from '../../../relay/drivers/wake-on-lan.ts';

test('the packet is 6 × FF and 16 × the MAC', () => {
  const packet = magicPacket('00:1b:21:AB:cd:ef');
  assert.equal(packet?.toString('hex'), `ffffffffffff${'001b21abcdef'.repeat(16)}`);
  assert.equal(packet?.length, 102);
  assert.deepEqual(magicPacket('00-1B-21-ab-CD-ef'), packet);
});

test('what is no machine’s MAC makes no packet', () => {
  for (const mac of [
    '',
    '001b21abcdef',
    '00:1b:21:ab:cd',
    '00:1b:21:ab:cd:ef:00',
    '00:1b-21:ab:cd:ef',
    '00:1b:21:ab:cd:eg',
    ' 00:1b:21:ab:cd:ef',
    '00:1b:21:ab:cd:ef\n',
    '00:00:00:00:00:00',
    'ff:ff:ff:ff:ff:ff',
    '01:00:5e:00:00:01',
  ]) {
    assert.equal(magicPacket(mac), undefined, JSON.stringify(mac));
  }
});

test('a real UDP socket receives exactly these bytes', async (t) => {
  const listener = createSocket('udp4');
  t.after(() => listener.close());
  listener.bind(0, '127.0.0.1');
  await once(listener, 'listening');
  const received = once(listener, 'message');
  const sent = await createWakeOnLan().send('00:1b:21:ab:cd:ef', `127.0.0.1:${listener.address().port}`);
  assert.deepEqual(sent, { ok: true, value: null });
  const [bytes] = (await received) as [Buffer];
  assert.equal(bytes.toString('hex'), `ffffffffffff${'001b21abcdef'.repeat(16)}`);
});

test('a broadcast address is permitted', async (t) => {
  const listener = createSocket({ type: 'udp4', reuseAddr: true });
  t.after(() => listener.close());
  listener.bind(0, '0.0.0.0');
  await once(listener, 'listening');
  const received = once(listener, 'message');
  const sent = await createWakeOnLan().send(
    '00:1b:21:ab:cd:ef',
    `127.255.255.255:${listener.address().port}`,
  );
  assert.deepEqual(sent, { ok: true, value: null });
  const [bytes] = (await received) as [Buffer];
  assert.equal(bytes.length, 102);
});

test('malformed MACs and addresses are refused before a socket is opened', async () => {
  const wake = createWakeOnLan();
  const bad = await wake.send('nonsense', '127.0.0.1');
  assert.ok(!bad.ok);
  assert.equal(bad.reason, 'bad_mac');
  for (const address of [
    '',
    'host.example',
    '127.0.0.1:',
    '127.0.0.1:0',
    '127.0.0.1:65536',
    '127.0.0.1:9:9',
    '127.0.0.1:9x',
    '127.0.0.256',
    '::1',
    '10.0.0.0/24',
  ]) {
    const result = await wake.send('00:1b:21:ab:cd:ef', address);
    assert.ok(!result.ok, address);
    assert.equal(result.reason, 'bad_address', address);
  }
});
