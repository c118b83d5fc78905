import * as v from 'valibot';
import { verifyHeartbeat } from '../../../relay/agent/heartbeat.ts';
import { checkAfter, readOwnReceipt } from '../../../relay/agent/receipts.ts';
import { judgeJob, verifyEnvelope } from '../../../relay/agent/verify-job.ts';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { digestOf } from '../../../schema/jose/digest.ts';
import { type JwsKind, signJws } from '../../../schema/jose/jws.ts';
import type { SigningKey } from '../../../schema/jose/keys.ts';
import { ok } from '../../../schema/result.ts';
import { keyOf } from '../../../schema/trust/evaluate.ts';
import { verifyOrder } from '../../../schema/trust/verify-order.ts';
import { excerptOf } from '../../../schema/wire/excerpt.ts';
import { parseIntent } from '../../../schema/wire/intent.ts';
import { parseReleaseOrder } from '../../../schema/wire/release-order.ts';
import { type Report, reportSchema } from '../../../schema/wire/report.ts';
import { readReport, readReported } from '../../../src/config/secrets/reported.ts';
import { type Bench, nowMs, openBench } from '../../relay/agent/judge-fixture.ts';
import { type Target, textOf } from '../target.ts';

let bench: Promise<Bench> | null = null;
/** One home for all that is signed in it. */
const openOnce = (): Promise<Bench> => {
  bench ??= openBench();
  return bench;
};

/** An input that begins as JSON does is signed, so that what stands behind the signature is read; others are texts as they come. */
const signedOr = async (kind: JwsKind, input: Uint8Array, key: SigningKey): Promise<string> =>
  input[0] === 0x7b ? signJws(kind, input, key) : textOf(input);

const plan = [
  { relay: 'pve1', action: 'host.wake', target: 'pve2' },
  { action: 'guest.start', target: 'gaming', after: [{ step: 0, if: 'succeeded' as const }] },
  { action: 'guest.shutdown', target: 'devtop', params: { timeout_s: 20 } },
];

const job: Target = {
  name: 'job',
  covers: ['relay/agent/verify-job.ts:verifyEnvelope', 'relay/agent/verify-job.ts:judgeJob'],
  maxBytes: 200_000,
  async corpus() {
    const { home, job: jobOf, sign, receipt } = await openOnce();
    const intent = await home.intent(plan, { issuedAt: nowMs });
    const release = await home.release([{ target: 'websvcs' }], { issuedAt: nowMs });
    const jobs = [
      jobOf(intent, { step: 1, receipts: [await receipt(intent, 0)] }),
      jobOf(intent, { step: 2 }),
      jobOf(release, { time: release.authorisation }),
    ];
    return [...jobs.map((one) => JSON.stringify(one)), ...(await Promise.all(jobs.map((one) => sign(one))))];
  },
  async open() {
    const { home, context } = await openOnce();
    return async (input) => {
      const text = await signedOr('job', input, home.controller);
      const envelope = await verifyEnvelope(context(), text, 0);
      if (!envelope.ok) return envelope;
      const verdict = await judgeJob(context(), envelope.value);
      return 'reason' in verdict ? { ok: false, reason: verdict.reason } : ok(verdict);
    };
  },
};

const intent: Target = {
  name: 'intent',
  covers: ['schema/wire/intent.ts:parseIntent'],
  async corpus() {
    const { home } = await openOnce();
    return [(await home.intent(plan, { issuedAt: nowMs })).bytes, (await home.intent([{}])).bytes];
  },
  async open() {
    const { home, context, job: jobOf } = await openOnce();
    return async (input) => {
      const parsed = parseIntent(input);
      if (!parsed.ok) return parsed;
      const digest = await digestOf('intent', input);
      const authorisation = await signJws('intent', { home: home.id, kind: 'intent', digest }, home.operator);
      const order = { bytes: input, digest, authorisation };
      for (const step of [0, 1, 2]) await judgeJob(context(), jobOf(order, { step }));
      return parsed;
    };
  },
};

const order: Target = {
  name: 'release-order',
  covers: ['schema/wire/release-order.ts:parseReleaseOrder', 'schema/trust/verify-order.ts:verifyOrder'],
  async corpus() {
    const { home } = await openOnce();
    const parts = [{ target: 'files' }, { target: 'websvcs', again: true as const }];
    return [(await home.release(parts, { issuedAt: nowMs })).bytes, (await home.release([{}])).bytes];
  },
  async open() {
    const { home, context, job: jobOf } = await openOnce();
    return async (input) => {
      const parsed = parseReleaseOrder(input);
      const digest = await digestOf('release', input);
      const authorisation = await signJws(
        'release',
        { home: home.id, kind: 'release', digest },
        home.operator,
      );
      const verified = await verifyOrder(home.trust(), { bytes: input, authorisation }, null);
      if (parsed.ok !== verified.ok) throw new Error('two readers of one order differ');
      if (!parsed.ok) return parsed;
      const signed = { kind: 'release' as const, bytes: input, digest, authorisation };
      for (const step of [0, 1]) await judgeJob(context(), jobOf(signed, { step }));
      return verified;
    };
  },
};

const recipient = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';

const report: Target = {
  name: 'report',
  covers: ['src/config/secrets/reported.ts:readReport', 'src/config/secrets/reported.ts:readReported'],
  async corpus() {
    const { home } = await openOnce();
    const made: Report = {
      home: home.id,
      relay: 'pve2',
      seq: 1,
      time: nowMs,
      boot: 'boot-1',
      uptime_ms: 5,
      version: '0.1.0',
      protocol: 3,
      trust_version: 1,
      clock_synchronised: true,
      proxmox: 'ok',
      guests: {},
      progress: [],
      refused: { count: 0, code: null },
      targets: {},
      recipients: { pve2: recipient, websvcs: recipient },
    };
    const shape = v.safeParse(reportSchema, made);
    if (!shape.success)
      throw new Error(`the report is no report: ${JSON.stringify(v.flatten(shape.issues))}`);
    return [JSON.stringify(made), await signJws('report', made, home.relays.pve2!.signing)];
  },
  async open() {
    const { home } = await openOnce();
    return async (input) => {
      const text = await signedOr('report', input, home.relays.pve2!.signing);
      const read = await readReport(home.trust(), text);
      return read.ok ? readReported(home.trust(), text) : read;
    };
  },
};

const receipt: Target = {
  name: 'receipt',
  covers: [
    'relay/agent/receipts.ts:readOwnReceipt',
    'relay/agent/receipts.ts:checkAfter',
    'schema/wire/excerpt.ts:excerptOf',
  ],
  async corpus() {
    const { home, receipt: sign } = await openOnce();
    const made = await home.intent(plan, { issuedAt: nowMs });
    const text = await sign(made, 0);
    const excerpt = encodeBase64url('age-encryption.org/v1\n-> X25519 abc\n');
    const failed = await sign(made, 1, { state: 'failed', code: 'told', result: { excerpt } });
    const payloadOf = (jws: string) => Buffer.from(jws.split('.')[1]!, 'base64url');
    return [text, payloadOf(text), payloadOf(failed)];
  },
  async open() {
    const { home } = await openOnce();
    const key = home.relays.pve1!.signing;
    const own = { home: home.id, relay: 'pve1', key };
    const before = await home.intent(plan, { issuedAt: nowMs });
    const order = { intent: before.intent, digest: before.digest, after: before.intent.steps[1]!.after };
    return async (input) => {
      const text = await signedOr('receipt', input, key);
      const read = await readOwnReceipt(text, own, keyOf(home.trust(), 'relay'));
      if (read !== null) excerptOf(read);
      return checkAfter(home.trust(), order, [text]);
    };
  },
};

const heartbeat: Target = {
  name: 'heartbeat',
  covers: ['relay/agent/heartbeat.ts:verifyHeartbeat'],
  async corpus() {
    const { home, session } = await openOnce();
    const made = { home: home.id, relay: 'pve2', session, poll: 1, time: nowMs };
    return [JSON.stringify(made), await signJws('heartbeat', made, home.controller)];
  },
  async open() {
    const { home, session } = await openOnce();
    return async (input) =>
      verifyHeartbeat(home.trust(), await signedOr('heartbeat', input, home.controller), {
        relay: 'pve2',
        session,
        poll: 1,
        now: nowMs,
      });
  },
};

export const signedTargets: readonly Target[] = [job, intent, order, report, receipt, heartbeat];
