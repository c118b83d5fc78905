import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { RelayOverrides } from '../../../relay/start.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import type { Heartbeat } from '../../../schema/wire/heartbeat.ts';
import { type FakeApi, startFakeApi } from '../../support/fake-api.ts';
import { type Inbox, startInbox } from '../../support/inbox.ts';
import {
  type FastTime,
  fastTime,
  startTestRelay,
  startTower,
  type TestRelay,
  type Tower,
} from '../../support/relay.ts';
import { makeTestHome, type TestHome } from '../../support/relay-home.ts';

let time: FastTime;
let home: TestHome;
let api: FakeApi;
let inbox: Inbox;
let tower: Tower;
const relays: TestRelay[] = [];

beforeEach(async () => {
  time = fastTime(50);
  inbox = await startInbox();
  api = await startFakeApi({ home: () => home });
  home = await homeWith({});
  tower = await startTower(time);
});

afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.discard();
  await tower.close();
  await api.close();
  await inbox.close();
  assert.deepEqual(api.violations, []);
  assert.deepEqual(tower.simulator.violations, []);
});

const homeWith = (options: { alarm?: TrustDocument['alarm']; mirror?: string; relays?: string[] }) =>
  makeTestHome({
    origins: [{ url: api.url, spki: api.spki }],
    alarm: { ntfy: `${inbox.url}/topic` },
    ...options,
  });

async function start(overrides: RelayOverrides = {}, stateDir?: string): Promise<TestRelay> {
  const relay = await startTestRelay({
    home,
    relay: 'pve2',
    time,
    overrides: { proxmox: tower.proxmox, ...overrides },
    ...(stateDir !== undefined && { stateDir }),
  });
  relays.push(relay);
  return relay;
}

describe('a relay at the API', () => {
  it('connects, polls with rising numbers of one session, and reports', async () => {
    const relay = await start();
    await relay.until('connected');
    await api.until('three polls', () => api.polls.length >= 3);
    assert.deepEqual(
      api.polls.slice(0, 3).map(({ poll }) => poll),
      [1, 2, 3],
    );
    assert.equal(new Set(api.polls.map(({ session }) => session)).size, 1);
    assert.deepEqual(
      api.polls.slice(0, 2).map(({ wait_ms }) => wait_ms),
      [0, 500],
    );
    const { report } = await api.until('a report', () =>
      api.reports.find((entry) => entry.report.proxmox === 'ok'),
    );
    assert.deepEqual(report.guests.gaming, { state: 'stopped', lock: null, agent: 'none', in_use: false });
    assert.partialDeepStrictEqual(report, { boot: 'boot-1', trust_version: 1, progress: [] });
  });

  it('runs a step that an authority signed, and brings the receipts and the change', async () => {
    await start();
    const intent = await home.intent([{ action: 'guest.start', target: 'gaming' }]);
    api.offer({ relay: 'pve2', intent });
    const receipt = await api.outcome(intent);
    assert.partialDeepStrictEqual(receipt, { state: 'succeeded', result: { already: false } });
    assert.deepEqual(
      api.receipts.map((entry) => entry.receipt.state),
      ['started', 'succeeded'],
    );
    assert.equal(tower.simulator.guest(102).running, true);
    await api.until('a report that it runs', () =>
      api.reports.find(({ report }) => report.guests.gaming?.state === 'running'),
    );
  });

  it('shows its steps at work in reports', async () => {
    await start();
    tower.simulator.guest(102).ignoresShutdown = true;
    await tower.proxmox.start({ kind: 'qemu', vmid: 102 });
    const intent = await home.intent([{ action: 'guest.shutdown-in-use', target: 'gaming' }]);
    api.offer({ relay: 'pve2', intent });
    const { report } = await api.until('a report of the step', () =>
      api.reports.find((entry) => entry.report.progress.length > 0),
    );
    assert.partialDeepStrictEqual(report.progress[0], { intent: intent.digest, step: 0 });
    tower.simulator.guest(102).ignoresShutdown = false;
    assert.equal((await api.outcome(intent)).state, 'succeeded');
    const last = await api.until('a report without it', () =>
      api.reports.findLast((entry) => entry.report.progress.length === 0 && entry.report.seq > report.seq),
    );
    assert.ok(last.report.seq > report.seq);
  });

  it('reports at once when the API asks, with numbers that rise over restarts', async () => {
    const relay = await start();
    await api.until('a first report', () => api.reports.length > 0);
    const before = api.reports.length;
    api.reportWanted = true;
    await api.until('the wanted report', () => api.reports.length > before);
    await relay.stop();
    const highest = Math.max(...api.reports.map(({ report }) => report.seq));
    const seen = api.reports.length;
    await start({}, relay.stateDir);
    await api.until('a report after the restart', () => api.reports.length > seen);
    assert.ok((api.reports[seen]?.report.seq ?? 0) > highest);
  });

  it('stops cleanly while its poll is parked', async () => {
    const relay = await start({ pollWaitMs: 40_000 });
    await api.until('a parked poll', () => api.polls.some(({ wait_ms }) => wait_ms === 40_000));
    const began = performance.now();
    await relay.stop();
    assert.ok(performance.now() - began < 2_000);
  });

  it('does not run a job that is offered twice under one number, and goes on with others', async () => {
    const relay = await start();
    await relay.until('connected');
    const intent = await home.intent([{ action: 'guest.start', target: 'gaming' }]);
    api.draft = (draft) => {
      if (draft.jobs.length > 0) draft.jobs = [...draft.jobs, ...draft.jobs];
    };
    api.offer({ relay: 'pve2', intent });
    assert.equal((await api.outcome(intent)).state, 'succeeded');
    await relay.until('job_dropped', ({ fields }) => fields.code === 'job_replayed');
    const { report } = await api.until('the count in a report', () =>
      api.reports.find((entry) => entry.report.refused.count > 0),
    );
    assert.deepEqual(report.refused, { count: 1, code: 'job_replayed' });
  });

  it('slows down before an API that answers every poll at once', async () => {
    const slow = fastTime(1);
    const relay = await startTestRelay({ home, relay: 'pve1', time: slow, overrides: { pollWaitMs: 0 } });
    relays.push(relay);
    await api.until('many polls', () => api.polls.length >= 60);
    const before = api.polls.length;
    await new Promise((resolve) => setTimeout(resolve, 700));
    assert.ok(api.polls.length - before <= 2, `${api.polls.length - before} polls in 700 ms`);
  });

  it('is stopped for good by a receipt of its own that it does not know: its state is an old copy', async () => {
    const relay = await start();
    await relay.until('connected');
    const key = home.relays.pve2?.signing;
    assert.ok(key);
    const intent = await home.intent([{ action: 'guest.start', target: 'gaming' }]);
    const later = await signJws(
      'receipt',
      {
        home: home.id,
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
    api.draft = (draft) => {
      draft.last_receipt = later;
      draft.receipts_seq = 9;
    };
    await inbox.until(({ body }) => body.includes('restored from an old copy'));
    api.draft = null;
    api.offer({ relay: 'pve2', intent });
    await relay.until('job_dropped', ({ fields }) => fields.code === 'state_restored');
    assert.equal(tower.simulator.guest(102).running, false);
    const again = await relay.stop().then(() => start({}, relay.stateDir));
    api.offer({ relay: 'pve2', intent });
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
      ['jws_key_unknown', (good) => signJws('heartbeat', good, home.operator)],
      ['jws_header', (good) => signJws('proof', good, home.controller)],
      ['jws_payload', (good) => signJws('heartbeat', { ...good, more: 1 }, home.controller)],
    ];

  it('that do not verify end a poll without anything of it being taken', async () => {
    const relay = await start();
    await relay.until('connected');
    const intent = await home.intent([{ action: 'guest.start', target: 'gaming' }]);
    for (const [code, change] of forge) {
      const events = relay.events.length;
      api.heartbeat = change;
      api.offer({ relay: 'pve2', intent });
      await api.until(code, () =>
        relay.events
          .slice(events)
          .some(({ event, fields }) => event === 'heartbeat_refused' && fields.code === code),
      );
      api.heartbeat = null;
      await api.until('recovery', () =>
        relay.events.slice(events).some(({ event }) => event === 'poll_recovered'),
      );
    }
    assert.equal(tower.simulator.guest(102).running, false);
    assert.deepEqual(api.receipts, []);
  });

  it('threat 5: a recorded heartbeat never counts as fresh', async () => {
    const relay = await start({ heartbeatLimitMs: 60_000 });
    await relay.until('connected');
    let recorded = '';
    api.heartbeat = async (good) => {
      recorded = await signJws('heartbeat', good, home.controller);
      return recorded;
    };
    await api.until('a recorded one', () => recorded !== '');
    api.heartbeat = () => recorded;
    await relay.until('heartbeat_refused', ({ fields }) => fields.code === 'heartbeat_poll');
    await inbox.until(({ body }) => body.includes('heard nothing that verifies'));
  });

  it('threat 13: a relay that was shown a later head alarms when the audit log goes back or forks', async () => {
    const hash = (digit: string) => `sha256:${digit.repeat(64)}`;
    for (const next of [
      { seq: 4, hash: hash('1') },
      { seq: 5, hash: hash('2') },
    ]) {
      api.audit = { seq: 5, hash: hash('1') };
      const relay = await start();
      await api.until('a poll with the later head', () =>
        relay.events.some(({ event }) => event === 'connected'),
      );
      api.audit = next;
      await relay.until('alarm', ({ fields }) => fields.code === 'audit_forked');
      await inbox.until(({ body }) => body.includes('went back or has two pasts'));
      await relay.discard();
      relays.splice(0);
      home = await homeWith({});
    }
  });
});

describe('outages', () => {
  it('are waited out with growing pauses, in a bounded log, and end with everything brought', async () => {
    time = fastTime(2_000);
    const relay = await start();
    await relay.until('connected');
    const intent = await home.intent([{ action: 'guest.stop', target: 'websvcs' }]);
    api.answering = false;
    await relay.until('poll_failed');
    const began = time.clock.uptimeMs();
    const polls = api.polls.length;
    const events = relay.events.length;
    const hours = 2;
    await api.until(`${hours} hours of outage`, () => time.clock.uptimeMs() - began > hours * 3_600_000);
    assert.equal(api.polls.length, polls, 'nothing reached the API');
    const lines = relay.events.slice(events);
    assert.ok(lines.length < 20, `${lines.length} lines: ${lines.map(({ event }) => event).join(' ')}`);
    api.answering = true;
    await relay.until('poll_recovered');
    api.offer({ relay: 'pve2', intent });
    assert.equal((await api.outcome(intent)).state, 'succeeded');
  });

  it('leave receipts waiting in order until the API holds them', async () => {
    const relay = await start();
    await relay.until('connected');
    const first = await home.intent([{ action: 'guest.start', target: 'gaming' }]);
    api.draft = (draft) => {
      // The job arrives, and then the path is gone.
      if (draft.jobs.length > 0) api.answering = false;
    };
    api.offer({ relay: 'pve2', intent: first });
    await relay.until('step_ended');
    assert.equal(api.receipts.length, 0);
    await relay.stop();
    api.draft = null;
    api.answering = true;
    await start({}, relay.stateDir);
    assert.equal((await api.outcome(first)).state, 'succeeded');
    const held: FakeApi['receipts'] = api.receipts;
    assert.deepEqual(
      held.map(({ receipt }) => [receipt.seq, receipt.state]),
      [
        [1, 'started'],
        [2, 'succeeded'],
      ],
    );
  });

  it('threat 5: silence beyond the limit alarms by a path of its own, again later, and ends with an all-clear', async () => {
    const relay = await start({ heartbeatLimitMs: 60_000, alarmRepeatMs: 90_000 });
    await relay.until('connected');
    const polls = api.polls.length;
    api.answering = false;
    const alarm = await inbox.until(({ body }) => body.includes('heard nothing that verifies'));
    assert.equal(alarm.path, 'POST /topic');
    assert.match(String(alarm.headers['content-type']), /^text\/plain/);
    assert.equal(alarm.headers.title, 'Writ on pve2: look here');
    assert.equal(api.polls.length, polls);
    const raised = () => inbox.messages.filter(({ body }) => body.includes('heard nothing')).length;
    assert.equal(raised(), 1);
    await inbox.until(() => raised() === 2);
    api.answering = true;
    const clear = await inbox.until(({ body }) => body.includes('hears from the control plane again'));
    assert.equal(clear.headers.title, 'Writ on pve2: all clear');
    assert.equal(raised(), 2);
    assert.ok(inbox.messages.every(({ headers }) => headers.authorization === undefined));
  });
});

describe('trust while a relay runs', () => {
  it('threat 5: a revocation that the controller withholds arrives by the mirror', async () => {
    home = await homeWith({ mirror: `${inbox.url}/trust.jws` });
    const first = home.chain();
    api.trust = () => ({ versions: [] });
    api.trustVersion = () => 1;
    inbox.content = JSON.stringify(first);
    const relay = await start({ trustIntervalMs: 30_000 });
    await relay.until('connected');
    await home.amend((document) => ({
      ...document,
      identities: {
        ...document.identities,
        operator: { ...document.identities.operator!, kind: 'key', may: [] },
      },
    }));
    inbox.content = JSON.stringify(home.chain());
    await relay.until('trust_in_force', ({ fields }) => fields.version === 2);
    const intent = await home.intent([{ action: 'guest.start', target: 'gaming' }]);
    api.offer({ relay: 'pve2', intent });
    assert.partialDeepStrictEqual(await api.outcome(intent), { state: 'refused', code: 'not_granted' });
    assert.equal(tower.simulator.guest(102).running, false);
  });

  it('is fetched from the controller as soon as a poll speaks of a newer version', async () => {
    const relay = await start();
    await relay.until('connected');
    await home.amend((document) => ({ ...document, expires: '2098-01-01T00:00:00Z' }));
    await relay.until('trust_in_force', ({ fields }) => fields.version === 2);
    await api.until('a poll that says so', () => api.polls.some(({ trust_version }) => trust_version === 2));
    assert.ok(api.trustFetches.includes('/v1/trust?after=1'));
  });

  it('that does not follow is refused and alarmed, and the old stays in force', async () => {
    home = await homeWith({ mirror: `${inbox.url}/trust.jws` });
    const relay = await start({ trustIntervalMs: 30_000 });
    await relay.until('connected');
    const stranger = await makeTestHome({ origins: [{ url: api.url, spki: api.spki }] });
    await stranger.amend((document) => document);
    for (const content of [JSON.stringify(stranger.chain()), '{"versions":[{}]}', 'nonsense']) {
      const before = inbox.messages.length;
      inbox.content = content;
      await api.until(
        'that it was fetched',
        () => inbox.messages.slice(before).filter(({ path }) => path === 'GET /trust.jws').length > 1,
      );
      assert.equal(relay.trustVersion(), 1);
    }
    await inbox.until(({ body }) => body.includes('Version 1 stays in force'));
    inbox.content = JSON.stringify(home.chain());
    await inbox.until(({ body }) => body.includes('hold again'));
  });

  it('is not asked for in a tight loop by a controller that speaks of versions it does not give', async () => {
    api.trustVersion = () => 999;
    const relay = await start();
    await relay.until('connected');
    const began = time.clock.uptimeMs();
    await api.until('some time', () => time.clock.uptimeMs() - began > 100_000);
    const perMinute = (api.trustFetches.length / (time.clock.uptimeMs() - began)) * 60_000;
    assert.ok(perMinute < 10, `${perMinute} a minute`);
  });

  it('that expires soon is warned of', async () => {
    const soon = new Date(Date.now() + 30 * 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z');
    home = await makeTestHome({ origins: [{ url: api.url, spki: api.spki }], expires: soon });
    const relay = await start();
    const warning = await relay.until('trust_expires_soon');
    assert.equal(warning.level, 'warn');
    assert.ok(Number(warning.fields.days) <= 30);
  });

  it('names a relay before it polls; until then it asks for trust alone', async () => {
    home = await homeWith({ relays: ['pve1', 'pve2'] });
    await home.amend((document) => {
      const { pve2: _, ...identities } = document.identities;
      return { ...document, identities };
    });
    const relay = await start({ admissionMs: 2_000 });
    await relay.until('waiting_for_admission');
    await api.until('some fetches', () => api.trustFetches.length >= 3);
    assert.equal(relay.admitted(), false);
    assert.deepEqual(api.polls, []);
    assert.deepEqual(api.reports, []);
    await home.amend((document) => ({
      ...document,
      identities: { ...document.identities, pve2: { kind: 'relay', jwk: home.relays.pve2!.signing.jwk } },
    }));
    await relay.until('admitted');
    await relay.until('connected');
  });
});
