import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHttpsClient } from '../../../relay/drivers/https-client.ts';
import { createProxmox } from '../../../relay/drivers/proxmox.ts';
import {
  endIsUnknown,
  failure,
  failureOfHttp,
  failureOfTask,
  type ProxmoxFailure,
} from '../../../relay/drivers/proxmox-errors.ts';
import { rawAnswer } from '../../support/proxmox/raw-stub.ts';
import { until } from '../../support/proxmox/until.ts';
import { devtop, gaming, instantClock, setUpStub, setUpTower, token } from './proxmox-fixture.ts';

const polls = { method: 'GET', path: /\/tasks\// } as const;

test('a daemon that restarts during a task is waited for', async (t) => {
  const { simulator, proxmox } = await setUpTower(t, { driver: { clock: instantClock() } });
  const cut = simulator.faults.add({ ...polls, fault: { kind: 'cut' }, times: 3 });
  simulator.faults.add({
    ...polls,
    fault: { kind: 'answer', status: 599, reason: 'Too many redirections' },
    times: 2,
  });
  const result = await proxmox.shutdown(devtop, { timeoutS: 5 });
  assert.ok(result.ok, JSON.stringify(result));
  assert.equal(cut(), 3);
});

test('polls that go on failing end the wait, and say that the order was sent', async (t) => {
  const { simulator, proxmox } = await setUpTower(t, { driver: { clock: instantClock() } });
  simulator.faults.add({ ...polls, fault: { kind: 'cut' }, times: Number.POSITIVE_INFINITY });
  const result = await proxmox.shutdown(devtop, { timeoutS: 5 });
  assert.ok(!result.ok && result.reason === 'unreachable');
  assert.ok(endIsUnknown(result));
});

test('rights lost during a task end the wait at once', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  const struck = simulator.faults.add({
    ...polls,
    fault: { kind: 'answer', status: 403, reason: 'Permission check failed (/nodes/pve2, Sys.Audit)' },
    times: Number.POSITIVE_INFINITY,
  });
  const result = await proxmox.shutdown(devtop, { timeoutS: 5 });
  assert.ok(!result.ok);
  assert.equal(result.reason, 'forbidden');
  assert.equal(result.upid, simulator.tasks[0]?.upid);
  assert.ok(endIsUnknown(result));
  assert.equal(struck(), 1);
});

test('an answer lost after the order was taken: never given twice, and "sent" says so', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  simulator.faults.add({ method: 'POST', fault: { kind: 'lost_answer' } });
  const result = await proxmox.shutdown(devtop, { timeoutS: 5 });
  assert.ok(!result.ok && result.reason === 'unreachable');
  assert.ok(endIsUnknown(result));
  await until('the guest stopped', () => !simulator.guest(103).running);
  assert.equal(simulator.tasks.length, 1);
});

test('a deadline ends the wait with the task’s id; the task goes on', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  simulator.guest(103).ignoresShutdown = true;
  const result = await proxmox.shutdown(devtop, { timeoutS: 60, deadlineMs: 60 });
  assert.ok(!result.ok && result.reason === 'timeout');
  assert.equal(result.upid, simulator.tasks[0]?.upid);
  assert.equal(result.sent, true);
  assert.equal(simulator.tasks[0]?.exitstatus, undefined);
});

test('an abort ends the wait at once, between polls and within one', async (t) => {
  for (const pollMs of [60_000, 5]) {
    const { simulator, proxmox } = await setUpTower(t, { driver: { pollMs } });
    simulator.guest(103).ignoresShutdown = true;
    const controller = new AbortController();
    if (pollMs === 5) simulator.faults.add({ ...polls, fault: { kind: 'silent' } });
    const waiting = proxmox.shutdown(devtop, { timeoutS: 60, signal: controller.signal });
    await until('the order arrived', () => simulator.requests.length > 0);
    setTimeout(() => controller.abort(), 20);
    const result = await waiting;
    assert.ok(!result.ok && result.reason === 'aborted');
    assert.equal(result.upid, simulator.tasks[0]?.upid);
    await simulator.close();
  }
});

test('an abort before the order: nothing is sent', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  const result = await proxmox.start(gaming, { signal: AbortSignal.abort() });
  assert.ok(!result.ok && result.reason === 'aborted');
  assert.equal(result.sent, false);
  assert.equal(simulator.requests.length, 0);
});

test('slow is waited for; a late answer after the request’s own limit is a timeout', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  simulator.faults.add({ fault: { kind: 'slow', ms: 100 } });
  assert.ok((await proxmox.guestStatus(devtop)).ok);
});

test('threat 7: never-ending, huge and garbled answers', async (t) => {
  const { simulator, client } = await setUpTower(t);
  // The client with a short limit for what never comes: the driver's own is half a minute.
  let timeoutMs = 150;
  const impatient = createProxmox({
    client: { ...client, request: (request) => client.request({ ...request, timeoutMs }) },
    baseUrl: simulator.url,
    node: 'pve2',
    token,
    clock: instantClock(),
  });
  const reasons: string[] = [];
  for (const fault of [
    { kind: 'silent' },
    { kind: 'drip', everyMs: 5 },
    { kind: 'garbage' },
    { kind: 'huge', bytes: 5_000_000 },
  ] as const) {
    simulator.faults.add({ fault });
    timeoutMs = fault.kind === 'silent' || fault.kind === 'drip' ? 150 : 30_000;
    const result = await impatient.guestStatus(devtop);
    assert.ok(!result.ok);
    reasons.push(result.reason);
  }
  assert.deepEqual(reasons, ['timeout', 'timeout', 'bad_answer', 'bad_answer']);
  assert.ok((await impatient.guestStatus(devtop)).ok, 'and the next answer is read as ever');
});

test('old error bodies carry their reason in the status line', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  simulator.oldErrorBodies = true;
  const missing = await proxmox.guestStatus({ kind: 'qemu', vmid: 999 });
  assert.ok(!missing.ok);
  assert.equal(missing.reason, 'not_found');
  const agent = await proxmox.agentPing(gaming);
  assert.ok(!agent.ok);
  assert.equal(agent.reason, 'guest_not_running');
});

test('no worker twice, then one', async (t) => {
  const clock = instantClock();
  const { simulator, proxmox } = await setUpTower(t, { driver: { clock } });
  const struck = simulator.faults.add({ method: 'POST', fault: { kind: 'no_worker' }, times: 2 });
  assert.ok((await proxmox.shutdown(devtop, { timeoutS: 5 })).ok);
  assert.equal(struck(), 2);
  assert.deepEqual(clock.sleeps.slice(0, 2), [500, 1_000]);
});

test('a configuration lock, at once and not in a task', async (t) => {
  const { simulator, proxmox } = await setUpTower(t);
  simulator.faults.add({ fault: { kind: 'config_locked' } });
  const result = await proxmox.guestIdentity(devtop);
  assert.ok(!result.ok);
  assert.equal(result.reason, 'config_locked');
});

test('a task that stops without an exit status is a bad answer', async (t) => {
  const upid = 'UPID:pve:0000C3A1:00A5D3F2:6B03A0C1:qmstart:102:writ@pve!relay:';
  const { proxmox } = await setUpStub(t, (request) =>
    rawAnswer('200 OK', request.startsWith('POST') ? `{"data":"${upid}"}` : '{"data":{"status":"stopped"}}'),
  );
  const result = await proxmox.start(gaming);
  assert.ok(!result.ok);
  assert.equal(result.reason, 'bad_answer');
});

test('threat 20: no result holds the token, whatever goes wrong', async (t) => {
  const secret = token.split('=')[1] ?? '';
  const { simulator, proxmox } = await setUpTower(t, { driver: { clock: instantClock() } });
  const results: unknown[] = [];
  for (const fault of [
    { kind: 'cut' },
    { kind: 'garbage' },
    { kind: 'no_worker' },
    { kind: 'answer', status: 401, reason: 'Authentication failed!' },
    { kind: 'answer', status: 500, reason: 'x', body: '{"data":null,"message":"x"}' },
  ] as const) {
    simulator.faults.add({ fault, times: 9 });
    results.push(await proxmox.start(gaming), await proxmox.nodeStatus());
    simulator.faults.clear();
  }
  const unreachable = createProxmox({
    client: createHttpsClient({ pin: simulator.pins.spki }),
    baseUrl: 'https://127.0.0.1:1',
    node: 'pve2',
    token,
    clock: instantClock(),
  });
  results.push(await unreachable.nodeStatus());
  assert.equal(results.length, 11);
  assert.ok(!JSON.stringify(results).includes(secret));
});

const ends: readonly [boolean, ProxmoxFailure][] = [
  [false, failure('pin_mismatch', '')],
  [false, failure('forbidden', '')],
  [false, { ok: false, reason: 'task_failed', exitstatus: 'x', detail: 'x' }],
  [false, { ok: false, reason: 'unreachable', sent: false, detail: '' }],
  [true, { ok: false, reason: 'unreachable', sent: true, detail: '' }],
  [true, { ok: false, reason: 'timeout', sent: true, detail: '' }],
  [false, { ok: false, reason: 'aborted', sent: false, detail: '' }],
  [false, { ok: false, reason: 'proxy_error', status: 595, detail: '' }],
  [true, { ok: false, reason: 'proxy_error', status: 599, detail: '' }],
  [false, { ok: false, reason: 'server_error', status: 501, detail: '' }],
  [true, { ok: false, reason: 'server_error', status: 500, detail: '' }],
  [true, failure('bad_answer', '')],
  [true, { ...failure('forbidden', ''), upid: 'UPID:x' }],
];
test('which failures leave open whether the order was carried out', () => {
  for (const [expected, failed] of ends) assert.equal(endIsUnknown(failed), expected, JSON.stringify(failed));
});

test('threat 7: an error text that a guest made long and repetitive is read at once', () => {
  const message = "can't lock file '".repeat(15_000);
  const beganAt = performance.now();
  assert.equal(failureOfHttp({ status: 500, message, errors: {} }).reason, 'server_error');
  assert.equal(failureOfTask(message).reason, 'task_failed');
  assert.ok(performance.now() - beganAt < 2_000);
});
