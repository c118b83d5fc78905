import type { Progress } from '../../schema/wire/report.ts';
import type { ActionPorts, RelayAction } from '../actions/action.ts';
import type { Log } from '../log.ts';
import type { Clock } from './clock.ts';
import type { GithubTokens } from './github-tokens.ts';
import type { Outbox, PostedReceipt } from './outbox.ts';
import type { StandingStep } from './standing.ts';
import type { RelayState } from './state-files.ts';
import type { judgeAgain, judgeJob, verifyEnvelope } from './verify-job.ts';

/** What became of an offered job. */
export type OfferOutcome =
  /** Journalled, and at work now. */
  | { readonly kind: 'started' }
  /** Held in memory until the locks of running steps are free; not consumed. */
  | { readonly kind: 'waiting' }
  /** The same step is being looked at, or waits to be journalled. */
  | { readonly kind: 'known' }
  /** Denied for good, with a receipt. */
  | { readonly kind: 'refused'; readonly code: string }
  /** It was consumed before: these are its receipts so far, to be posted again. */
  | { readonly kind: 'consumed'; readonly receipts: readonly PostedReceipt[] }
  /** Left alone: nothing was journalled. */
  | { readonly kind: 'dropped'; readonly code: string };

/** Runs steps: at most once each, several at once unless their locks conflict. */
export type Executor = Omit<Outbox, 'restored'> & {
  /** Takes a job as it came. Resolves when it is decided, not when it has ended. Never rejects. */
  offer(jobJws: string): Promise<OfferOutcome>;
  /** The steps that are journalled as begun and have no final receipt yet. */
  running(): Progress[];
  /** Resolves once nothing runs or waits, but for a host that is on its way down. */
  idle(): Promise<void>;
  /**
   * To be called once, before the first offer: steps that a crash left open hold their locks from the moment of
   * the call, so polling may begin at once; resolves when each has its final receipt.
   */
  recover(): Promise<void>;
  /** The highest job number seen in this run, for the next poll. */
  seen(): number;
  /** Called with each new receipt once it is durable, and whether its step ends with it. */
  onReceipt(listener: (receipt: PostedReceipt, isFinal: boolean) => void): void;
  /** Called with each step that has its final receipt, once its locks are free. */
  onEnd(listener: (step: { readonly action: string; readonly target: string }) => void): void;
  /**
   * Keeps steps of an action off a target, as one would that is at work there, until the answer is called. Null while a
   * step that conflicts is at work, or waits to be.
   */
  hold(action: string, target: string): (() => void) | null;
  /**
   * Does a step that nobody ordered, where trust lets this relay do it by itself and nothing else is at work there; with
   * receipts like any other. False: it did not begin, and nothing was journalled.
   *
   * @param nonce 16 random bytes, base64url
   */
  stand(step: StandingStep, nonce: string): Promise<boolean>;
  /** Called whenever `running` changes. */
  onProgress(listener: () => void): void;
  /** Jobs dropped in this run, and why the last one was. */
  refused(): { readonly count: number; readonly code: string | null };
  /** Whether the journal takes writes: nothing is begun while it does not. */
  writable(): boolean;
  /** Takes nothing more and tells what runs to stop. What has not ended by then is observed at the next start. */
  close(): Promise<void>;
};

/** The judgement, as verify-job.ts implements it. */
export type Judge = {
  readonly verifyEnvelope: typeof verifyEnvelope;
  readonly judgeJob: typeof judgeJob;
  readonly judgeAgain: typeof judgeAgain;
};

export type ExecutorDeps = {
  readonly state: RelayState;
  /** The random nonce of this run. */
  readonly session: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly actions: Readonly<Record<string, RelayAction>>;
  readonly ports: ActionPorts;
  readonly judge: Judge;
  readonly github: Pick<GithubTokens, 'keys' | 'seenAt' | 'noteText'>;
  /** How many receipts may wait for the API before nothing more begins. */
  readonly maxUnconfirmed?: number | undefined;
  /** Sends the last report before the host goes down; bounded in time. */
  beforePowerOff(): Promise<void>;
};
