import { ok } from '../../schema/result.ts';
import type { Trust } from '../../schema/trust/read.ts';
import type { Job } from '../../schema/wire/job.ts';
import type { ExecutorDeps } from './executor-contract.ts';
import type { JudgeContext, Verdict } from './verify-job.ts';

/** The judgement of this run of a relay, by what it knows now. */
export type Judging = {
  context(): JudgeContext;
  /**
   * Judges a job under the trust in force; trust that changes on the way means judging anew.
   *
   * @param heard the document under which its envelope was verified a moment ago
   */
  judgeNow(text: string, job: Job, heard: Trust | null): Promise<Verdict>;
};

export function createJudging(
  deps: Pick<ExecutorDeps, 'state' | 'session' | 'clock' | 'judge' | 'github'> & {
    /** Whether the journal was found to be an older one. */
    restored(): boolean;
  },
): Judging {
  const { clock, judge, restored } = deps;
  const { journal, trust, relay, key } = deps.state;
  const context = (): JudgeContext => ({
    trust: trust.current(),
    relay,
    kid: key.kid,
    session: deps.session,
    journal: restored() ? { ...journal.state, restored: true } : journal.state,
    livedMs: journal.livedMs(),
    github: deps.github,
    now: clock.now(),
  });
  return {
    context,
    async judgeNow(text, job, heard) {
      for (;;) {
        const before = trust.current();
        const isVerified = heard === before && job.exp > clock.now();
        const envelope = isVerified ? ok(job) : await judge.verifyEnvelope(context(), text, job.seq - 1);
        const verdict: Verdict = envelope.ok
          ? await judge.judgeJob(context(), envelope.value)
          : { kind: 'dropped', reason: envelope.reason };
        if (trust.current() === before) return verdict;
      }
    },
  };
}
