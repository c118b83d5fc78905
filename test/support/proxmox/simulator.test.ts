import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createHttpsClient } from '../../../relay/drivers/https-client.ts';
import { startCheckedSimulator } from './checked.ts';
import type { SimulatorOptions } from './options.ts';
import { startProxmoxSimulator } from './simulator.ts';
import { until } from './until.ts';

const token = 'writ@pve!relay=secret';

async function setUp(t: TestContext, more: Partial<SimulatorOptions> = {}) {
  const simulator = await startCheckedSimulator(t, {
    node: 'pve2',
    tokens: [{ token }],
    guests: [
      { kind: 'qemu', vmid: 102, name: 'gaming', agent: { enabled: true, answersAfterMs: 60 } },
      { kind: 'qemu', vmid: 103, name: 'devtop', running: true, exclusive: 'gpu0' },
      { kind: 'qemu', vmid: 104, name: 'macos', exclusive: 'gpu0' },
    ],
    ...more,
  });
  const client = createHttpsClient({ pin: simulator.pins.spki });
  t.after(() => client.close());
  const call = async (method: 'GET' | 'POST', path: string, body = '', as = token) => {
    const answer = await client.request({
      method,
      url: `${simulator.url}/api2/json${path}`,
      headers: { authorization: `PVEAPIToken=${as}` },
      ...(method === 'POST' && { body, reuse: false }),
      timeoutMs: 5_000,
      maxBytes: 1_000_000,
    });
    assert.ok(answer.ok, JSON.stringify(answer));
    const text = answer.body.toString();
    return {
      status: answer.status,
      reason: answer.statusText,
      json: text === '' ? undefined : JSON.parse(text),
    };
  };
  return { simulator, client, call };
}

test('a task has the UPID, status and log of a real one', async (t) => {
  // Long enough to be looked at while it runs, on a busy machine too.
  const slow = { kind: 'qemu', vmid: 103, name: 'devtop', running: true, shutdownMs: 2_000 } as const;
  const { simulator, call } = await setUp(t, { guests: [slow] });
  const { json } = await call('POST', '/nodes/pve2/qemu/103/status/shutdown', 'timeout=5');
  assert.match(json.data, /^UPID:pve2:[0-9A-F]{8}:[0-9A-F]{8}:[0-9A-F]{8}:qmshutdown:103:writ@pve!relay:$/);
  const at = `/nodes/pve2/tasks/${encodeURIComponent(json.data)}`;
  const running = (await call('GET', `${at}/status`)).json.data;
  assert.equal(running.status, 'running');
  assert.equal('exitstatus' in running, false);
  assert.equal(running.user, 'writ@pve');
  assert.equal(running.tokenid, 'relay');
  await simulator.tasks[0]?.ended;
  const stopped = (await call('GET', `${at}/status`)).json.data;
  assert.equal(stopped.status, 'stopped');
  assert.equal(stopped.exitstatus, 'OK');
  assert.deepEqual((await call('GET', `${at}/log`)).json.data, [{ n: 1, t: 'TASK OK' }]);
});

test('errors have the shapes of a real server, new and old', async (t) => {
  const { simulator, call } = await setUp(t);
  const text = "Configuration file 'nodes/pve2/qemu-server/999.conf' does not exist";
  const missing = await call('GET', '/nodes/pve2/qemu/999/config');
  assert.deepEqual(missing, { status: 500, reason: text, json: { data: null, message: `${text}\n` } });
  simulator.oldErrorBodies = true;
  const old = await call('GET', '/nodes/pve2/qemu/999/config');
  assert.deepEqual(old, { status: 500, reason: text, json: { data: null } });
  simulator.oldErrorBodies = false;
  const denied = await call('GET', '/version', '', 'writ@pve!relay=wrong');
  assert.deepEqual(denied, { status: 401, reason: 'Authentication failed!', json: undefined });
});

test('unknown parameters are refused by name', async (t) => {
  const simulator = await startProxmoxSimulator({ node: 'pve', guests: [], tokens: [{ token }] });
  const client = createHttpsClient({ pin: simulator.pins.spki });
  t.after(() => {
    client.close();
    return simulator.close();
  });
  const answer = await client.request({
    method: 'POST',
    url: `${simulator.url}/api2/json/nodes/pve/status`,
    headers: { authorization: `PVEAPIToken=${token}` },
    body: 'command=explode&now=1',
    timeoutMs: 5_000,
    maxBytes: 10_000,
  });
  assert.ok(answer.ok);
  assert.equal(answer.status, 400);
  const { errors } = JSON.parse(answer.body.toString());
  assert.deepEqual(Object.keys(errors), ['command', 'now']);
  assert.equal(simulator.poweredOn, true);
});

test('an agent answers late after a start, and a call waits for it a little', async (t) => {
  const { simulator, call } = await setUp(t, {
    agentWaitMs: 5,
    guests: [{ kind: 'qemu', vmid: 102, name: 'gaming', agent: { enabled: true, answersAfterMs: 2_000 } }],
  });
  await call('POST', '/nodes/pve2/qemu/102/status/start');
  await simulator.tasks[0]?.ended;
  const early = await call('POST', '/nodes/pve2/qemu/102/agent/ping');
  assert.equal(early.reason, 'QEMU guest agent is not running');
  await until('the agent is up', () => Date.now() >= simulator.guest(102).agentFrom);
  assert.deepEqual((await call('POST', '/nodes/pve2/qemu/102/agent/ping')).json, { data: { result: {} } });
});

test('two holders of one device that are started at once: one runs', async (t) => {
  const { simulator, call } = await setUp(t, {
    guests: [
      { kind: 'qemu', vmid: 103, name: 'devtop', exclusive: 'gpu0' },
      { kind: 'qemu', vmid: 104, name: 'macos', exclusive: 'gpu0' },
    ],
  });
  await Promise.all([103, 104].map((vmid) => call('POST', `/nodes/pve2/qemu/${vmid}/status/start`)));
  await Promise.all(simulator.tasks.map(({ ended }) => ended));
  assert.deepEqual(simulator.tasks.map(({ exitstatus }) => exitstatus === 'OK').sort(), [false, true]);
  assert.equal(simulator.guests.filter(({ running }) => running).length, 1);
  assert.equal(simulator.events.filter(({ kind }) => kind === 'device_conflict').length, 1);
});

test('a machine that is off is not there; the same port answers once it is on', async (t) => {
  const { simulator, client, call } = await setUp(t, {
    poweredOn: false,
    guests: [
      { kind: 'qemu', vmid: 102, name: 'gaming', running: true },
      { kind: 'lxc', vmid: 201, name: 'websvcs', onboot: true },
    ],
  });
  assert.equal(simulator.poweredOn, false);
  assert.deepEqual(simulator.events, []);
  const { port } = simulator;
  const nobody = await client.request({
    method: 'GET',
    url: `${simulator.url}/`,
    timeoutMs: 5_000,
    maxBytes: 10,
  });
  assert.ok(!nobody.ok);
  assert.match(nobody.cause, /ECONNREFUSED/);
  await simulator.powerOn();
  assert.equal(simulator.port, port);
  assert.equal((await call('GET', '/version')).status, 200);
  assert.deepEqual(
    simulator.guests.map(({ running }) => running),
    [false, true],
  );
});

test('a power cut ends tasks without a last line and guests without mercy', async (t) => {
  const told: string[] = [];
  const { simulator, call } = await setUp(t, { onEvent: ({ kind }) => told.push(kind) });
  simulator.guest(103).ignoresShutdown = true;
  await call('POST', '/nodes/pve2/qemu/103/status/shutdown', 'timeout=60');
  await simulator.powerOff();
  assert.deepEqual(told, ['powered_on', 'guest_started', 'guest_cut', 'powered_off']);
  await simulator.tasks[0]?.ended;
  assert.equal(simulator.tasks[0]?.exitstatus, 'unexpected status');
  assert.deepEqual(
    simulator.events.slice(-2).map(({ kind }) => kind),
    ['guest_cut', 'powered_off'],
  );
  await simulator.powerOn();
  await call('POST', '/nodes/pve2/qemu/103/status/start');
  await simulator.tasks[1]?.ended;
  assert.equal(simulator.tasks[1]?.exitstatus, 'OK', 'no lock is left behind');
});

test('what was asked is on record, without the secret', async (t) => {
  const { simulator, call } = await setUp(t);
  await call('GET', '/nodes/pve2/qemu/102/config?current=1');
  await call('GET', '/version', '', 'writ@pve!relay=wrong');
  const seen = simulator.requests.map(({ atMs: _, ...rest }) => rest);
  assert.deepEqual(seen, [
    {
      method: 'GET',
      path: '/nodes/pve2/qemu/102/config',
      params: { current: '1' },
      user: 'writ@pve!relay',
      status: 200,
    },
    { method: 'GET', path: '/version', params: {}, status: 401 },
  ]);
});

test('the longest path of a token’s privileges decides, alone', async (t) => {
  const { call } = await setUp(t, {
    tokens: [{ token, privileges: { '/': ['VM.Audit', 'Sys.Audit'], '/vms/103': [] } }],
  });
  assert.equal((await call('GET', '/nodes/pve2/qemu/102/config')).status, 200);
  const refused = await call('GET', '/nodes/pve2/qemu/103/config');
  assert.equal(refused.status, 403);
  assert.equal(refused.reason, 'Permission check failed (/vms/103, VM.Audit)');
  assert.equal((await call('GET', '/nodes/pve2/qemu')).json.data.length, 2);
});
