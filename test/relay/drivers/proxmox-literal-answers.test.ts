import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProxmoxFailure } from '../../../relay/drivers/proxmox-errors.ts';
import { rawAnswer } from '../../support/proxmox/raw-stub.ts';
import { setUpStub } from './proxmox-fixture.ts';

/**
 * Answers of real servers, byte for byte, from a server that shares no code with the simulator: so that simulator
 * and driver cannot agree on a mistake.
 */

const guest = { kind: 'qemu', vmid: 203 } as const;

const old = '{"data":null}';
const said = (message: string, errors = '') => `{"data":null,"message":"${message}\\n"${errors}}`;

type Case = readonly [
  statusLine: string,
  body: string,
  expected: Partial<ProxmoxFailure> & { reason: string },
];

const refusals: readonly Case[] = [
  [
    "500 Configuration file 'nodes/pve/qemu-server/203.conf' does not exist",
    said("Configuration file 'nodes/pve/qemu-server/203.conf' does not exist"),
    { reason: 'not_found' },
  ],
  ["500 Configuration file 'nodes/pve/qemu-server/203.conf' does not exist", old, { reason: 'not_found' }],
  [
    "500 unable to find configuration file for VM 203 on node 'pve'",
    said("unable to find configuration file for VM 203 on node 'pve'"),
    { reason: 'not_found' },
  ],
  [
    "500 can't lock file '/var/lock/qemu-server/lock-203.conf' - got timeout",
    said("can't lock file '/var/lock/qemu-server/lock-203.conf' - got timeout"),
    { reason: 'config_locked' },
  ],
  [
    "500 can't lock file '/var/lock/qemu-server/lock-203.conf' - got timeout",
    old,
    { reason: 'config_locked' },
  ],
  // A clone finds the lock at once, not in its task.
  ['500 VM is locked (backup)', said('VM is locked (backup)'), { reason: 'guest_locked', lock: 'backup' }],
  ['500 VM is locked (backup)', old, { reason: 'guest_locked', lock: 'backup' }],
  ['500 CT is locked (snapshot-delete)', old, { reason: 'guest_locked', lock: 'snapshot-delete' }],
  ['500 VM is paused - cannot shutdown', said('VM is paused - cannot shutdown'), { reason: 'guest_paused' }],
  ['500 VM 203 not running', said('VM 203 not running'), { reason: 'guest_not_running' }],
  ['500 VM 203 not running', old, { reason: 'guest_not_running' }],
  ['500 CT 203 already running', said('CT 203 already running'), { reason: 'already_running' }],
  [
    '403 Permission check failed (/vms/203, VM.PowerMgmt)',
    said('Permission check failed (/vms/203, VM.PowerMgmt)'),
    { reason: 'forbidden', detail: 'Permission check failed (/vms/203, VM.PowerMgmt)' },
  ],
  [
    "403 URI '/nodes/pve/qemu' not available with API token, need proper ticket.",
    old,
    { reason: 'forbidden' },
  ],
  ['401 No ticket', '', { reason: 'unauthorized', detail: 'No ticket' }],
  ['401 Authentication failed!', '', { reason: 'unauthorized' }],
  [
    '400 Parameter verification failed.',
    said(
      'Parameter verification failed.',
      ',"errors":{"timeout":"type check (\'integer\') failed - got \'x\'"}',
    ),
    { reason: 'bad_parameter', errors: { timeout: "type check ('integer') failed - got 'x'" } },
  ],
  [
    '400 Parameter verification failed.',
    '{"errors":{"timeout":"bad"},"data":null}',
    { reason: 'bad_parameter', errors: { timeout: 'bad' } },
  ],
  [
    "501 Method 'POST /nodes/pve/qemu/203/status/start' not implemented",
    old,
    { reason: 'server_error', status: 501 },
  ],
  ['501 for data too large', 'for data too large', { reason: 'server_error', status: 501 }],
  ['595 No route to host', '', { reason: 'proxy_error', status: 595, detail: 'No route to host' }],
  ['595 Connection refused', '', { reason: 'proxy_error', status: 595 }],
  ['596 Broken pipe', '', { reason: 'proxy_error', status: 596 }],
  ['597 Broken pipe', '', { reason: 'proxy_error', status: 597 }],
  ['599 Too many redirections', '', { reason: 'proxy_error', status: 599 }],
  ['500 start failed: QEMU exited with code 1', old, { reason: 'server_error', status: 500 }],
  // A status line may have no reason at all.
  ['500 ', said('VM 203 not running'), { reason: 'guest_not_running' }],
  ['500 ', 'plain text of an error', { reason: 'server_error', detail: 'plain text of an error' }],
  ['503 ', '', { reason: 'server_error', status: 503, detail: 'HTTP 503' }],
];

for (const [statusLine, body, expected] of refusals) {
  test(`answers ${JSON.stringify(statusLine)} with ${body.slice(0, 40) || 'no body'}`, async (t) => {
    const { stub, proxmox } = await setUpStub(t, () => rawAnswer(statusLine, body));
    const result = await proxmox.start(guest);
    assert.ok(!result.ok);
    const picked = Object.fromEntries(
      Object.keys(expected).map((key) => [key, (result as Record<string, unknown>)[key]]),
    );
    assert.deepEqual(picked, expected);
    assert.equal(stub.received.length, 1, 'an order is given once');
    assert.match(stub.received[0] ?? '', /^POST \/api2\/json\/nodes\/pve\/qemu\/203\/status\/start HTTP/);
  });
}

const agentRefusals: readonly Case[] = [
  [
    '500 No QEMU guest agent configured',
    said('No QEMU guest agent configured'),
    { reason: 'agent_not_configured' },
  ],
  ['500 No QEMU guest agent configured', old, { reason: 'agent_not_configured' }],
  ['500 VM 203 is not running', said('VM 203 is not running'), { reason: 'guest_not_running' }],
  ['500 QEMU guest agent is not running', old, { reason: 'agent_not_running' }],
  [
    '500 Agent error: Guest agent command failed',
    said('Agent error: Guest agent command failed'),
    { reason: 'agent_error', detail: 'Agent error: Guest agent command failed' },
  ],
  ["500 VM 203 qmp command 'guest-get-users' failed - got timeout", old, { reason: 'agent_not_running' }],
  [
    "500 VM 203 qga command 'guest-ping' failed - unable to connect to VM 203 qga socket - timeout after 31 retries",
    old,
    { reason: 'agent_not_running' },
  ],
  // Since the server passes on what the agent says, an error of the agent is a success of the server.
  [
    '200 OK',
    '{"data":{"result":{"error":{"class":"CommandNotFound","desc":"The command guest-get-users has not been found"}}}}',
    { reason: 'agent_error' },
  ],
];

for (const [statusLine, body, expected] of agentRefusals) {
  test(`the agent’s ${JSON.stringify(statusLine)} with ${body.slice(0, 40)}`, async (t) => {
    const { proxmox } = await setUpStub(t, () => rawAnswer(statusLine, body));
    for (const result of [await proxmox.agentUsers(guest), await proxmox.agentPing(guest)]) {
      assert.ok(!result.ok);
      assert.equal(result.reason, expected.reason);
      if (expected.detail !== undefined) assert.equal(result.detail, expected.detail);
    }
  });
}

test('"got no worker upid" is tried again three times, and then told', async (t) => {
  const body = said('got no worker upid - start worker failed');
  const { stub, proxmox, clock } = await setUpStub(t, () =>
    rawAnswer('500 got no worker upid - start worker failed', body),
  );
  const result = await proxmox.start(guest);
  assert.ok(!result.ok);
  assert.equal(result.reason, 'no_worker');
  assert.equal(stub.received.length, 4);
  assert.deepEqual(clock.sleeps, [500, 1_000, 2_000]);
});

const upid = 'UPID:pve:0000C3A1:00A5D3F2:6B03A0C1:qmstart:203:writ@pve!relay:';
const taskStatus = (rest: string) =>
  `{"data":{"upid":"${upid}","node":"pve","pid":50081,"pstart":10867698,"starttime":1795400897,"type":"qmstart","id":"203","user":"writ@pve","tokenid":"relay",${rest}}}`;

/** A server that takes the order and then tells these states, the last one for ever. */
const tasked = (...states: string[]) => {
  let polls = 0;
  return (request: string) => {
    if (request.startsWith('POST')) return rawAnswer('200 OK', `{"data":"${upid}"}`);
    const state = states[Math.min(polls, states.length - 1)] ?? '';
    polls += 1;
    return rawAnswer('200 OK', taskStatus(state));
  };
};

test('"got no worker upid" once, then a worker', async (t) => {
  const running = tasked('"status":"stopped","exitstatus":"OK"');
  let posts = 0;
  const { proxmox } = await setUpStub(t, (request) => {
    if (request.startsWith('POST')) posts += 1;
    return posts === 1 ? rawAnswer('500 got no worker upid - start worker failed', old) : running(request);
  });
  assert.ok((await proxmox.start(guest)).ok);
  assert.equal(posts, 2);
});

test('a task is polled at its own path until it is stopped', async (t) => {
  const running = '"status":"running"';
  const { stub, proxmox, clock } = await setUpStub(
    t,
    tasked(running, running, '"status":"stopped","exitstatus":"OK"'),
  );
  const result = await proxmox.start(guest);
  assert.deepEqual(result, { ok: true, value: { upid, type: 'qmstart', warnings: 0 } });
  assert.equal(stub.received.length, 4);
  const path = `/api2/json/nodes/pve/tasks/${encodeURIComponent(upid)}/status`;
  for (const poll of stub.received.slice(1)) assert.ok(poll.startsWith(`GET ${path} HTTP/1.1\r\n`), poll);
  for (const request of stub.received) {
    assert.match(request, /^authorization: PVEAPIToken=writ@pve!relay=6f1c2a4e-/m);
  }
  assert.deepEqual(clock.sleeps, [1_000, 1_000]);
});

const endings: readonly [string, Partial<ProxmoxFailure> & { reason: string }][] = [
  ['VM is locked (backup)', { reason: 'guest_locked', lock: 'backup' }],
  ['CT is locked (snapshot)', { reason: 'guest_locked', lock: 'snapshot' }],
  ['VM 203 already running', { reason: 'already_running' }],
  ["can't lock file '/var/lock/qemu-server/lock-203.conf' - got timeout", { reason: 'config_locked' }],
  ["Configuration file 'nodes/pve/qemu-server/203.conf' does not exist", { reason: 'not_found' }],
  ["PCI device '0000:01:00.0' already in use by VMID '103'", { reason: 'device_in_use' }],
  ["PCI device '0000:01:00.0' is currently reserved for use by VMID '103'", { reason: 'device_in_use' }],
  [
    'VM quit/powerdown failed - got timeout',
    { reason: 'task_failed', exitstatus: 'VM quit/powerdown failed - got timeout' },
  ],
  ['start failed: QEMU exited with code 1', { reason: 'task_failed' }],
  ['unexpected status', { reason: 'task_failed', exitstatus: 'unexpected status' }],
  ['interrupted by signal', { reason: 'task_failed' }],
  // Near misses of success.
  ['OK?', { reason: 'task_failed' }],
  ['ok', { reason: 'task_failed' }],
  ['WARNINGS: ', { reason: 'task_failed' }],
  ['', { reason: 'task_failed' }],
];

for (const [exitstatus, expected] of endings) {
  test(`a task that ends with ${JSON.stringify(exitstatus)}`, async (t) => {
    const { proxmox } = await setUpStub(
      t,
      tasked(`"status":"stopped","exitstatus":${JSON.stringify(exitstatus)}`),
    );
    const result = await proxmox.start(guest);
    assert.ok(!result.ok);
    const picked = Object.fromEntries(
      Object.keys(expected).map((key) => [key, (result as Record<string, unknown>)[key]]),
    );
    assert.deepEqual(picked, expected);
  });
}

test('warnings are a success', async (t) => {
  const { proxmox } = await setUpStub(t, tasked('"status":"stopped","exitstatus":"WARNINGS: 2"'));
  const result = await proxmox.start(guest);
  assert.ok(result.ok);
  assert.equal(result.value.warnings, 2);
});

test('a guest under high availability answers with a task of the HA manager', async (t) => {
  const ha = upid.replace('qmstart', 'hastart');
  const { proxmox } = await setUpStub(t, (request) =>
    rawAnswer(
      '200 OK',
      request.startsWith('POST') ? `{"data":"${ha}"}` : taskStatus('"status":"stopped","exitstatus":"OK"'),
    ),
  );
  const result = await proxmox.start(guest);
  assert.ok(result.ok);
  assert.equal(result.value.type, 'hastart');
});

test('a graceful shutdown passes its time on and never forces', async (t) => {
  const { stub, proxmox } = await setUpStub(t, tasked('"status":"stopped","exitstatus":"OK"'));
  assert.ok((await proxmox.shutdown(guest, { timeoutS: 90 })).ok);
  assert.ok(stub.received[0]?.endsWith('\r\n\r\ntimeout=90'), stub.received[0]);
});
