import type { Digest } from '../../schema/jose/digest.ts';
import type { Job } from '../../schema/wire/job.ts';
import { clockSkewMs, jobLifetimeMs } from '../../schema/wire/limits.ts';
import { isFinal, type Receipt, type ReceiptState } from '../../schema/wire/receipt.ts';
import { type Author, type Law, limitFor, objection, objectionToRelease } from './law.ts';
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

type Deed = { action: string; target: string; trueMs: number; byController: boolean };
type Offer = { readonly exp: number };

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
  const released = new Map<string, number>();
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
    if (paper.kind === 'intent' || last === undefined || paper.body.order.desk > last) return null;
    return `release ${paper.body.order.desk} after release ${last}`;
  };

  const objectionToPace = (law: Law, action: string, target: string, trueMs: number): string | null => {
    const limit = limitFor(law, action, target);
    if (limit === null) return 'the controller has no such grant';
    const recent = deeds.filter(
      (deed) =>
        deed.byController &&
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
      offers.set(key, [...(offers.get(key) ?? []), { exp: job.exp }]);
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
      if (!(offers.get(key) ?? []).some((offer) => offer.exp > moment.now))
        return 'it was not offered in time';
      if (moment.now < lastDeedAt - clockSkewMs) return 'the clock was behind';
      const after = objectionToAfter(known.paper, index);
      if (after !== null) return after;
      if (moment.synchronised) lastDeedAt = Math.max(lastDeedAt, moment.now);

      const reasons: string[] = [];
      for (const author of known.authors) {
        const byController = author === 'controller';
        const reason =
          objectionTo(known.paper, author, moment) ??
          objectionToNumber(known.paper, target) ??
          (byController ? objectionToPace(moment.law, action, target, moment.trueMs) : null);
        if (reason === null) {
          if (known.paper.kind === 'release') released.set(target, known.paper.body.order.desk);
          deeds.push({ action, target, trueMs: moment.trueMs, byController });
          return null;
        }
        reasons.push(`${author}: ${reason}`);
      }
      return reasons.join('; ');
    },
    deeds: (): readonly Deed[] => deeds,
  };
}
export type Oracle = ReturnType<typeof createOracle>;
