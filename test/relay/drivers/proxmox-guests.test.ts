import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/proxmox/until.ts';
import { devtop, gaming, setUpTower, token, websvcs } from './proxmox-fixture.ts';

test('the list holds VMs and containers of this node, whatever the type of their numbers', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  simulator.guest(103).paused = true;
  simulator.guest(201).lock = 'backup';
  const list = await proxmox.listGuests();
  assert.ok(list.ok);
  const seen = list.value.map(({ kind, vmid, name, status, paused, lock, template }) => {
    return { kind, vmid, name, status, paused, lock, template };
  });
  assert.deepEqual(seen, [
    { ...gaming, name: 'gaming', status: 'stopped', paused: false, lock: undefined, template: false },
    { ...devtop, name: 'devtop', status: 'running', paused: true, lock: undefined, template: false },
    { ...websvcs, name: 'websvcs', status: 'running', paused: false, lock: 'backup', template: false },
  ]);
});

test('status tells running, stopped, paused and locked', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  const stopped = await proxmox.guestStatus(gaming);
  assert.deepEqual(stopped, {
    ok: true,
    value: { status: 'stopped', paused: false, uptimeS: 0, name: 'gaming', agentEnabled: true },
  });
  simulator.guest(103).paused = true;
  simulator.guest(103).lock = 'snapshot';
  const paused = await proxmox.guestStatus(devtop);
  assert.ok(paused.ok);
  assert.equal(paused.value.status, 'running');
  assert.equal(paused.value.paused, true);
  assert.equal(paused.value.lock, 'snapshot');
  const container = await proxmox.guestStatus(websvcs);
  assert.ok(container.ok);
  assert.equal(container.value.status, 'running');
  assert.equal('agentEnabled' in container.value, false);
});

test('identity is the SMBIOS UUID in lower case, or the root file system’s volume', async (t) => {
  const { proxmox } = await setUpTower(t, {
    simulator: {
      guests: [
        { ...gaming, name: 'gaming', uuid: '1F0E2D3C-4B5A-4697-8877-665544332211' },
        { ...devtop, name: 'nameless' },
        { ...websvcs, name: 'websvcs', rootfs: 'tank:subvol-201-disk-3' },
      ],
    },
  });
  assert.deepEqual(await proxmox.guestIdentity(gaming), {
    ok: true,
    value: { ...gaming, uuid: '1f0e2d3c-4b5a-4697-8877-665544332211' },
  });
  assert.deepEqual(await proxmox.guestIdentity(websvcs), {
    ok: true,
    value: { ...websvcs, rootfs: 'tank:subvol-201-disk-3' },
  });
  const none = await proxmox.guestIdentity(devtop);
  assert.ok(!none.ok);
  assert.equal(none.reason, 'no_identity');
});

test('a VM goes through shutdown, start, suspend, resume, reboot and stop', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  const guest = simulator.guest(103);
  const types: string[] = [];
  const done = (result: Awaited<ReturnType<typeof proxmox.start>>) => {
    assert.ok(result.ok, JSON.stringify(result));
    types.push(result.value.type);
  };
  done(await proxmox.shutdown(devtop, { timeoutS: 5 }));
  assert.equal(guest.running, false);
  done(await proxmox.start(devtop));
  assert.equal(guest.running, true);
  done(await proxmox.suspend(devtop));
  assert.equal(guest.paused, true);
  done(await proxmox.resume(devtop));
  assert.equal(guest.paused, false);
  done(await proxmox.reboot(devtop, { timeoutS: 5 }));
  assert.equal(guest.running, true);
  done(await proxmox.stop(devtop));
  assert.equal(guest.running, false);
  assert.deepEqual(types, ['qmshutdown', 'qmstart', 'qmpause', 'qmresume', 'qmreboot', 'qmstop']);
  assert.deepEqual(
    simulator.events.filter(({ vmid }) => vmid === 103).map(({ kind }) => kind),
    ['guest_started', 'guest_stopped', 'guest_started', 'guest_stopped', 'guest_started', 'guest_cut'],
  );
});

test('a container goes through the same, except that checkpoints fail', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  const guest = simulator.guest(201);
  assert.ok((await proxmox.shutdown(websvcs, { timeoutS: 5 })).ok);
  assert.equal(guest.running, false);
  assert.ok((await proxmox.start(websvcs)).ok);
  assert.ok((await proxmox.reboot(websvcs, { timeoutS: 5 })).ok);
  const suspended = await proxmox.suspend(websvcs);
  assert.ok(!suspended.ok && suspended.reason === 'task_failed');
  assert.match(suspended.exitstatus, /^command 'lxc-checkpoint .*' failed: exit code 1$/);
  const resumed = await proxmox.resume(websvcs);
  assert.ok(!resumed.ok);
  assert.equal(resumed.reason, 'already_running');
  assert.ok((await proxmox.stop(websvcs)).ok);
  assert.equal(guest.running, false);
});

test('orders that are already fulfilled say so', async (t) => {
  const { proxmox } = await setUpTower(t);
  const reasonOf = async (result: Promise<{ ok: boolean; reason?: string }>) => {
    const { ok, reason } = await result;
    return ok ? 'ok' : reason;
  };
  assert.equal(await reasonOf(proxmox.start(devtop)), 'already_running');
  assert.equal(await reasonOf(proxmox.start(websvcs)), 'already_running');
  assert.equal(await reasonOf(proxmox.shutdown(gaming, { timeoutS: 1 })), 'ok');
  assert.equal(await reasonOf(proxmox.stop(gaming)), 'ok');
  assert.equal(await reasonOf(proxmox.resume(gaming)), 'guest_not_running');
  assert.equal(await reasonOf(proxmox.suspend(gaming)), 'guest_not_running');
  assert.equal(await reasonOf(proxmox.reboot(gaming, { timeoutS: 1 })), 'guest_not_running');
  assert.ok((await proxmox.stop(websvcs)).ok);
  assert.equal(await reasonOf(proxmox.stop(websvcs)), 'guest_not_running');
  assert.equal(await reasonOf(proxmox.shutdown(websvcs, { timeoutS: 1 })), 'guest_not_running');
});

test('a guest that is not there is not found, by whatever call', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  for (const guest of [
    { kind: 'qemu', vmid: 999 },
    { kind: 'lxc', vmid: 999 },
    // The right number under the wrong kind is no guest either.
    { kind: 'lxc', vmid: 102 },
  ] as const) {
    for (const result of [
      await proxmox.guestStatus(guest),
      await proxmox.guestIdentity(guest),
      await proxmox.start(guest),
    ]) {
      assert.ok(!result.ok);
      assert.equal(result.reason, 'not_found', JSON.stringify({ guest, result }));
    }
  }
  for (const result of [
    await proxmox.shutdown({ kind: 'qemu', vmid: 999 }, { timeoutS: 1 }),
    await proxmox.stop({ kind: 'qemu', vmid: 999 }),
    await proxmox.reboot({ kind: 'qemu', vmid: 999 }, { timeoutS: 1 }),
    await proxmox.agentPing({ kind: 'qemu', vmid: 999 }),
  ]) {
    assert.ok(!result.ok);
    assert.equal(result.reason, 'not_found');
  }
  assert.ok(simulator.requests.length > 0);
});

test('a locked guest is refused by its task, with the lock’s name', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  for (const lock of ['backup', 'migrate', 'snapshot-delete', 'suspended']) {
    simulator.guest(102).lock = lock;
    simulator.guest(103).lock = lock;
    simulator.guest(201).lock = lock;
    for (const result of [
      await proxmox.start(gaming),
      await proxmox.shutdown(devtop, { timeoutS: 1 }),
      await proxmox.stop(devtop),
      await proxmox.stop(websvcs),
    ]) {
      assert.ok(!result.ok && result.reason === 'guest_locked', JSON.stringify(result));
      assert.equal(result.lock, lock);
    }
  }
  assert.equal(simulator.guest(103).running, true);
});

test('a paused guest does not shut down, and the request was not sent to it', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  simulator.guest(103).paused = true;
  for (const result of [
    await proxmox.shutdown(devtop, { timeoutS: 1 }),
    await proxmox.reboot(devtop, { timeoutS: 1 }),
  ]) {
    assert.ok(!result.ok);
    assert.equal(result.reason, 'guest_paused');
  }
  assert.equal(simulator.tasks.length, 0);
});

test('a guest that ignores the shutdown goes on running', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  simulator.guest(103).ignoresShutdown = true;
  simulator.guest(201).ignoresShutdown = true;
  const vm = await proxmox.shutdown(devtop, { timeoutS: 0 });
  assert.ok(!vm.ok && vm.reason === 'task_failed');
  assert.equal(vm.exitstatus, 'VM quit/powerdown failed - got timeout');
  const container = await proxmox.shutdown(websvcs, { timeoutS: 0 });
  assert.ok(!container.ok && container.reason === 'task_failed');
  assert.equal(container.exitstatus, 'container did not stop');
  assert.equal(simulator.guest(103).running, true);
  assert.equal(simulator.guest(201).running, true);
});

test('two holders of one GPU: the second does not start while the first runs', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  const refused = await proxmox.start(gaming);
  assert.ok(!refused.ok);
  assert.equal(refused.reason, 'device_in_use');
  assert.ok((await proxmox.shutdown(devtop, { timeoutS: 5 })).ok);
  assert.ok((await proxmox.start(gaming)).ok);
  assert.equal(simulator.events.filter(({ kind }) => kind === 'device_conflict').length, 1);
});

test('one guest, two orders at once: the second waits for the configuration’s lock', async (t) => {
  const { simulator, proxmox } = await setUpTower(t, { simulator: { configLockWaitMs: 40 } });
  simulator.guest(103).ignoresShutdown = true;
  const shutdown = proxmox.shutdown(devtop, { timeoutS: 1 });
  await until('the task began', () => simulator.tasks.length > 0);
  const stop = await proxmox.stop(devtop);
  assert.ok(!stop.ok);
  assert.equal(stop.reason, 'config_locked');
  assert.equal((await shutdown).ok, false);
});

test('the agent answers once it is there, and tells who is logged in', async (t) => {
  const { simulator, proxmox } = await setUpTower(t, {
    simulator: {
      guests: [
        { ...gaming, name: 'gaming', agent: { enabled: true, answersAfterMs: Number.POSITIVE_INFINITY } },
        { ...devtop, name: 'devtop', agent: { enabled: true }, running: true, users: [{ user: 'ann' }] },
        { kind: 'qemu', vmid: 104, name: 'macos', running: true },
        { ...websvcs, name: 'websvcs', running: true },
      ],
      agentWaitMs: 10,
    },
  });
  assert.deepEqual(await proxmox.agentPing(devtop), { ok: true, value: null });
  assert.deepEqual(await proxmox.agentUsers(devtop), { ok: true, value: [{ user: 'ann' }] });
  const reason = async (guest: Parameters<typeof proxmox.agentPing>[0]) => {
    const [ping, users] = [await proxmox.agentPing(guest), await proxmox.agentUsers(guest)];
    assert.ok(!ping.ok && !users.ok);
    assert.equal(ping.reason, users.reason);
    return ping.reason;
  };
  assert.equal(await reason(gaming), 'guest_not_running');
  assert.ok((await proxmox.start(gaming)).ok);
  assert.equal(await reason(gaming), 'agent_not_running');
  simulator.guest(102).agentFrom = 0;
  assert.ok((await proxmox.agentPing(gaming)).ok);
  assert.equal(await reason({ kind: 'qemu', vmid: 104 }), 'agent_not_configured');
  const before = simulator.requests.length;
  assert.equal(await reason(websvcs), 'agent_not_configured');
  assert.equal(simulator.requests.length, before, 'a container is not even asked');
});

test('without rights: 403, and lists that are merely shorter', async (t) => {
  const { proxmox } = await setUpTower(t, {
    simulator: {
      tokens: [
        {
          token,
          privileges: {
            '/vms/102': ['VM.Audit', 'VM.PowerMgmt'],
            '/vms/103': ['VM.Audit'],
            '/nodes/pve2': ['Sys.Audit'],
          },
        },
      ],
    },
  });
  const list = await proxmox.listGuests();
  assert.ok(list.ok);
  assert.deepEqual(
    list.value.map(({ vmid }) => vmid),
    [102, 103],
  );
  assert.ok((await proxmox.nodeStatus()).ok);
  for (const result of [
    await proxmox.start(devtop),
    await proxmox.guestStatus(websvcs),
    await proxmox.agentUsers(gaming),
    await proxmox.nodeShutdown(),
  ]) {
    assert.ok(!result.ok);
    assert.equal(result.reason, 'forbidden');
    assert.match(result.detail, /^Permission check failed \(\//);
  }
});

test('a wrong token is unauthorized and does not appear in what is told of it', async (t) => {
  const wrong = 'writ@pve!relay=00000000-0000-4000-8000-00000000beef';
  const { proxmox } = await setUpTower(t, { driver: { token: wrong } });
  const result = await proxmox.nodeStatus();
  assert.ok(!result.ok);
  assert.equal(result.reason, 'unauthorized');
  assert.doesNotMatch(JSON.stringify(result), /beef/);
});
