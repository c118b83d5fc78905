import assert from 'node:assert/strict';
import type { GuestView, HostView, RelayView } from '../../schema/api/house.ts';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { toBytes } from '../../schema/jose/digest.ts';
import { verifyJws } from '../../schema/jose/jws.ts';
import { generateKey, type SigningKey } from '../../schema/jose/keys.ts';
import { keyOf } from '../../schema/trust/evaluate.ts';
import { followTrustChain } from '../../schema/trust/read.ts';
import { enrolmentKey, enrolmentMac } from '../../schema/wire/enrolment.ts';
import { heartbeatSchema } from '../../schema/wire/heartbeat.ts';
import { ulidOf } from '../../schema/wire/ids.ts';
import { jobSchema } from '../../schema/wire/job.ts';
import { maxHeartbeatBytes, maxJobBytes } from '../../schema/wire/limits.ts';
import type { TrustChain } from '../../schema/wire/relay-api.ts';
import { openJob } from '../support/control-home.ts';
import { testNonce } from '../support/relay-home.ts';
import type { Case } from './case.ts';
import { callOf, refusedAs, type Stage } from './stage.ts';

const startGaming = '/v1/guests/gaming/start';

/** An enrolment of the attic's relay with a code that the operator registered. */
async function enrolment(stage: Stage, key: SigningKey) {
  const { home, asOperator, asKey } = stage;
  const code = `enr_${ulidOf(Date.now(), crypto.getRandomValues(new Uint8Array(10)))}`;
  const secret = encodeBase64url(crypto.getRandomValues(new Uint8Array(32)));
  const controllerKey = await enrolmentKey(secret, 'controller');
  const registered = await asOperator('POST', '/v1/relays/codes', {
    code,
    relay: 'attic',
    controller_key: controllerKey,
    expires: Date.now() + 60_000,
  });
  assert.equal(registered.status, 200, registered.text);
  const statement = (jwk = key.jwk) =>
    toBytes(
      JSON.stringify({
        home: home.id,
        relay: 'attic',
        code,
        trust: home.trust().digest,
        jwk,
        facts: { hostname: 'attic', macs: [], guests: [] },
      }),
    );
  const enrol = async (by: SigningKey, macKey = controllerKey, bytes = statement(by.jwk)) =>
    asKey(
      by,
      callOf('POST', '/v1/relay/enroll', {
        statement: encodeBase64url(bytes),
        controller_mac: await enrolmentMac(macKey, bytes),
        owner_mac: await enrolmentMac(await enrolmentKey(secret, 'owner'), bytes),
      }),
    );
  return { enrol };
}

const pollOf = (wait_ms = 0) => ({
  protocol: 1,
  session: testNonce(),
  poll: 1,
  seen: 0,
  trust_version: 1,
  receipts: { seq: 0, hash: `sha256:${'0'.repeat(64)}` },
  wait_ms,
});

/** Relays: how they come in, poll, and bring receipts and reports. */
export const relayCases: readonly Case[] = [
  {
    name: 'a relay enrols with a single-use code, waits for the owner, and polls once trust admits it',
    run: async (stage) => {
      const { home, asKey, asOperator } = stage;
      const attic = (await generateKey()).signing;
      refusedAs(await asKey(attic, callOf('GET', '/v1/trust')), 401, 'credentials_invalid');
      const { enrol } = await enrolment(stage, attic);
      refusedAs(await enrol(attic, await enrolmentKey('A'.repeat(43), 'controller')), 403, 'enrolment_mac');
      const taken = await enrol(attic);
      assert.equal(taken.status, 200, taken.text);
      assert.equal((taken.json() as TrustChain).versions.length, home.versions.length);
      assert.equal((await enrol(attic)).status, 200, 'who did not hear the answer may ask again');
      refusedAs(await enrol((await generateKey()).signing), 409, 'code_used');

      const relays = (await asOperator('GET', '/v1/relays')).json().relays as RelayView[];
      const pending = relays.find(({ kid }) => kid === attic.kid);
      assert.deepEqual([pending?.name, pending?.state], ['attic', 'pending']);
      assert.equal((await asKey(attic, callOf('GET', '/v1/trust'))).status, 200);
      refusedAs(await asKey(attic, callOf('POST', '/v1/relay/poll', pollOf())), 403, 'forbidden');

      const before = home.trust();
      await home.amend((document) => ({
        ...document,
        identities: { ...document.identities, attic: { kind: 'relay', jwk: attic.jwk } },
      }));
      const upload = await asOperator('POST', '/v1/trust', { versions: [home.versions.at(-1)] });
      assert.deepEqual([upload.status, upload.json().version], [200, 2], upload.text);
      const chain = (await asKey(attic, callOf('GET', '/v1/trust?after=1'))).json() as TrustChain;
      const followed = await followTrustChain(before, chain.versions);
      assert.equal(followed.trust.digest, home.trust().digest);
      const polled = await asKey(attic, callOf('POST', '/v1/relay/poll', pollOf()));
      assert.deepEqual([polled.status, polled.json().trust_version], [200, 2], polled.text);
    },
  },
  {
    name: 'trust moves on by one version at a time, signed by its roots, for this very controller',
    run: async ({ asOperator, asKey, home }) => {
      const upload = (version: unknown) => asOperator('POST', '/v1/trust', { versions: [version] });
      const newest = home.versions.at(-1)!;
      const again = await upload(newest);
      assert.deepEqual([again.status, again.json().version], [200, 2], 'sent again it is answered the same');
      const stranger = (await generateKey()).signing;
      const known = callOf('POST', '/v1/trust', { versions: [newest] });
      refusedAs(await asKey(stranger, known), 403, 'operator_key_wrong');
      const forged = { ...newest, payload: encodeBase64url(JSON.stringify({ v: 1 })) };
      const refused = await upload(forged);
      assert.ok(refused.status >= 400 && refused.status < 500, refused.text);
      const all = (await asOperator('GET', '/v1/trust')).json() as TrustChain;
      assert.deepEqual(all.versions, home.versions);
    },
  },
  {
    name: 'a poll is answered with a heartbeat of this very poll, signed by the controller',
    run: async (stage) => {
      const answer = await stage.pve2.poll();
      const heartbeat = await verifyJws('heartbeat', answer.heartbeat, {
        maxBytes: maxHeartbeatBytes,
        findKey: keyOf(stage.home.trust(), 'key', 'controller'),
        schema: heartbeatSchema,
      });
      assert.ok(heartbeat.ok, JSON.stringify(heartbeat));
      const { session, relay, home } = heartbeat.value.payload;
      assert.deepEqual([session, relay, home], [stage.pve2.session, 'pve2', stage.home.id]);
      refusedAs(await stage.asPhone('POST', '/v1/relay/poll', pollOf()), 403, 'forbidden');
    },
  },
  {
    name: 'a parked poll is woken by an order, with a job of this run',
    run: async (stage) => {
      const parked = stage.pve2.poll({ wait_ms: 50_000 });
      const startedMs = performance.now();
      await stage.order(startGaming);
      const { jobs } = await parked;
      assert.ok(performance.now() - startedMs < 20_000, 'long before its time is over');
      const job = await verifyJws('job', jobs[0]!, {
        maxBytes: maxJobBytes,
        findKey: keyOf(stage.home.trust(), 'key', 'controller'),
        schema: jobSchema,
      });
      assert.ok(job.ok, JSON.stringify(job));
      assert.equal(job.value.payload.session, stage.pve2.session);
      // Not heard: offered again at once, with the next number.
      const seq = job.value.payload.seq;
      const again = await stage.pve2.poll({ seen: seq - 1, wait_ms: 10_000 });
      assert.equal(again.jobs.length, 1);

      const opened = await openJob(again.jobs[0]!);
      assert.equal(opened.job.seq, seq + 1);
      await stage.pve2.say(opened, 'started', 'succeeded');
      assert.deepEqual((await stage.pve2.poll()).jobs, []);
    },
  },
  {
    name: 'a poll that nobody answers ends by itself, and a newer one takes its place',
    run: async ({ pve2, untilParked }) => {
      const startedMs = performance.now();
      assert.deepEqual((await pve2.poll({ wait_ms: 300 })).jobs, []);
      assert.ok(performance.now() - startedMs >= 290);
      const dead = pve2.poll({ wait_ms: 50_000 });
      await untilParked(1);
      const live = pve2.poll({ wait_ms: 500 });
      assert.deepEqual((await dead).jobs, []);
      assert.deepEqual((await live).jobs, []);
      const late = await pve2.tryPoll({ poll: 1 });
      assert.equal(late.ok ? '' : late.reason, 'poll_out_of_order');
    },
  },
  {
    name: 'a newer run of a relay supersedes the older one, and gets what that one did not do',
    run: async (stage) => {
      const { pve2 } = stage;
      const old = pve2.session;
      const accepted = await stage.order(startGaming);
      const held = await stage.nextJob(pve2);
      const parked = pve2.tryPoll({ wait_ms: 50_000 });
      await stage.untilParked(1);
      pve2.session = testNonce();
      const { jobs } = await pve2.poll({ poll: 1, seen: 0 });

      const fresh = await openJob(jobs[0]!);
      assert.deepEqual([fresh.digest, fresh.job.seq], [held.digest, 1]);
      const superseded = await parked;
      assert.equal(superseded.ok ? '' : superseded.reason, 'session_superseded');
      const again = await pve2.tryPoll({ session: old, poll: 999 });
      assert.equal(again.ok ? '' : again.reason, 'session_superseded');
      await pve2.say(fresh, 'started', 'succeeded');
      assert.equal((await stage.command(accepted.id)).state, 'succeeded');
    },
  },
  {
    name: 'receipts are taken in order, once, from their own relay alone',
    run: async (stage) => {
      const { pve1, pve2 } = stage;
      await stage.order(startGaming);
      const job = await stage.nextJob(pve2);
      const before = pve2.head().seq;
      const started = await pve2.sign(job, { state: 'started' });
      const done = await pve2.sign(job, { state: 'succeeded', result: { already: false } });
      const early = await pve2.post([done]);
      assert.deepEqual(early.ok && early.value.receipts_seq, before, 'a gap is told, not stored');
      const foreign = await pve1.post([started]);
      assert.equal(foreign.ok ? '' : foreign.reason, 'receipt_malformed');
      const cut = await pve2.post([`${started.slice(0, -4)}AAAA`]);
      assert.equal(cut.ok, false);
      for (const batch of [[started], [started, done], [done]]) {
        const answer = await pve2.post(batch);
        assert.ok(answer.ok, JSON.stringify(answer));
      }
      const answer = await pve2.poll();
      assert.deepEqual([answer.receipts_seq, answer.last_receipt], [before + 2, null]);
    },
  },
  {
    name: 'a relay whose own chain is behind is shown the last receipt of its own',
    run: async ({ pve2 }) => {
      const head = pve2.head();
      const answer = await pve2.poll({ receipts: { seq: head.seq - 1, hash: `sha256:${'1'.repeat(64)}` } });
      assert.equal(answer.receipts_seq, head.seq);
      assert.ok(answer.last_receipt !== null && answer.last_receipt.split('.').length === 3);
    },
  },
  {
    name: 'a report is believed of its own relay, and shown',
    run: async (stage) => {
      await stage.pve2.reportGuests({ devtop: 'running', gaming: 'stopped' });
      const guests = (await stage.asPhone('GET', '/v1/guests')).json().guests as GuestView[];
      const states = Object.fromEntries(guests.map(({ name, state }) => [name, state]));
      assert.deepEqual([states.devtop, states.gaming], ['running', 'stopped']);
      const hosts = (await stage.asPhone('GET', '/v1/hosts')).json().hosts as HostView[];
      assert.equal(hosts.find(({ name }) => name === 'pve2')?.state, 'awake');
      const status = await stage.asPhone('GET', '/v1/status', undefined, { accept: 'text/plain' });
      assert.match(status.text, /^[A-Z][^\n]+\n$/);
      await assert.rejects(stage.pve1.report({ relay: 'pve2' }), /report_foreign/);
    },
  },
  {
    name: 'a plan over two relays goes step by step, each with the receipts before it',
    run: async (stage) => {
      const { pve1, pve2 } = stage;
      const accepted = await stage.order('/v1/hosts/pve2/shutdown');
      const down = await stage.nextJob(pve2);
      await pve2.say(down, 'started');
      await pve2.reportGuests({}, [{ intent: down.digest, step: 0, phase: 'powering_off' }]);
      assert.equal((await stage.command(accepted.id)).state, 'unconfirmed');
      refusedAs(await stage.asPhone('POST', '/v1/hosts/pve2/sleep'), 409, 'host_already_off');

      const wanted = await stage.order(startGaming);
      assert.deepEqual(
        wanted.steps.map(({ relay, action, state }) => [relay, action, state]),
        [
          ['pve1', 'host.wake', 'queued'],
          // It ran when the tower was last heard of.
          ['pve2', 'guest.shutdown', 'waiting'],
          ['pve2', 'guest.start', 'waiting'],
        ],
      );
      const wake = await stage.nextJob(pve1);
      await pve1.say(wake, 'started');
      // The tower boots: a new run, which confirms the shutdown and is asked for a report.
      pve2.session = testNonce();
      const parked = pve1.poll({ wait_ms: 50_000 });
      const asked = await pve2.poll({ poll: 1, seen: 0 });
      assert.equal(asked.report_wanted, true);
      await pve2.say(down, 'succeeded');
      await pve2.reportGuests({ devtop: 'running', gaming: 'stopped' });
      const { evidence } = await parked;
      assert.equal(evidence.length, 1);
      await pve1.say(wake, { state: 'succeeded', result: { packets: 3, took_ms: 12_000 } });
      for (const step of [1, 2]) {
        const next = await stage.doNext(pve2, { already: false });
        assert.deepEqual([next.job.step, next.job.receipts.length], [step, step]);
      }
      assert.equal((await stage.command(wanted.id)).state, 'succeeded');
      assert.equal((await stage.command(accepted.id)).state, 'succeeded');
      await stage.wakeTower();
    },
  },
  {
    name: 'a host is let sleep only where trust says so',
    run: async (stage) => {
      refusedAs(await stage.asOperator('POST', '/v1/hosts/attic/sleep'), 409, 'host_does_not_sleep');
      refusedAs(await stage.asOperator('POST', '/v1/hosts/nowhere/sleep'), 404, 'target_unknown');
    },
  },
];
