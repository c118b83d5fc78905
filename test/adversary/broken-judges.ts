import type { Judge } from '../../relay/agent/executor-contract.ts';
import { stepKey } from '../../relay/agent/journal-state.ts';
import type { JudgeContext, Order, Verdict } from '../../relay/agent/verify-job.ts';
import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { digestOf } from '../../schema/jose/digest.ts';
import { ok } from '../../schema/result.ts';
import { parseIntent } from '../../schema/wire/intent.ts';
import type { Job } from '../../schema/wire/job.ts';
import { parseReleaseOrder, stepsOfOrder } from '../../schema/wire/release-order.ts';
import { realJudge } from '../relay/agent/fixture.ts';

/** Judges with one hole each. The adversary must find every one, or its silence about the real judge says nothing. */
export const brokenJudges = {
  /** Forgets what was consumed. */
  consumed: withContext((ctx) => ({ ...ctx, journal: { ...ctx.journal, steps: new Map() } })),
  /** Counts no starts. */
  limits: withContext((ctx) => ({ ...ctx, journal: { ...ctx.journal, starts: [] } })),
  /** Does not see that trust, or an intent, has expired, nor that the clock went back. */
  time: withContext((ctx) => ({ ...ctx, now: Math.min(ctx.now, Date.UTC(2026, 10, 22, 0, 2)) })),
  /** Runs what nobody authorised. */
  authorisation: allowing(['authorisation_invalid', 'authorisation_digest']),
  /** Runs what the one who authorised it may not order. */
  grants: allowing(['not_granted']),
  /** Runs steps before those that they come after. */
  after: allowing(['after_unmet']),
  /** Runs steps with parameters of any shape. */
  params: allowing(['params_invalid']),
  /** Runs intents of another home. */
  home: allowing(['intent_home', 'authorisation_home']),
  /** Runs intents from before the enrolment. */
  enrolment: allowing(['intent_before_enrolment']),
  /** Forgets which releases came before. */
  orders: withContext((ctx) => ({ ...ctx, journal: { ...ctx.journal, orders: new Map() } })),
  /** Follows releases of whoever signed them. */
  releases: allowing(['not_granted'], 'release'),
  /** Sends a release to whichever relay its order names. */
  relays: allowing(['relay_wrong'], 'release'),
  /** Follows releases of another home. */
  releaseHome: allowing(['intent_home', 'authorisation_home'], 'release'),
  /** Follows releases from before the enrolment, and from the future. */
  releaseTime: allowing(['intent_before_enrolment', 'intent_not_yet'], 'release'),
  /** Follows releases that nobody authorised. */
  releaseAuthorisation: allowing(['authorisation_invalid', 'authorisation_digest'], 'release'),
  /** Follows tokens of any audience. */
  tokenAudience: allowing(['github_token_audience'], 'release'),
  /** Follows workflows that trust does not name. */
  tokenPins: allowing(['github_stranger'], 'release'),
  /** Follows tokens however old they are. */
  tokenExpiry: allowing(['github_token_expired'], 'release'),
  /** Follows tokens that no key of an issuer's signed. */
  tokenSignature: allowing(
    ['github_token_signature', 'github_key_unknown', 'github_token_malformed'],
    'release',
  ),
  /** Follows a token for an order of another run or commit. */
  tokenRun: allowing(['github_other_commit'], 'release'),
  /** Believes anybody who says that a token was there. */
  notary: allowing(['time_attestation_invalid'], 'release'),
  /** Takes jobs of any run and any number. */
  session: {
    ...realJudge,
    async verifyEnvelope(ctx, text, seen) {
      const read = await realJudge.verifyEnvelope(ctx, text, seen);
      const passed = !read.ok && (read.reason === 'job_session' || read.reason === 'job_replayed');
      return passed ? ok(readJob(text)) : read;
    },
  },
  /** Takes jobs of any age. */
  age: {
    ...realJudge,
    async verifyEnvelope(ctx, text, seen) {
      const read = await realJudge.verifyEnvelope(ctx, text, seen);
      return !read.ok && read.reason === 'job_expired' ? ok(readJob(text)) : read;
    },
  },
  /** Takes jobs that are signed by anybody. */
  signature: {
    ...realJudge,
    async verifyEnvelope(ctx, text, seen) {
      const read = await realJudge.verifyEnvelope(ctx, text, seen);
      return !read.ok && read.reason === 'jws_key_unknown' ? ok(readJob(text)) : read;
    },
  },
} as const satisfies Record<string, Judge>;

const readJob = (text: string): Job =>
  JSON.parse(Buffer.from(text.split('.')[1]!, 'base64url').toString()) as Job;

function withContext(change: (ctx: JudgeContext) => JudgeContext): Judge {
  return {
    verifyEnvelope: realJudge.verifyEnvelope,
    judgeJob: (ctx, job) => realJudge.judgeJob(change(ctx), job),
    judgeAgain: (ctx, order) => realJudge.judgeAgain(change(ctx), order),
  };
}

/** Takes some verdicts for permission. */
function allowing(reasons: readonly string[], kind?: Order['kind']): Judge {
  const pass = (verdict: Verdict, order: Order | null): Verdict => {
    const isMeant = order !== null && (kind === undefined || order.kind === kind);
    const isWaved = 'reason' in verdict && reasons.includes(verdict.reason) && isMeant;
    return isWaved ? { kind: 'allowed', order } : verdict;
  };
  return {
    verifyEnvelope: realJudge.verifyEnvelope,
    async judgeJob(ctx, job) {
      return pass(await realJudge.judgeJob(ctx, job), await readOrder(ctx, job));
    },
    judgeAgain: (ctx, order) => pass(realJudge.judgeAgain(ctx, order), order),
  };
}

/** An order as it would be had everything verified; null for a consumed or foreign one. */
async function readOrder(ctx: JudgeContext, job: Job): Promise<Order | null> {
  const bytes = decodeBase64url(job.intent);
  if (job.kind === 'release') return bytes.ok ? readRelease(ctx, job, bytes.value) : null;
  const parsed = bytes.ok ? parseIntent(bytes.value) : null;
  const step = parsed?.ok === true ? parsed.value.steps[job.step] : undefined;
  if (!bytes.ok || parsed?.ok !== true || step?.relay !== ctx.relay) return null;
  const digest = await digestOf('intent', bytes.value);
  const key = stepKey(digest, job.step);
  if (ctx.journal.steps.has(key)) return null;
  return {
    kind: 'intent',
    job,
    intent: parsed.value,
    digest,
    step,
    key,
    identity: 'operator',
    trust: ctx.trust,
  };
}

async function readRelease(
  ctx: JudgeContext,
  job: Job,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Order | null> {
  const parsed = parseReleaseOrder(bytes);
  const step = parsed.ok ? stepsOfOrder(parsed.value)[job.step] : undefined;
  if (!parsed.ok || step?.relay !== ctx.relay) return null;
  const digest = await digestOf('release', bytes);
  const key = stepKey(digest, job.step);
  if (ctx.journal.steps.has(key) || ctx.journal.orders.get(step.target)?.digest === digest) return null;
  const verified = { job, digest, step, key, identity: 'operator', trust: ctx.trust };
  return { kind: 'release', release: parsed.value, paths: [], ...verified };
}
