import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeControlHome, onlyJob } from '../../support/control-home.ts';

test('a sleeping tower is woken, a rival shut down, and the guest started, in one plan', async (t) => {
  const made = await makeControlHome(t);
  const { control } = made;
  const [pve1, pve2] = [made.relay('pve1'), made.relay('pve2')];
  await pve1.poll();
  const order = { action: 'guest.start', target: 'gaming', params: {} };
  const grant = made.token('guest.start@gaming', ['guest.start@gaming', 'guest.shutdown@devtop']);
  const accepted = await control.orders.order(grant, order);
  assert.ok(accepted.ok);
  const { id } = accepted.value.command;
  assert.deepEqual(
    accepted.value.command.steps.map((step) => [step.relay, step.action, step.target, step.state]),
    [
      ['pve1', 'host.wake', 'pve2', 'queued'],
      ['pve2', 'guest.shutdown', 'devtop', 'waiting'],
      ['pve2', 'guest.start', 'gaming', 'waiting'],
    ],
  );

  const wake = await onlyJob(await pve1.poll());
  assert.equal(await pve1.say(wake, 'started'), 1);
  const asked = await pve2.poll();
  assert.equal(asked.report_wanted, true);
  made.clock.advance(41_000);
  await pve2.reportGuests({ devtop: 'running', gaming: 'stopped' });
  const proof = await pve1.poll();
  assert.equal(proof.evidence.length, 1);
  await pve1.say(wake, { state: 'succeeded', result: { packets: 9, took_ms: 41_000 } });

  const down = await onlyJob(await pve2.poll());
  assert.equal(down.job.step, 1);
  assert.equal(down.job.receipts.length, 1);
  await pve2.say(down, 'started', { state: 'succeeded', result: { already: false } });
  const start = await onlyJob(await pve2.poll());
  assert.equal(start.job.step, 2);
  const waiting = control.orders.wait(id, 10_000, new AbortController().signal);
  await pve2.say(start, 'started', { state: 'succeeded', result: { already: false } });
  const ended = await waiting;
  assert.equal(ended?.state, 'succeeded');
  assert.equal(ended?.sentence, 'Gaming is running.');
  assert.equal(ended?.receipts.length, 6);
  assert.deepEqual(await made.store.commands.held(), []);
});

test('a wake alone says how long it took', async (t) => {
  const made = await makeControlHome(t);
  const pve1 = made.relay('pve1');
  const order = { action: 'host.wake', target: 'pve2', params: {} };
  const accepted = await made.control.orders.order(made.token('host.wake@pve2'), order);
  assert.ok(accepted.ok);
  const wake = await onlyJob(await pve1.poll());
  await pve1.say(wake, 'started', { state: 'succeeded', result: { packets: 9, took_ms: 41_000 } });
  const view = await made.control.orders.command(accepted.value.command.id);
  assert.equal(view?.sentence, 'The tower is awake; it took 41 s.');
});

test('a shutdown is unconfirmed once its host powers off, and succeeds by its next boot', async (t) => {
  const made = await makeControlHome(t);
  const { control } = made;
  const pve2 = made.relay('pve2');
  await pve2.poll();
  await pve2.reportGuests({});
  const order = { action: 'host.shutdown', target: 'pve2', params: {} };
  const accepted = await control.orders.order(made.token('host.shutdown@pve2'), order, { sleep: true });
  assert.ok(accepted.ok);
  const { id } = accepted.value.command;
  const job = await onlyJob(await pve2.poll());
  await pve2.say(job, 'started');
  await pve2.reportGuests({}, [{ intent: job.digest, step: 0, phase: 'powering_off' }]);
  const off = await control.orders.command(id);
  assert.equal(off?.state, 'unconfirmed');
  assert.equal(off?.sentence, 'The tower is powering off; its next boot will confirm it.');
  assert.deepEqual(await made.store.commands.held(), []);
  assert.equal((await control.house.hosts()).find((host) => host.name === 'pve2')?.state, 'powering_off');

  const again = await control.orders.order(made.token('host.shutdown@pve2'), order, { sleep: true });
  assert.equal(again.ok ? '' : again.reason, 'host_already_off');

  made.clock.advance(3_600_000);
  assert.equal((await control.house.hosts()).find((host) => host.name === 'pve2')?.state, 'off');
  pve2.session = 'A'.repeat(22);
  await pve2.say(job, 'succeeded');
  const confirmed = await control.orders.command(id);
  assert.equal(confirmed?.state, 'succeeded');
  assert.equal(confirmed?.sentence, 'The tower is off.');
});

test('the powering-off report may come before the receipt of the start', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = made.relay('pve2');
  await pve2.poll();
  const order = { action: 'host.shutdown', target: 'pve2', params: {} };
  const accepted = await made.control.orders.order(made.token('host.shutdown@pve2'), order);
  assert.ok(accepted.ok);
  const job = await onlyJob(await pve2.poll());
  await pve2.reportGuests({}, [{ intent: job.digest, step: 0, phase: 'powering_off' }]);
  await pve2.say(job, 'started');
  assert.equal((await made.control.orders.command(accepted.value.command.id))?.state, 'unconfirmed');
  assert.deepEqual(await made.store.commands.held(), []);
});
