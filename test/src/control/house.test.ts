import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { relayListSchema, signedReportsSchema, statusSchema } from '../../../schema/api/house.ts';
import { commandViewSchema } from '../../../schema/api/orders.ts';
import { readReported } from '../../../src/config/secrets/reported.ts';
import { silentAfterMs } from '../../../src/domain/world.ts';
import { makeControlHome, onlyJob, testHouseFile } from '../../support/control-home.ts';
import { testNonce } from '../../support/relay-home.ts';

test('the status tells hosts, guests and who holds what, in the shape of its schema', async (t) => {
  const made = await makeControlHome(t);
  const { house } = made.control;
  const pve2 = made.relay('pve2');
  const unseen = await house.status();
  assert.deepEqual(
    unseen?.hosts.map((host) => host.state),
    ['unseen', 'unseen'],
  );
  assert.deepEqual(new Set(unseen?.guests.map((guest) => guest.state)), new Set(['unseen']));

  await pve2.poll();
  await pve2.reportGuests({ gaming: 'running', devtop: 'stopped' });
  const accepted = await made.control.orders.order(made.token('guest.shutdown@gaming'), {
    action: 'guest.shutdown',
    target: 'gaming',
    params: {},
  });
  assert.ok(accepted.ok);
  const status = v.parse(statusSchema, await house.status());
  const tower = status.hosts.find((host) => host.name === 'pve2');
  assert.deepEqual([tower?.state, tower?.sentence], ['awake', 'The tower is awake.']);
  const gaming = status.guests.find((guest) => guest.name === 'gaming');
  assert.deepEqual([gaming?.state, gaming?.held_by], ['running', accepted.value.command.id]);
  assert.ok(status.sentence.includes('Running: gaming.'), status.sentence);
  v.parse(relayListSchema, { relays: await house.relays() });
  v.parse(commandViewSchema, accepted.value.command);

  made.clock.advance(silentAfterMs + 1);
  const silent = await house.status();
  assert.equal(silent?.hosts.find((host) => host.name === 'pve2')?.state, 'silent');
  assert.equal(silent?.guests.find((guest) => guest.name === 'gaming')?.state, 'unseen');
});

test('the last report of each admitted relay is handed out as it was signed, with its recipients', async (t) => {
  const made = await makeControlHome(t);
  assert.deepEqual(await made.control.house.reports(), []);
  const recipient = 'age1yefvr38fncvnwl4p4wn8fvwdwtp8f8d0fmrzxp6twg6lvyc85ejqhwqmys';
  const pve2 = made.relay('pve2');
  await pve2.report({ seq: 1, guests: {} });
  await pve2.report({ seq: 2, guests: {}, recipients: { gaming: recipient } });
  const { reports } = v.parse(signedReportsSchema, { reports: await made.control.house.reports() });
  assert.deepEqual(
    reports.map(({ relay }) => relay),
    ['pve2'],
  );
  const read = await readReported(made.home.trust(), reports[0]!.report);
  assert.ok(read.ok, read.ok ? '' : read.detail);
  assert.deepEqual([read.value.seq, read.value.recipients], [2, { gaming: recipient }]);
});

test('a host that was shut down is awake again with the next run of its relay', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = made.relay('pve2');
  const stateOf = async () => (await made.control.house.hosts()).find((host) => host.name === 'pve2')?.state;
  await pve2.poll();
  await pve2.reportGuests({}, [{ intent: `sha256:${'0'.repeat(64)}`, step: 0, phase: 'powering_off' }]);
  assert.equal(await stateOf(), 'powering_off');
  made.clock.advance(3_600_000);
  assert.equal(await stateOf(), 'off');
  pve2.session = testNonce();
  await pve2.poll();
  assert.equal(await stateOf(), 'awake');
});

test('warnings name what needs a look', async (t) => {
  const made = await makeControlHome(t, { expires: '2027-02-01T00:00:00Z' });
  const pve2 = made.relay('pve2');
  await pve2.poll();
  await pve2.report({
    clock_synchronised: false,
    proxmox: 'proxmox_unreachable',
    refused: { count: 3, code: 'job_session' },
  });
  const warnings = (await made.control.house.status())?.warnings ?? [];
  assert.deepEqual(
    ['expires in', 'refused 3 jobs', 'not synchronised', 'proxmox_unreachable'].map((part) =>
      warnings.some((warning) => warning.includes(part)),
    ),
    [true, true, true, true],
    warnings.join('\n'),
  );
});

test('a house file is replaced whole, and one that does not fit is refused', async (t) => {
  const made = await makeControlHome(t);
  const { house } = made.control;
  assert.deepEqual(await house.runbooks(), [
    { name: 'start-gaming', title: 'Start gaming' },
    { name: 'just-gaming', title: 'Just gaming' },
  ]);
  const steps = [{ action: 'guest.start', target: 'nobody', params: {}, even_if_failed: false }];
  const broken = { ...testHouseFile, runbooks: { broken: { title: 'Broken', steps } } };
  const refusal = await house.upload(made.operator('house'), broken);
  assert.equal(refusal.ok ? '' : refusal.reason, 'house_invalid');
  assert.ok((await house.upload(made.operator('house'), { ...testHouseFile, runbooks: {} })).ok);
  assert.deepEqual(await house.runbooks(), []);
  assert.deepEqual(await house.file(), { ...testHouseFile, runbooks: {} });
});

test('metrics count what there is', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = made.relay('pve2');
  await pve2.poll();
  await pve2.reportGuests({ devtop: 'stopped' });
  const accepted = await made.control.orders.order(made.token('guest.start@gaming'), {
    action: 'guest.start',
    target: 'gaming',
    params: {},
  });
  assert.ok(accepted.ok);
  made.clock.advance(5000);
  const before = await made.control.upkeep.metrics();
  assert.deepEqual([before.queued, before.oldestQueuedMs, before.running], [1, 5000, 1]);
  await pve2.say(await onlyJob(await pve2.poll()), 'started', 'succeeded');
  const after = await made.control.upkeep.metrics();
  assert.deepEqual([after.queued, after.commands.succeeded, after.trustVersion], [0, 1, 1]);
  assert.deepEqual(
    after.relays.map(({ name, receiptsSeq }) => [name, receiptsSeq]),
    [['pve2', 2]],
  );
  assert.equal(await made.control.upkeep.healthy(), true);
});
