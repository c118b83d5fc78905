import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { verifyJws } from '../../../schema/jose/jws.ts';
import { keyOf } from '../../../schema/trust/evaluate.ts';
import { heartbeatSchema } from '../../../schema/wire/heartbeat.ts';
import { jobSchema } from '../../../schema/wire/job.ts';
import { maxHeartbeatBytes, maxJobBytes } from '../../../schema/wire/limits.ts';
import { leaseMs } from '../../../src/domain/lease.ts';
import { type ControlHome, makeControlHome, onlyJob, openJob, provedIf } from '../../support/control-home.ts';
import { testNonce } from '../../support/relay-home.ts';

const start = (target: string) => ({ action: 'guest.start', target, params: {} });
const never = new AbortController().signal;

/** A home whose tower is awake with both ad hoc guests stopped. */
async function awakeHome(t: TestContext): Promise<ControlHome & { pve2: ReturnType<ControlHome['relay']> }> {
  const made = await makeControlHome(t);
  const pve2 = made.relay('pve2');
  await pve2.poll();
  await pve2.reportGuests({ devtop: 'stopped', gaming: 'stopped' });
  return Object.assign(made, { pve2 });
}

async function orderStart(made: ControlHome, target = 'gaming'): Promise<string> {
  const accepted = await made.control.orders.order(made.token(`guest.start@${target}`), start(target));
  assert.ok(accepted.ok, accepted.ok ? '' : accepted.detail);
  return accepted.value.command.id;
}

test('a parked poll is answered by an order, with a job and a heartbeat that verify', async (t) => {
  const made = await awakeHome(t);
  const parked = made.pve2.poll({ wait_ms: 60_000 });
  await orderStart(made);
  const answer = await parked;
  const trust = made.home.trust();
  const job = await verifyJws('job', answer.jobs[0]!, {
    maxBytes: maxJobBytes,
    findKey: keyOf(trust, 'key', 'controller'),
    schema: jobSchema,
  });
  assert.ok(job.ok);
  assert.equal(job.value.payload.session, made.pve2.session);
  assert.equal(job.value.payload.seq, 1);
  const heartbeat = await verifyJws('heartbeat', answer.heartbeat, {
    maxBytes: maxHeartbeatBytes,
    findKey: keyOf(trust, 'key', 'controller'),
    schema: heartbeatSchema,
  });
  assert.ok(heartbeat.ok);
  assert.equal(heartbeat.value.payload.session, made.pve2.session);
  assert.equal(heartbeat.value.payload.poll, 2);
});

test('a job that was heard is offered again only once its lease is over', async (t) => {
  const made = await awakeHome(t);
  await orderStart(made);
  const first = await onlyJob(await made.pve2.poll());
  assert.deepEqual((await made.pve2.poll()).jobs, []);
  made.clock.advance(leaseMs);
  const again = await onlyJob(await made.pve2.poll());
  assert.equal(again.digest, first.digest);
  assert.deepEqual([first.job.seq, again.job.seq], [1, 2]);
});

test('threat 10: a poll that is answered twice doubles nothing', async (t) => {
  const made = await awakeHome(t);
  await orderStart(made);
  const poll = { poll: 9, seen: 0 };
  const first = await onlyJob(await made.pve2.poll(poll));
  // The answer was lost: the same poll comes again, and what was not heard is offered with a new number.
  const again = await onlyJob(await made.pve2.poll(poll));
  assert.equal(again.digest, first.digest);
  assert.deepEqual([first.job.seq, again.job.seq], [1, 2]);
  assert.equal(await made.pve2.say(first, 'started', 'succeeded'), 2);
  assert.deepEqual((await made.pve2.poll({ poll: 10 })).jobs, []);
});

test('threat 10: two polls at once lease a step once', async (t) => {
  const made = await awakeHome(t);
  await orderStart(made);
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, index) => made.pve2.tryPoll({ poll: 20 + index, seen: 0 })),
  );
  const seqs: number[] = [];
  for (const answer of answers) {
    if (answer.ok) for (const job of answer.value.jobs) seqs.push((await openJob(job)).job.seq);
  }
  assert.ok(seqs.length >= 1);
  assert.equal(new Set(seqs).size, seqs.length, 'no two envelopes have one number');
});

test('a step that is leased with its command goes out before one that a poll leases after it', async (t) => {
  const held = Promise.withResolvers<void>();
  let accepted = Promise.resolve<unknown>(undefined);
  const made = await makeControlHome(t, {
    controllerMay: [{ action: 'guest.start', on: ['gaming', 'websvcs'], limit: '20/1h' }],
    wrap: (store) => ({
      ...store,
      commands: {
        ...store.commands,
        // To gaming's start, the poll that websvcs's start met is gone already; it is stored first, and then the other.
        accept: async (acceptance) => {
          if (acceptance.steps[0]?.target === 'gaming') {
            return store.commands.accept({ ...acceptance, waiting: new Map() });
          }
          await held.promise;
          const outcome = store.commands.accept(acceptance);
          accepted = outcome;
          return outcome;
        },
        lease: async (lease) => {
          held.resolve();
          await new Promise(setImmediate);
          await accepted;
          return store.commands.lease(lease);
        },
      },
    }),
  });
  const pve2 = made.relay('pve2');
  await pve2.poll();
  await pve2.reportGuests({ websvcs: 'stopped', gaming: 'stopped' });
  const parked = pve2.poll({ wait_ms: 60_000 });
  while ((await made.control.upkeep.metrics()).parkedPolls === 0) await new Promise(setImmediate);
  await Promise.all([orderStart(made, 'websvcs'), orderStart(made, 'gaming')]);
  const jobs = await Promise.all((await parked).jobs.map(openJob));
  const given = jobs.map(({ job, intent }) => [job.seq, intent.steps[0]?.target]);
  assert.deepEqual(given, [
    [1, 'websvcs'],
    [2, 'gaming'],
  ]);
});

test('a newer poll of the same run takes the place of the parked one', async (t) => {
  const made = await awakeHome(t);
  const dead = made.pve2.poll({ wait_ms: 60_000 });
  const live = made.pve2.poll({ wait_ms: 60_000 });
  assert.deepEqual((await dead).jobs, []);
  await orderStart(made);
  assert.equal((await live).jobs.length, 1);
  const late = await made.pve2.tryPoll({ poll: 1 });
  assert.equal(late.ok ? '' : late.reason, 'poll_out_of_order');
});

test('a newer run supersedes the older one, which is refused from then on', async (t) => {
  const made = await awakeHome(t);
  const old = made.pve2.session;
  const parked = made.pve2.tryPoll({ wait_ms: 60_000 });
  await orderStart(made, 'gaming');
  const held = await onlyJob(await parked.then((answer) => (answer.ok ? answer.value : assert.fail())));
  const waiting = made.pve2.tryPoll({ wait_ms: 60_000 });
  made.pve2.session = testNonce();
  // What the older run was offered and did not receipt goes to the new one at once, numbered from 1.
  const fresh = await onlyJob(await made.pve2.poll({ poll: 1, seen: 0 }));
  assert.equal(fresh.digest, held.digest);
  assert.deepEqual([fresh.job.seq, fresh.job.session], [1, made.pve2.session]);
  const superseded = await waiting;
  assert.equal(superseded.ok ? '' : superseded.reason, 'session_superseded');
  const again = await made.pve2.tryPoll({ session: old, poll: 99 });
  assert.equal(again.ok ? '' : again.reason, 'session_superseded');
});

test('a run that was superseded stays so over a restart', async (t) => {
  const made = await awakeHome(t);
  const old = made.pve2.session;
  made.pve2.session = testNonce();
  await made.pve2.poll();
  await made.restart();
  const again = await made.pve2.tryPoll({ session: old });
  assert.equal(again.ok ? '' : again.reason, 'session_superseded');
});

test('an unknown protocol is refused', async (t) => {
  const made = await makeControlHome(t);
  for (const protocol of [0, 99]) {
    const answer = await made.relay('pve1').tryPoll({ protocol });
    assert.equal(answer.ok ? '' : answer.reason, 'protocol_unsupported');
  }
});

test('a parked poll learns of newer trust once', async (t) => {
  const made = await awakeHome(t);
  const parked = made.pve2.poll({ wait_ms: 60_000 });
  await made.home.amend((document) => ({ ...document, mirror: 'https://example.net/trust' }));
  const uploaded = await made.control.trust.upload([made.home.versions[1]!], async () => provedIf(true));
  assert.ok(uploaded.ok);
  assert.equal((await parked).trust_version, 2);
  const gone = new AbortController();
  const stubborn = made.pve2.poll({ wait_ms: 60_000, trust_version: 1 }, gone.signal);
  const order = await orderStart(made).then(() => 'ordered');
  assert.equal(order, 'ordered');
  assert.equal((await stubborn).jobs.length, 1, 'it was parked until there was something new');
});

test('a relay whose chain is behind what is held is given its own last receipt', async (t) => {
  const made = await awakeHome(t);
  await orderStart(made);
  const job = await onlyJob(await made.pve2.poll());
  await made.pve2.say(job, 'started', 'succeeded');
  const current = await made.pve2.poll();
  assert.deepEqual([current.receipts_seq, current.last_receipt], [2, null]);
  const restored = await made.pve2.poll({ receipts: { seq: 0, hash: `sha256:${'0'.repeat(64)}` } });
  assert.equal(restored.receipts_seq, 2);
  assert.equal(restored.last_receipt, (await made.store.relays.receipt(made.pve2.caller.kid, 2))?.jws);
});

test('receipts are taken once, in order, and gaps are told', async (t) => {
  const made = await awakeHome(t);
  const id = await orderStart(made);
  const job = await onlyJob(await made.pve2.poll());
  const started = await made.pve2.sign(job, { state: 'started' });
  const ended = await made.pve2.sign(job, { state: 'succeeded', result: { already: false } });

  assert.deepEqual(await made.pve2.post([ended]), { ok: true, value: { receipts_seq: 0 } });
  assert.equal((await made.control.orders.command(id))?.state, 'running');
  assert.deepEqual(await made.pve2.post([started]), { ok: true, value: { receipts_seq: 1 } });
  const all = await Promise.all([1, 2, 3].map(() => made.pve2.post([started, ended])));
  for (const answer of all) assert.deepEqual(answer, { ok: true, value: { receipts_seq: 2 } });
  const view = await made.control.orders.command(id);
  assert.equal(view?.state, 'succeeded');
  assert.equal(view?.receipts.length, 2);
  const events = (await made.control.audit.page(0, 1000)).entries.map((text) => JSON.parse(text).event);
  assert.equal(events.filter((event) => event === 'receipt.succeeded').length, 1);
});

test('a receipt of another chain, key, relay or home is refused', async (t) => {
  const made = await awakeHome(t);
  await orderStart(made);
  const job = await onlyJob(await made.pve2.poll());
  await made.pve2.say(job, 'started');
  const reasonOf = async (receipts: readonly string[], relay = made.pve2) => {
    const answer = await relay.post(receipts);
    return answer.ok ? 'ok' : answer.reason;
  };
  const fork = await made.pve2.sign(job, { state: 'succeeded', previous: `sha256:${'0'.repeat(64)}` });
  assert.equal(await reasonOf([fork]), 'receipt_chain');
  const rewritten = await made.pve2.sign(job, { state: 'refused', seq: 1 });
  assert.equal(await reasonOf([rewritten]), 'receipt_chain');
  const foreign = await made.pve2.sign(job, { state: 'succeeded', home: 'h_01ARZ3NDEKTSV4RRFFQ69G5FAV' });
  assert.equal(await reasonOf([foreign]), 'receipt_foreign');
  const asOther = await made.pve2.sign(job, { state: 'succeeded', relay: 'pve1' });
  assert.equal(await reasonOf([asOther]), 'receipt_foreign');
  assert.equal(await reasonOf([rewritten], made.relay('pve1')), 'receipt_malformed');
  assert.equal(await reasonOf(['a.b.c']), 'receipt_malformed');
});

test('receipts of unknown intents and second ends are kept in the chain and change nothing', async (t) => {
  const made = await awakeHome(t);
  const id = await orderStart(made);
  const job = await onlyJob(await made.pve2.poll());
  const stranger = { ...job, digest: `sha256:${'1'.repeat(64)}` };
  await made.pve2.say(stranger, 'started', 'succeeded');
  await made.pve2.say(job, { state: 'started', target: 'devtop' });
  await made.pve2.say(job, 'started', 'succeeded', { state: 'failed', code: 'agent_silent' });
  assert.equal((await made.control.orders.command(id))?.state, 'succeeded');
  assert.equal((await made.pve2.poll()).receipts_seq, 6);
  const page = await made.control.audit.page(0, 1000);
  const events = page.entries.map((text) => JSON.parse(text).event as string);
  assert.equal(events.filter((event) => event === 'receipt.unknown').length, 2);
  assert.equal(events.filter((event) => event === 'receipt.mismatched').length, 1);
  assert.equal(events.filter((event) => event === 'receipt.contradicts').length, 1);
});

test('what a relay did by itself is told as that, of its own targets alone', async (t) => {
  const made = await awakeHome(t);
  await orderStart(made);
  const job = await onlyJob(await made.pve2.poll());
  const own = { ...job, digest: `sha256:${'1'.repeat(64)}` };
  const heal = { state: 'started', action: 'release.heal', target: 'websvcs' } as const;
  await made.pve2.say(own, heal);
  await made.relay('pve1').say(own, heal);
  // An order of somebody's is not what it does by itself.
  await made.pve2.say(job, heal);
  const page = await made.control.audit.page(0, 1000);
  const events = page.entries.map((text) => JSON.parse(text) as { event: string; principal: string });
  assert.deepEqual(
    events
      .filter(({ event }) => event.startsWith('receipt.'))
      .map(({ event, principal }) => [event, principal]),
    [
      ['receipt.standing', 'relay:pve2'],
      ['receipt.unknown', 'relay:pve1'],
      ['receipt.mismatched', 'relay:pve2'],
    ],
  );
});

test('reports are taken in order of their number, and only of the relay itself', async (t) => {
  const made = await awakeHome(t);
  await made.pve2.report({ seq: 9, guests: {} });
  await made.pve2.report({ seq: 5, proxmox: 'proxmox_unreachable' });
  const record = await made.store.relays.find(made.pve2.caller.kid);
  assert.deepEqual([record?.report?.seq, record?.report?.proxmox], [9, 'ok']);
  await assert.rejects(made.pve2.report({ seq: 10, relay: 'pve1' }), /report_foreign/);
  await assert.rejects(made.pve2.report({ seq: 10, home: 'h_01ARZ3NDEKTSV4RRFFQ69G5FAV' }), /report_foreign/);
});

test('a relay cannot speak of another host powering off', async (t) => {
  const made = await awakeHome(t);
  const accepted = await made.control.orders.order(made.token('host.shutdown@pve2'), {
    action: 'host.shutdown',
    target: 'pve2',
    params: {},
  });
  assert.ok(accepted.ok);
  const job = await onlyJob(await made.pve2.poll());
  await made.pve2.say(job, 'started');
  const liar = made.relay('pve1');
  await liar.report({ progress: [{ intent: job.digest, step: 0, phase: 'powering_off' }] });
  assert.equal((await made.control.orders.command(accepted.value.command.id))?.state, 'running');
});

test('a wake that is under way asks its target for a report, and repeats evidence gently', async (t) => {
  const made = await makeControlHome(t);
  const [pve1, pve2] = [made.relay('pve1'), made.relay('pve2')];
  await pve2.poll();
  await pve2.reportGuests({}, [{ intent: `sha256:${'0'.repeat(64)}`, step: 0, phase: 'powering_off' }]);
  const parked = pve2.tryPoll({ wait_ms: 60_000 });
  made.clock.advance(1);
  const accepted = await made.control.orders.order(made.token('host.wake@pve2'), {
    action: 'host.wake',
    target: 'pve2',
    params: {},
  });
  assert.ok(accepted.ok);
  const wake = await onlyJob(await pve1.poll());
  assert.deepEqual((await pve1.poll()).evidence, [], 'who powers off is no proof of being awake');
  await pve1.say(wake, 'started');

  // It boots: a new run of its relay.
  pve2.session = testNonce();
  made.clock.advance(1000);
  const first = await pve2.poll({ poll: 1 });
  assert.equal(first.report_wanted, true);
  const old = await parked;
  assert.equal(old.ok ? '' : old.reason, 'session_superseded');
  const waiting = pve1.poll({ wait_ms: 60_000 });
  await pve2.reportGuests({});
  const evidence = (await waiting).evidence;
  assert.equal(evidence.length, 1);
  assert.deepEqual((await pve1.poll()).evidence, evidence, 'told again when asked again');
  await pve1.say(wake, { state: 'succeeded', result: { packets: 2, took_ms: 1000 } });
  assert.deepEqual((await pve1.poll()).evidence, []);
  assert.equal((await made.control.orders.wait(accepted.value.command.id, 1000, never))?.state, 'succeeded');
});
