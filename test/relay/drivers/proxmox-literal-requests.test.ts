import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rawAnswer } from '../../support/proxmox/raw-stub.ts';
import { setUpStub } from './proxmox-fixture.ts';

/** What the driver sends, byte for byte, and what it reads out of rows and configurations of real servers. */

const guest = { kind: 'qemu', vmid: 203 } as const;

test('rows as old servers write them: numbers and booleans as strings', async (t) => {
  const { proxmox } = await setUpStub(t, (request) =>
    rawAnswer(
      '200 OK',
      request.includes('/lxc ')
        ? '{"data":[{"vmid":"201","status":"running","name":"web","uptime":"361","type":"lxc","template":"","lock":"backup"}]}'
        : '{"data":[{"vmid":9000,"status":"stopped","template":1,"uptime":0}]}',
    ),
  );
  assert.deepEqual(await proxmox.listGuests(), {
    ok: true,
    value: [
      {
        kind: 'lxc',
        vmid: 201,
        status: 'running',
        paused: false,
        uptimeS: 361,
        lock: 'backup',
        name: 'web',
        template: false,
      },
      { kind: 'qemu', vmid: 9000, status: 'stopped', paused: false, uptimeS: 0, template: true },
    ],
  });
});

const identities: readonly [string, string | undefined][] = [
  ['uuid=9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d', '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d'],
  [
    'manufacturer=QUNNRQ==,uuid=9B1DEB4D-3B7D-4BAD-9BDD-2B0D7B3DCB6D,base64=1,serial=dXVpZD14',
    '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d',
  ],
  ['base64=1,family=Zm9v', undefined],
  ['uuid=not-a-uuid', undefined],
  ['uuid=9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d,uuid=00000000-3b7d-4bad-9bdd-2b0d7b3dcb6d', undefined],
];
for (const [smbios1, uuid] of identities) {
  test(`smbios1 ${smbios1}`, async (t) => {
    const { stub, proxmox } = await setUpStub(t, () =>
      rawAnswer('200 OK', JSON.stringify({ data: { smbios1, digest: 'x' } })),
    );
    const result = await proxmox.guestIdentity(guest);
    assert.equal(result.ok && result.value.kind === 'qemu' ? result.value.uuid : undefined, uuid);
    assert.match(stub.received[0] ?? '', /^GET \/api2\/json\/nodes\/pve\/qemu\/203\/config\?current=1 /);
  });
}

const volumes: readonly [string, string | undefined][] = [
  ['local-lvm:vm-201-disk-0,size=8G', 'local-lvm:vm-201-disk-0'],
  ['volume=local-zfs:subvol-201-disk-0,size=8G', 'local-zfs:subvol-201-disk-0'],
  ['size=8G,volume=local-zfs:subvol-201-disk-0', 'local-zfs:subvol-201-disk-0'],
  ['/srv/container', '/srv/container'],
  ['size=8G', undefined],
  ['', undefined],
];
for (const [rootfs, volume] of volumes) {
  test(`rootfs ${rootfs}`, async (t) => {
    const { proxmox } = await setUpStub(t, () => rawAnswer('200 OK', JSON.stringify({ data: { rootfs } })));
    const result = await proxmox.guestIdentity({ kind: 'lxc', vmid: 201 });
    assert.equal(result.ok && result.value.kind === 'lxc' ? result.value.rootfs : undefined, volume);
  });
}

test('a node’s shutdown posts its command and takes null for an answer', async (t) => {
  const { stub, proxmox } = await setUpStub(t, () => rawAnswer('200 OK', '{"data":null}'));
  assert.deepEqual(await proxmox.nodeShutdown(), { ok: true, value: null });
  assert.deepEqual(await proxmox.nodeReboot(), { ok: true, value: null });
  for (const [index, command] of ['shutdown', 'reboot'].entries()) {
    const request = stub.received[index] ?? '';
    assert.match(request, /^POST \/api2\/json\/nodes\/pve\/status HTTP/);
    assert.match(request, /^content-type: application\/x-www-form-urlencoded\r$/m);
    assert.ok(request.endsWith(`\r\n\r\ncommand=${command}`), request);
  }
});

test('orders take connections of their own, looks share one', async (t) => {
  const kept = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const { stub, proxmox } = await setUpStub(t, (request) => (socket) => {
    socket.write(kept(request.startsWith('POST') ? '{"data":null}' : '{"data":{"status":"stopped"}}'));
  });
  for (const _ of [1, 2, 3]) assert.ok((await proxmox.guestStatus(guest)).ok);
  assert.equal(stub.handshakes, 1);
  for (const _ of [1, 2]) assert.ok((await proxmox.nodeShutdown()).ok);
  assert.equal(stub.handshakes, 3);
  for (const request of stub.received.slice(3)) assert.match(request, /^connection: close\r$/im);
});
