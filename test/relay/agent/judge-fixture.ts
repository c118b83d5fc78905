import type { JournalState } from '../../../relay/agent/journal-state.ts';
import type { JudgeContext, Order, Verdict } from '../../../relay/agent/verify-job.ts';
import { judgeJob } from '../../../relay/agent/verify-job.ts';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import type { SigningKey } from '../../../schema/jose/keys.ts';
import type { Job } from '../../../schema/wire/job.ts';
import type { Receipt } from '../../../schema/wire/receipt.ts';
import {
  makeTestHome,
  type TestHome,
  type TestIntent,
  type TestOrder,
  testNonce,
} from '../../support/relay-home.ts';

/** When everything is judged, unless a test says otherwise. */
export const nowMs = Date.UTC(2026, 10, 22);

const zeroDigest = `sha256:${'0'.repeat(64)}`;

/** A journal in which nothing stands yet. */
const emptyJournal = (home: TestHome, relay: string, kid: string): JournalState => ({
  home: home.id,
  relay,
  kid,
  trust: { version: 1, digest: home.trust().digest },
  clock: { boot: 'boot-1', uptime: 0, lived: 0 },
  time: 0,
  notBefore: 0,
  forgotten: 0,
  forgottenOrders: 0,
  orders: new Map(),
  steps: new Map(),
  receipts: new Map(),
  head: { seq: 0, hash: zeroDigest },
  confirmed: 0,
  starts: [],
  audit: null,
  witnessed: 0,
  reports: 1,
  restored: false,
});

/** A relay that judges, and the controller that orders it about. Judging changes nothing, so tests may share it. */
export type Bench = {
  readonly home: TestHome;
  readonly session: string;
  context(changes?: Partial<JudgeContext>, journal?: Partial<JournalState>): JudgeContext;
  /** A job for a step of what was signed, as the controller would make it. */
  job(signed: TestOrder, more?: Partial<Job>): Job;
  sign(job: object, by?: SigningKey): Promise<string>;
  /** Signs a receipt of an intent's step as its relay would. */
  receipt(intent: TestIntent, step: number, more?: Partial<Receipt>, by?: SigningKey): Promise<string>;
};

export async function openBench(home?: TestHome, relay = 'pve2'): Promise<Bench> {
  const where = home ?? (await makeTestHome({ origins: [{ url: 'https://writ.example.net' }] }));
  const session = testNonce();
  const { kid } = where.relays[relay]!.signing;
  return {
    home: where,
    session,
    context: (changes = {}, journal = {}) => ({
      trust: where.trust(),
      relay,
      kid,
      session,
      journal: { ...emptyJournal(where, relay, kid), ...journal },
      livedMs: 0,
      github: null,
      now: nowMs,
      ...changes,
    }),
    job: (signed, more = {}) => ({
      home: where.id,
      relay,
      session,
      seq: 1,
      exp: nowMs + 60_000,
      ...(signed.kind !== undefined && { kind: signed.kind }),
      intent: encodeBase64url(signed.bytes),
      authorisation: signed.authorisation,
      step: 0,
      receipts: [],
      ...more,
    }),
    sign: (job, by = where.controller) => signJws('job', job, by),
    receipt(intent, at, more = {}, by) {
      const step = intent.intent.steps[at]!;
      const receipt: Receipt = {
        home: where.id,
        relay: step.relay,
        seq: 1,
        previous: zeroDigest,
        intent: intent.digest,
        step: at,
        action: step.action,
        target: step.target,
        state: 'succeeded',
        code: null,
        result: null,
        time: nowMs,
        boot: 'boot-1',
        ...more,
      };
      return signJws('receipt', receipt, by ?? where.relays[step.relay]!.signing);
    },
  };
}

/** `allowed`, `consumed`, or the reason why not. */
export const wordOf = (verdict: Verdict): string => ('reason' in verdict ? verdict.reason : verdict.kind);

/** The order that a job carries, which must be allowed. */
export async function allowedOrder(ctx: JudgeContext, job: Job): Promise<Order> {
  const verdict = await judgeJob(ctx, job);
  if (verdict.kind !== 'allowed') throw new Error(`the job is not allowed: ${wordOf(verdict)}`);
  return verdict.order;
}
