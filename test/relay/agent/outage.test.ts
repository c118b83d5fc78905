import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import type { FakeApi } from '../../support/fake-api.ts';
import { makeRelayState } from '../../support/relay.ts';
import { openBench, type RelayBench } from '../../support/relay-bench.ts';
import { makeTestHome } from '../../support/relay-home.ts';

let bench: RelayBench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

/** The document, the operator's grants withdrawn. */
function withoutOperator(document: TrustDocument): TrustDocument {
  const { operator } = document.identities;
  assert.ok(operator?.kind === 'key');
  return { ...document, identities: { ...document.identities, operator: { ...operator, may: [] } } };
}

describe('outages', () => {
  it('are waited out with growing pauses, in a bounded log, and end with everything brought', async () => {
    const relay = await bench.start();
    await relay.until('connected');
    const intent = await bench.home.intent([{ action: 'guest.stop', target: 'websvcs' }]);
    bench.api.answering = false;
    await relay.until('poll_failed');
    bench.time.speed = 2_000;
    const began = bench.time.clock.uptimeMs();
    const polls = bench.api.polls.length;
    const events = relay.events.length;
    const hours = 2;
    await bench.api.until(
      `${hours} hours of outage`,
      () => bench.time.clock.uptimeMs() - began > hours * 3_600_000,
    );
    assert.equal(bench.api.polls.length, polls, 'nothing reached the API');
    const lines = relay.events.slice(events);
    bench.time.speed = 20;
    assert.ok(lines.length < 20, `${lines.length} lines: ${lines.map(({ event }) => event).join(' ')}`);
    bench.api.answering = true;
    await relay.until('poll_recovered');
    bench.api.offer({ relay: 'pve2', intent });
    assert.equal((await bench.api.outcome(intent)).state, 'succeeded');
  });

  it('leave receipts waiting in order until the API holds them', async () => {
    const relay = await bench.start();
    await relay.until('connected');
    const first = await bench.home.intent([{ action: 'guest.start', target: 'gaming' }]);
    bench.api.draft = (draft) => {
      // The job arrives, and then the path is gone.
      if (draft.jobs.length > 0) bench.api.answering = false;
    };
    bench.api.offer({ relay: 'pve2', intent: first });
    await relay.until('step_ended');
    assert.equal(bench.api.receipts.length, 0);
    await relay.stop();
    bench.api.draft = null;
    bench.api.answering = true;
    await bench.start({}, relay.stateDir);
    assert.equal((await bench.api.outcome(first)).state, 'succeeded');
    const held: FakeApi['receipts'] = bench.api.receipts;
    assert.deepEqual(
      held.map(({ receipt }) => [receipt.seq, receipt.state]),
      [
        [1, 'started'],
        [2, 'succeeded'],
      ],
    );
  });

  it('in which the API confirms no receipts are alarmed, as nothing more begins', async () => {
    const relay = await bench.start({ maxUnconfirmed: 0 });
    await bench.inbox.until(({ body }) => body.includes('does not confirm'));
    const intent = await bench.home.intent([{ action: 'guest.start', target: 'gaming' }]);
    bench.api.offer({ relay: 'pve2', intent });
    await relay.until('job_dropped', ({ fields }) => fields.code === 'receipts_unconfirmed');
    assert.equal(bench.tower.simulator.guest(102).running, false);
  });

  it('threat 5: silence beyond the limit alarms by a path of its own, again later, and ends with an all-clear', async () => {
    const relay = await bench.start({ heartbeatLimitMs: 60_000, alarmRepeatMs: 90_000 });
    await relay.until('connected');
    bench.time.speed = 100;
    const polls = bench.api.polls.length;
    bench.api.answering = false;
    const alarm = await bench.inbox.until(({ body }) => body.includes('heard nothing that verifies'));
    assert.equal(alarm.path, 'POST /topic');
    assert.match(String(alarm.headers['content-type']), /^text\/plain/);
    assert.equal(alarm.headers.title, 'Writ on pve2: look here');
    assert.equal(bench.api.polls.length, polls);
    const raised = () => bench.inbox.messages.filter(({ body }) => body.includes('heard nothing')).length;
    assert.equal(raised(), 1);
    await bench.inbox.until(() => raised() === 2);
    bench.api.answering = true;
    const clear = await bench.inbox.until(({ body }) => body.includes('hears from the control plane again'));
    assert.equal(clear.headers.title, 'Writ on pve2: all clear');
    assert.equal(raised(), 2);
    assert.ok(bench.inbox.messages.every(({ headers }) => headers.authorization === undefined));
  });
});

describe('trust while a relay runs', () => {
  it('threat 5: a revocation that the controller withholds arrives by the mirror', async () => {
    bench.home = await bench.homeWith({ mirror: `${bench.inbox.url}/trust.jws` });
    const first = bench.home.chain();
    bench.api.trust = () => ({ versions: [] });
    bench.api.trustVersion = () => 1;
    bench.inbox.content = JSON.stringify(first);
    const relay = await bench.start({ trustIntervalMs: 30_000 });
    await relay.until('connected');
    await bench.home.amend(withoutOperator);
    bench.inbox.content = JSON.stringify(bench.home.chain());
    await relay.until('trust_in_force', ({ fields }) => fields.version === 2);
    const intent = await bench.home.intent([{ action: 'guest.start', target: 'gaming' }]);
    bench.api.offer({ relay: 'pve2', intent });
    assert.partialDeepStrictEqual(await bench.api.outcome(intent), { state: 'refused', code: 'not_granted' });
    assert.equal(bench.tower.simulator.guest(102).running, false);
  });

  it('threat 5: a host that slept through a revocation asks the mirror before it takes a job', async (t) => {
    let requests = 0;
    const mirror = createServer((request, response) => {
      requests += 1;
      // A network that is not there yet when the host has booted, and then a slow one.
      if (requests === 1) request.socket.destroy();
      else setTimeout(() => response.end(JSON.stringify(bench.home.chain())), 300);
    });
    await new Promise<void>((resolve) => mirror.listen(0, '127.0.0.1', resolve));
    t.after(() => mirror.close());
    const { port } = mirror.address() as AddressInfo;
    bench.home = await bench.homeWith({ mirror: `http://127.0.0.1:${port}/trust.jws` });
    const stateDir = await makeRelayState(bench.home, 'pve2', { clock: bench.time.clock });
    await bench.home.amend(withoutOperator);
    bench.api.trust = () => ({ versions: [] });
    bench.api.trustVersion = () => 1;
    bench.time.speed = 4;
    const intent = await bench.home.intent([{ action: 'guest.start', target: 'gaming' }]);
    bench.api.offer({ relay: 'pve2', intent });
    await bench.start({}, stateDir);
    assert.partialDeepStrictEqual(await bench.api.outcome(intent), { state: 'refused', code: 'not_granted' });
    assert.equal(requests, 2);
    assert.equal(bench.tower.simulator.guest(102).running, false);
  });

  it('is fetched from the controller as soon as a poll speaks of a newer version', async () => {
    const relay = await bench.start();
    await relay.until('connected');
    await bench.home.amend((document) => ({ ...document, expires: '2098-01-01T00:00:00Z' }));
    await relay.until('trust_in_force', ({ fields }) => fields.version === 2);
    await bench.api.until('a poll that says so', () =>
      bench.api.polls.some(({ trust_version }) => trust_version === 2),
    );
    assert.ok(bench.api.trustFetches.includes('/v1/trust?after=1'));
  });

  it('comes from the controller also while the mirror hangs, and from the mirror while the controller does', async () => {
    bench.home = await bench.homeWith({ mirror: `${bench.inbox.url}/trust.jws` });
    bench.inbox.content = 'hang';
    const relay = await bench.start({ trustIntervalMs: 30_000 });
    await relay.until('connected');
    await bench.inbox.until(({ path }) => path === 'GET /trust.jws');
    await bench.home.amend((document) => ({ ...document, expires: '2098-01-01T00:00:00Z' }));
    await relay.until('trust_in_force', ({ fields }) => fields.version === 2);
    await relay.stop();
    bench.api.answering = false;
    await bench.home.amend((document) => ({ ...document, expires: '2097-01-01T00:00:00Z' }));
    bench.inbox.content = JSON.stringify(bench.home.chain());
    const again = await bench.start({}, relay.stateDir);
    await again.until('trust_in_force', ({ fields }) => fields.version === 3);
  });

  it('threat 5: whom it hears nothing from, it looks for at the mirror every few minutes, and not every hour', async () => {
    bench.home = await bench.homeWith({ mirror: `${bench.inbox.url}/trust.jws` });
    bench.inbox.content = JSON.stringify(bench.home.chain());
    const relay = await bench.start();
    await relay.until('connected');
    const asked = () => bench.inbox.messages.filter(({ path }) => path === 'GET /trust.jws').length;
    await bench.inbox.until(() => asked() === 1);
    bench.time.speed = 500;
    const began = bench.time.clock.uptimeMs();
    const hasPassed = (minutes: number) => () => bench.time.clock.uptimeMs() - began > minutes * 60_000;
    await bench.api.until('half an hour', hasPassed(30));
    assert.equal(asked(), 1, 'all is well');
    bench.api.answering = false;
    const silentAt = bench.time.clock.uptimeMs();
    await bench.home.amend((document) => ({ ...document, expires: '2098-01-01T00:00:00Z' }));
    bench.inbox.content = JSON.stringify(bench.home.chain());
    await relay.until('trust_in_force', ({ fields }) => fields.version === 2);
    const minutes = (bench.time.clock.uptimeMs() - silentAt) / 60_000;
    assert.ok(minutes < 20, `${minutes} minutes later`);
    const soFar = asked();
    await bench.api.until('an hour', hasPassed(30 + minutes + 60));
    const further = asked() - soFar;
    assert.ok(further >= 2 && further <= 13, `${further} times in an hour`);
  });

  it('that does not follow is refused and alarmed, and the old stays in force', async () => {
    bench.home = await bench.homeWith({ mirror: `${bench.inbox.url}/trust.jws` });
    const relay = await bench.start({ trustIntervalMs: 30_000 });
    await relay.until('connected');
    bench.time.speed = 100;
    const stranger = await makeTestHome({ origins: [{ url: bench.api.url, spki: bench.api.spki }] });
    await stranger.amend((document) => document);
    for (const content of [JSON.stringify(stranger.chain()), '{"versions":[{}]}', 'nonsense']) {
      const before = bench.inbox.messages.length;
      bench.inbox.content = content;
      await bench.api.until(
        'that it was fetched',
        () => bench.inbox.messages.slice(before).filter(({ path }) => path === 'GET /trust.jws').length > 1,
      );
      assert.equal(relay.trustVersion(), 1);
    }
    await bench.inbox.until(({ body }) => body.includes('Version 1 stays in force'));
    bench.inbox.content = JSON.stringify(bench.home.chain());
    await bench.inbox.until(({ body }) => body.includes('hold again'));
  });

  it('is not asked for in a tight loop by a controller that speaks of versions it does not give', async () => {
    bench.api.trustVersion = () => 999;
    const relay = await bench.start();
    await relay.until('connected');
    bench.time.speed = 100;
    const began = bench.time.clock.uptimeMs();
    await bench.api.until('some time', () => bench.time.clock.uptimeMs() - began > 100_000);
    const perMinute = (bench.api.trustFetches.length / (bench.time.clock.uptimeMs() - began)) * 60_000;
    assert.ok(perMinute < 10, `${perMinute} a minute`);
  });

  it('that expires soon is warned of', async () => {
    const soon = new Date(Date.now() + 30 * 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z');
    bench.home = await bench.homeWith({ expires: soon });
    const relay = await bench.start();
    const warning = await relay.until('trust_expires_soon');
    assert.equal(warning.level, 'warn');
    assert.ok(Number(warning.fields.days) <= 30);
  });

  it('names a relay before it polls; until then it asks for trust alone', async () => {
    bench.home = await bench.homeWith({ relays: ['pve1', 'pve2'] });
    await bench.home.amend((document) => {
      const { pve2: _, ...identities } = document.identities;
      return { ...document, identities };
    });
    const relay = await bench.start({ admissionMs: 2_000 });
    await relay.until('waiting_for_admission');
    await bench.api.until('some fetches', () => bench.api.trustFetches.length >= 3);
    assert.equal(relay.admitted(), false);
    assert.deepEqual(bench.api.polls, []);
    assert.deepEqual(bench.api.reports, []);
    await bench.home.amend((document) => ({
      ...document,
      identities: {
        ...document.identities,
        pve2: { kind: 'relay', jwk: bench.home.relays.pve2!.signing.jwk },
      },
    }));
    await relay.until('admitted');
    await relay.until('connected');
  });
});
