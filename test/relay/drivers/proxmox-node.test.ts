import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHttpsClient } from '../../../relay/drivers/https-client.ts';
import { createProxmox } from '../../../relay/drivers/proxmox.ts';
import { endIsUnknown } from '../../../relay/drivers/proxmox-errors.ts';
import { until } from '../../support/proxmox/until.ts';
import { devtop, gaming, instantClock, setUpTower, token, websvcs } from './proxmox-fixture.ts';

test('the node tells its load, memory and versions', async (t) => {
  const { proxmox } = await setUpTower(t);
  const status = await proxmox.nodeStatus();
  assert.ok(status.ok);
  assert.deepEqual(status.value.loadavg, [0.12, 0.08, 0.05]);
  assert.equal(status.value.kernel, '6.14.11-4-pve');
  assert.match(status.value.pveversion, /^pve-manager\/9/);
  assert.ok(status.value.memory.totalBytes > status.value.memory.usedBytes);
});

test('a shutdown is answered before the node goes, and then nobody is there', async (t) => {
  let told = 0;
  const { simulator, proxmox } = await setUpTower(t, {
    simulator: {
      onPowerOff: () => {
        told += 1;
      },
    },
  });
  const off = simulator.nextEvent('powered_off');
  assert.deepEqual(await proxmox.nodeShutdown(), { ok: true, value: null });
  await off;
  await new Promise(setImmediate);
  assert.equal(told, 1);
  const gone = await proxmox.nodeStatus();
  assert.ok(!gone.ok);
  assert.equal(gone.reason, 'unreachable');

  await simulator.powerOn();
  const back = await proxmox.listGuests();
  assert.ok(back.ok, 'the same driver finds the same port again');
  assert.deepEqual(
    back.value.map(({ status }) => status),
    ['stopped', 'stopped', 'stopped'],
  );
});

test('a reboot comes back by itself, with the guests that start on boot', async (t) => {
  const { simulator, proxmox } = await setUpTower(t, {
    simulator: {
      guests: [
        { ...devtop, name: 'devtop', running: true },
        { ...websvcs, name: 'websvcs', running: true, onboot: true },
      ],
    },
  });
  const off = simulator.nextEvent('powered_off');
  const on = simulator.nextEvent('powered_on');
  assert.deepEqual(await proxmox.nodeReboot(), { ok: true, value: null });
  await off;
  await on;
  const list = await proxmox.listGuests();
  assert.ok(list.ok);
  assert.deepEqual(
    list.value.map(({ vmid, status }) => [vmid, status]),
    [
      [103, 'stopped'],
      [201, 'running'],
    ],
  );
});

test('a power cut in the middle of a task leaves its end unknown, and says that the order was sent', async (t) => {
  const clock = instantClock();
  const { simulator, proxmox } = await setUpTower(t, { driver: { clock } });
  simulator.guest(103).ignoresShutdown = true;
  const shutdown = proxmox.shutdown(devtop, { timeoutS: 600 });
  await until('the task began', () => simulator.tasks.length > 0);
  await simulator.powerOff();
  const result = await shutdown;
  assert.ok(!result.ok && result.reason === 'unreachable');
  assert.ok(endIsUnknown(result));
});

test('a server with another certificate is not spoken to', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  assert.ok((await proxmox.nodeStatus()).ok);
  await simulator.changeCertificate();
  const before = simulator.requests.length;
  for (const result of [await proxmox.nodeStatus(), await proxmox.start(gaming)]) {
    assert.ok(!result.ok);
    assert.equal(result.reason, 'pin_mismatch');
  }
  assert.equal(simulator.requests.length, before);
});

test('malformed configuration throws at once and keeps the token to itself', () => {
  const client = createHttpsClient();
  const deps = { client, baseUrl: 'https://127.0.0.1:8006', node: 'pve', token, clock: instantClock() };
  assert.throws(() => createProxmox({ ...deps, node: 'pve/../x' }), /node name/);
  assert.throws(() => createProxmox({ ...deps, baseUrl: 'nonsense' }));
  for (const bad of ['', 'root@pam', 'writ@pve!relay', 'writ@pve!relay=a b', 'writ@pve!relay=a\r\nX: y']) {
    assert.throws(
      () => createProxmox({ ...deps, token: bad }),
      (error: Error) => /USER@REALM!ID=SECRET/.test(error.message) && !(bad && error.message.includes(bad)),
    );
  }
  const proxmox = createProxmox(deps);
  for (const vmid of [99, 1_000_000_000, 100.5, Number.NaN, -1]) {
    assert.rejects(async () => proxmox.guestStatus({ kind: 'qemu', vmid }), /VMID/);
  }
  client.close();
});
