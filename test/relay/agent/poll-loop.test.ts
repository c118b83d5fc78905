import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { signJws } from '../../../schema/jose/jws.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import type { Heartbeat } from '../../../schema/wire/heartbeat.ts';
import { fastTime, startTestRelay } from '../../support/relay.ts';
import { openBench, type RelayBench } from '../../support/relay-bench.ts';
import { createWatch } from '../../support/watch.ts';

let bench: RelayBench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

describe('a relay at the API', () => {
  it('connects, polls with rising numbers of one session, and reports', async () => {
    const relay = await bench.start();
    await relay.until('connected');
    await bench.api.until('three polls', () => bench.api.polls.length >= 3);
    assert.deepEqual(
      bench.api.polls.slice(0, 3).map(({ poll }) => poll),
      [1, 2, 3],
    );
    assert.equal(new Set(bench.api.polls.map(({ session }) => session)).size, 1);
    assert.deepEqual(
      bench.api.polls.slice(0, 2).map(({ wait_ms }) => wait_ms),
      [0, 500],
    );
    const { report } = await bench.api.until('a report', () =>
      bench.api.reports.find((entry) => entry.report.guests.gaming?.state === 'stopped'),
    );
    assert.deepEqual(report.guests.gaming, { state: 'stopped', lock: null, agent: 'none', in_use: false });
    assert.partialDeepStrictEqual(report, { boot: 'boot-1', trust_version: 1, progress: [] });
  });

  it('runs a step that an authority signed, and brings the receipts and the change', async () => {
    await bench.start();
    const intent = await bench.home.intent([{ action: 'guest.start', target: 'gaming' }]);
    bench.api.offer({ relay: 'pve2', intent });
    const receipt = await bench.api.outcome(intent);
    assert.partialDeepStrictEqual(receipt, { state: 'succeeded', result: { already: false } });
    assert.deepEqual(
      bench.api.receipts.map((entry) => entry.receipt.state),
      ['started', 'succeeded'],
    );
    assert.equal(bench.tower.simulator.guest(102).running, true);
    await bench.api.until('a report that it runs', () =>
      bench.api.reports.find(({ report }) => report.guests.gaming?.state === 'running'),
    );
  });

  it('shows its steps at work in reports', async () => {
    await bench.start();
    bench.tower.simulator.guest(102).ignoresShutdown = true;
    await bench.tower.proxmox.start({ kind: 'qemu', vmid: 102 });
    const intent = await bench.home.intent([{ action: 'guest.shutdown-in-use', target: 'gaming' }]);
    bench.api.offer({ relay: 'pve2', intent });
    const { report } = await bench.api.until('a report of the step', () =>
      bench.api.reports.find((entry) => entry.report.progress.length > 0),
    );
    assert.partialDeepStrictEqual(report.progress[0], { intent: intent.digest, step: 0 });
    bench.tower.simulator.guest(102).ignoresShutdown = false;
    assert.equal((await bench.api.outcome(intent)).state, 'succeeded');
    const last = await bench.api.until('a report without it', () =>
      bench.api.reports.findLast(
        (entry) => entry.report.progress.length === 0 && entry.report.seq > report.seq,
      ),
    );
    assert.ok(last.report.seq > report.seq);
  });

  it('reports at once when the API asks, with numbers that rise over restarts', async () => {
    const relay = await bench.start();
    await bench.api.until('a first report', () => bench.api.reports.length > 0);
    const before = bench.api.reports.length;
    bench.api.reportWanted = true;
    await bench.api.until('the wanted report', () => bench.api.reports.length > before);
    await relay.stop();
    const highest = Math.max(...bench.api.reports.map(({ report }) => report.seq));
    const seen = bench.api.reports.length;
    await bench.start({}, relay.stateDir);
    await bench.api.until('a report after the restart', () => bench.api.reports.length > seen);
    assert.ok((bench.api.reports[seen]?.report.seq ?? 0) > highest);
  });

  it('stops cleanly while its poll is parked', async () => {
    const relay = await bench.start({ pollWaitMs: 40_000 });
    await bench.api.until('a parked poll', () => bench.api.polls.some(({ wait_ms }) => wait_ms === 40_000));
    const began = performance.now();
    await relay.stop();
    assert.ok(performance.now() - began < 2_000);
  });

  it('does not run a job that is offered twice under one number, and goes on with others', async () => {
    const relay = await bench.start();
    await relay.until('connected');
    const intent = await bench.home.intent([{ action: 'guest.start', target: 'gaming' }]);
    bench.api.draft = (draft) => {
      if (draft.jobs.length > 0) draft.jobs = [...draft.jobs, ...draft.jobs];
    };
    bench.api.offer({ relay: 'pve2', intent });
    assert.equal((await bench.api.outcome(intent)).state, 'succeeded');
    await relay.until('job_dropped', ({ fields }) => fields.code === 'job_replayed');
    const { report } = await bench.api.until('the count in a report', () =>
      bench.api.reports.find((entry) => entry.report.refused.count > 0),
    );
    assert.deepEqual(report.refused, { count: 1, code: 'job_replayed' });
  });

  it('slows down before an API that answers every poll at once', async () => {
    const time = fastTime(1);
    const pauses = createWatch();
    const asked: number[] = [];
    // A moment that does not pass: whoever pauses in it stays there until the relay stops.
    const sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
      asked.push(ms);
      pauses.notify();
      if (signal === undefined || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
    };
    const relay = await startTestRelay({
      home: bench.home,
      relay: 'pve1',
      time: { ...time, clock: { ...time.clock, uptimeMs: () => 1_000_000, sleep } },
      overrides: { pollWaitMs: 0, random: () => 0.123 },
    });
    bench.relays.push(relay);
    await pauses.until(
      () => `a pause of a second in ${asked.join()}`,
      () => (asked.includes(1_123) ? true : undefined),
    );
    assert.equal(bench.api.polls.length, 60);
  });

  it('is stopped for good by a receipt of its own that it does not know: its state is an old copy', async () => {
    const relay = await bench.start();
    await relay.until('connected');
    const key = bench.home.relays.pve2?.signing;
    assert.ok(key);
    const intent = await bench.home.intent([{ action: 'guest.start', target: 'gaming' }]);
    const later = await signJws(
      'receipt',
      {
        home: bench.home.id,
        relay: 'pve2',
        seq: 9,
        previous: `sha256:${'1'.repeat(64)}`,
        intent: intent.digest,
        step: 0,
        action: 'guest.start',
        target: 'gaming',
        state: 'succeeded',
        code: null,
        result: { already: false },
        time: Date.now(),
        boot: 'boot-0',
      },
      key,
    );
    bench.api.draft = (draft) => {
      draft.last_receipt = later;
      draft.receipts_seq = 9;
    };
    await bench.inbox.until(({ body }) => body.includes('restored from an old copy'));
    bench.api.draft = null;
    bench.api.offer({ relay: 'pve2', intent });
    await relay.until('job_dropped', ({ fields }) => fields.code === 'state_restored');
    assert.equal(bench.tower.simulator.guest(102).running, false);
    const again = await relay.stop().then(() => bench.start({}, relay.stateDir));
    bench.api.offer({ relay: 'pve2', intent });
    await again.until('job_dropped', ({ fields }) => fields.code === 'state_restored');
  });
});

describe('heartbeats', () => {
  const forge: readonly (readonly [string, (good: Heartbeat) => Promise<Heartbeat | string> | Heartbeat])[] =
    [
      ['heartbeat_session', (good) => ({ ...good, session: 'A'.repeat(22) })],
      ['heartbeat_poll', (good) => ({ ...good, poll: good.poll - 1 })],
      ['heartbeat_relay', (good) => ({ ...good, relay: 'pve1' })],
      ['heartbeat_home', (good) => ({ ...good, home: 'h_00000000000000000000000000' })],
      ['heartbeat_time', (good) => ({ ...good, time: good.time - 60_000 })],
      ['heartbeat_time', (good) => ({ ...good, time: good.time + 60_000 })],
      ['jws_key_unknown', async (good) => signJws('heartbeat', good, (await generateKey()).signing)],
      ['jws_key_unknown', (good) => signJws('heartbeat', good, bench.home.operator)],
      ['jws_header', (good) => signJws('proof', good, bench.home.controller)],
      ['jws_payload', (good) => signJws('heartbeat', { ...good, more: 1 }, bench.home.controller)],
    ];

  it('that do not verify end a poll without anything of it being taken', async () => {
    const relay = await bench.start();
    await relay.until('connected');
    const intent = await bench.home.intent([{ action: 'guest.start', target: 'gaming' }]);
    for (const [code, change] of forge) {
      const events = relay.events.length;
      bench.api.heartbeat = change;
      bench.api.offer({ relay: 'pve2', intent });
      await bench.api.until(code, () =>
        relay.events
          .slice(events)
          .some(({ event, fields }) => event === 'heartbeat_refused' && fields.code === code),
      );
      bench.api.heartbeat = null;
      await bench.api.until('recovery', () =>
        relay.events.slice(events).some(({ event }) => event === 'poll_recovered'),
      );
    }
    assert.equal(bench.tower.simulator.guest(102).running, false);
    assert.deepEqual(bench.api.receipts, []);
  });

  it('threat 5: a recorded heartbeat never counts as fresh', async () => {
    const relay = await bench.start({ heartbeatLimitMs: 60_000 });
    await relay.until('connected');
    let recorded = '';
    bench.api.heartbeat = async (good) => {
      recorded = await signJws('heartbeat', good, bench.home.controller);
      return recorded;
    };
    await bench.api.until('a recorded one', () => recorded !== '');
    bench.api.heartbeat = () => recorded;
    await relay.until('heartbeat_refused', ({ fields }) => fields.code === 'heartbeat_poll');
    await bench.inbox.until(({ body }) => body.includes('heard nothing that verifies'));
  });

  it('threat 13: a relay that was shown a later head alarms when the audit log goes back or forks', async () => {
    const hash = (digit: string) => `sha256:${digit.repeat(64)}`;
    for (const next of [
      { seq: 4, hash: hash('1') },
      { seq: 5, hash: hash('2') },
    ]) {
      bench.api.audit = { seq: 5, hash: hash('1') };
      const relay = await bench.start();
      await bench.api.until('a poll with the later head', () =>
        relay.events.some(({ event }) => event === 'connected'),
      );
      bench.api.audit = next;
      await relay.until('alarm', ({ fields }) => fields.code === 'audit_forked');
      await bench.inbox.until(({ body }) => body.includes('went back or has two pasts'));
      await relay.discard();
      bench.relays.splice(0);
      bench.home = await bench.homeWith({});
    }
  });
});
