import type { Digest } from '../../schema/jose/digest.ts';
import type { Job } from '../../schema/wire/job.ts';
import { clockSkewMs, jobLifetimeMs } from '../../schema/wire/limits.ts';
import { isFinal, type Receipt, type ReceiptState } from '../../schema/wire/receipt.ts';
import type { ReleaseOrder } from '../../schema/wire/release-order.ts';
import { type Author, type Law, laws, limitFor, objection, objectionToRelease } from './law.ts';
import {
  type Attestation,
  lifeOf,
  notaryLaws,
  objectionToToken,
  type Token,
  workflowLaws,
} from './law-github.ts';
import type { Paper } from './papers.ts';

/** What the oracle knows for certain at the moment of a deed. */
export type Moment = {
  readonly law: Law;
  /** The relay's wall clock. */
  readonly now: number;
  /** Time that truly passed since the trace began. */
  readonly trueMs: number;
  readonly synchronised: boolean;
};

type Deed = {
  action: string;
  target: string;
  trueMs: number;
  by: 'controller' | 'operator' | 'workflow';
  /** Whether the token that authorised it had ended by then. */
  late: boolean;
};
type Offer = {
  readonly exp: number;
  readonly authorisation: string;
  readonly time: string | undefined;
};
type Number3 = ReleaseOrder['order'];

const isLater = (one: Number3, other: Number3): boolean => {
  if (one.run_id !== other.run_id) return one.run_id > other.run_id;
  if (one.run_attempt !== other.run_attempt) return one.run_attempt > other.run_attempt;
  return one.desk > other.desk;
};

/**
 * Says of each deed whether it was allowed, from what truly happened: who signed which bytes, what was offered
 * in this run, what ended how. Shares no code with the relay's judgement.
 */
export function createOracle(home: string) {
  const papers = new Map<Digest, { paper: Paper; authors: Set<Author> }>();
  const done = new Set<string>();
  const deeds: Deed[] = [];
  const endings = new Map<string, ReceiptState>();
  /** The number of the last release on each target. */
  const released = new Map<string, Number3>();
  const tokens = new Map<string, Token>();
  const attestations = new Map<string, Attestation>();
  /** When each token was first shown in this run. */
  let shown = new Map<string, number>();
  let session = '';
  let seen = 0;
  let offers = new Map<string, Offer[]>();
  let lastDeedAt = 0;

  const objectionToAfter = (paper: Paper, index: number): string | null => {
    for (const { step, if: condition } of paper.steps[index]!.after) {
      const state = endings.get(`${paper.digest}/${step}`) ?? paper.ended.get(step);
      const met = condition === 'succeeded' ? state === 'succeeded' : state !== undefined && isFinal(state);
      if (!met) return `step ${step} had not ${condition}`;
    }
    return null;
  };

  const objectionTo = (paper: Paper, author: Author, { law, now }: Moment): string | null =>
    paper.kind === 'release'
      ? objectionToRelease(law, author, home, paper.body, now)
      : objection(law, author, home, paper.body, now);

  /** On each target a release comes only after those with lower numbers. */
  const objectionToNumber = (paper: Paper, target: string): string | null => {
    const last = released.get(target);
    if (paper.kind === 'intent' || last === undefined || isLater(paper.body.order, last)) return null;
    return `release ${JSON.stringify(paper.body.order)} after release ${JSON.stringify(last)}`;
  };

  /** A token authorises the very bytes that it names, if it was there in time: now, when it first came, or by a notary's word. */
  const objectionToRun = (paper: Paper, token: Token, offer: Offer, { law, now }: Moment): string | null => {
    if (paper.kind === 'intent') return 'a workflow orders releases alone';
    const version = laws.indexOf(law);
    const word = offer.time === undefined ? undefined : attestations.get(offer.time);
    const isWord =
      word?.isGenuine === true &&
      word.token === token.text &&
      word.seenMs <= now + clockSkewMs &&
      notaryLaws[version]!;
    const first = shown.get(token.text);
    const seen = [...(first === undefined ? [] : [first]), ...(isWord ? [word.seenMs] : [])];
    const audience = `writ:${home}:release:${paper.digest}`;
    return (
      objectionToRelease(law, 'workflow', home, paper.body, now) ??
      objectionToToken(workflowLaws[version]!, token, paper.body, { audience, now, seen })
    );
  };

  const objectionToPace = (law: Law, action: string, target: string, trueMs: number): string | null => {
    const limit = limitFor(law, action, target);
    if (limit === null) return 'the controller has no such grant';
    const recent = deeds.filter(
      (deed) =>
        deed.by === 'controller' &&
        deed.action === action &&
        limit.on.includes(deed.target) &&
        trueMs - deed.trueMs < limit.windowMs,
    );
    return recent.length < limit.count ? null : `more than ${limit.count} of ${action} in a window`;
  };

  return {
    learn(paper: Paper): void {
      const known = papers.get(paper.digest);
      if (known === undefined) papers.set(paper.digest, { paper, authors: new Set([paper.author]) });
      else known.authors.add(paper.author);
    },
    beginRun(nonce: string): void {
      session = nonce;
      seen = 0;
      offers = new Map();
      shown = new Map();
    },
    learnToken(token: Token): void {
      tokens.set(token.text, token);
    },
    learnAttestation(attestation: Attestation): void {
      attestations.set(attestation.text, attestation);
    },
    /** A job that the controller truly signed is put before the relay. */
    noteOffer(job: Job, digest: Digest, now: number): void {
      const fits =
        job.home === home &&
        job.relay === 'pve2' &&
        job.session === session &&
        job.seq > seen &&
        job.exp > now &&
        job.exp <= now + jobLifetimeMs + clockSkewMs;
      if (!fits) return;
      seen = job.seq;
      const key = `${digest}/${job.step}`;
      const { exp, authorisation, time } = job;
      offers.set(key, [...(offers.get(key) ?? []), { exp, authorisation, time }]);
      if (job.kind === 'release' && !shown.has(authorisation)) shown.set(authorisation, now);
    },
    noteReceipt(receipt: Receipt): void {
      if (isFinal(receipt.state)) endings.set(`${receipt.intent}/${receipt.step}`, receipt.state);
    },
    /** Why a deed was not allowed; null when it was. */
    judge(receipt: Receipt, params: unknown, moment: Moment): string | null {
      const { intent: digest, step: index, action, target } = receipt;
      const key = `${digest}/${index}`;
      if (done.has(key)) return 'it was done before';
      done.add(key);
      const known = papers.get(digest);
      const step = known?.paper.steps[index];
      if (known === undefined || step === undefined) return 'nobody ever wrote that';
      if (step.action !== action || step.target !== target) return 'it is not what is written';
      if (JSON.stringify(step.params) !== JSON.stringify(params))
        return 'the parameters are not what is written';
      if (step.relay !== 'pve2') return 'it is for another relay';
      const live = (offers.get(key) ?? []).filter((offer) => offer.exp > moment.now);
      if (live.length === 0) return 'it was not offered in time';
      if (moment.now < lastDeedAt - clockSkewMs) return 'the clock was behind';
      const after = objectionToAfter(known.paper, index);
      if (after !== null) return after;
      if (moment.synchronised) lastDeedAt = Math.max(lastDeedAt, moment.now);

      const allow = (by: Deed['by'], late = false): null => {
        if (known.paper.kind === 'release') released.set(target, known.paper.body.order);
        deeds.push({ action, target, trueMs: moment.trueMs, by, late });
        return null;
      };
      const reasons: string[] = [];
      for (const author of known.authors) {
        const byController = author === 'controller';
        const reason =
          objectionTo(known.paper, author, moment) ??
          objectionToNumber(known.paper, target) ??
          (byController ? objectionToPace(moment.law, action, target, moment.trueMs) : null);
        if (reason === null) return allow(byController ? 'controller' : 'operator');
        reasons.push(`${author}: ${reason}`);
      }
      for (const offer of live) {
        const token = tokens.get(offer.authorisation);
        if (token === undefined) continue;
        const reason =
          objectionToRun(known.paper, token, offer, moment) ?? objectionToNumber(known.paper, target);
        if (reason === null) return allow('workflow', moment.now >= lifeOf(token.claims)[1]);
        reasons.push(`a token: ${reason}`);
      }
      return reasons.join('; ');
    },
    deeds: (): readonly Deed[] => deeds,
  };
}
export type Oracle = ReturnType<typeof createOracle>;
