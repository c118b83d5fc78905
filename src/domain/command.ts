import type { CommandState, Order, StepState } from '../../schema/api/orders.ts';
import type { After } from '../../schema/wire/intent.ts';
import type { Receipt, ReceiptState } from '../../schema/wire/receipt.ts';

/** What a relay's signed word on a step may carry. */
export type StepResult = Receipt['result'];

/** A step of one of a command's intents, and how far it has come. Times in ms. */
export type StepRecord = {
  readonly intent: string;
  readonly attempt: number;
  readonly step: number;
  readonly relay: string;
  readonly action: string;
  readonly target: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly after: readonly After[];
  readonly state: StepState;
  readonly code: string | null;
  readonly result: StepResult;
  /** Whether a receipt of the relay says this state; otherwise this side said it. */
  readonly receipted: boolean;
  readonly queuedAt: number | null;
  readonly sentAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
};

/** An attempt: the intent that was signed. Its bytes are read only when a job is minted. */
export type IntentRecord = {
  readonly digest: string;
  readonly attempt: number;
  readonly signer: string;
  readonly issuedAt: number;
  readonly expires: number;
};

/** A command with its attempts and all their steps, in order. */
export type Command = {
  readonly id: string;
  readonly order: Order;
  readonly state: CommandState;
  readonly code: string | null;
  readonly principal: string;
  readonly createdAt: number;
  readonly endedAt: number | null;
  readonly dueAt: number | null;
  readonly revision: number;
  readonly intents: readonly IntentRecord[];
  readonly steps: readonly StepRecord[];
};

/** Whether a command has not ended: it runs, or waits for approval. */
export const isOpen = ({ state }: { readonly state: CommandState }): boolean =>
  state === 'running' || state === 'waiting';

/** What happens to a step. */
export type StepEvent =
  /** The steps that it comes after ended as it needs. */
  | 'ready'
  /** One of them did not. */
  | 'unmet'
  /** An envelope with it went out. */
  | 'leased'
  /** Its intent's time is over. */
  | 'expiry'
  /** Newer trust does not allow it any more. */
  | 'disallowed'
  | ReceiptState;

/** From each state that this side gave a step, what each event makes of it. What is absent changes nothing. */
export const stepTransitions: Readonly<Record<StepState, Partial<Record<StepEvent, StepState>>>> = {
  waiting: { ready: 'queued', unmet: 'skipped', expiry: 'expired', disallowed: 'refused' },
  queued: { leased: 'sent', expiry: 'expired', disallowed: 'refused', ...byReceipt() },
  sent: { leased: 'sent', expiry: 'expired', disallowed: 'refused', ...byReceipt() },
  started: { succeeded: 'succeeded', failed: 'failed', unknown: 'unknown' },
  // A receipt is the truth whatever this side took for an end before it came.
  expired: byReceipt(),
  refused: byReceipt(),
  skipped: {},
  succeeded: {},
  failed: {},
  unknown: {},
};

function byReceipt() {
  return {
    refused: 'refused',
    started: 'started',
    succeeded: 'succeeded',
    failed: 'failed',
    unknown: 'unknown',
  } as const;
}

/** The state after an event, or null when the event has no place there. A receipted end is final. */
export function nextStepState(
  step: Pick<StepRecord, 'state' | 'receipted'>,
  event: StepEvent,
): StepState | null {
  if (step.receipted && step.state !== 'started') return null;
  return stepTransitions[step.state][event] ?? null;
}

const activeStates: ReadonlySet<StepState> = new Set(['waiting', 'queued', 'sent', 'started']);

/** Whether more may still come of a step. */
export const isActive = (step: Pick<StepRecord, 'state'>): boolean => activeStates.has(step.state);

/** From the most to the least telling: the first of these that a step ended in names the command's end. */
const badEnds = [
  'unknown',
  'failed',
  'refused',
  'expired',
  'skipped',
] as const satisfies readonly StepState[];

const commandStateOfEnd: Readonly<Record<(typeof badEnds)[number], CommandState>> = {
  unknown: 'unknown',
  failed: 'failed',
  refused: 'refused',
  expired: 'expired',
  skipped: 'failed',
};

/** The steps of the attempt that counts: the last one. */
export function lastAttempt(command: Pick<Command, 'steps' | 'intents'>): readonly StepRecord[] {
  const attempt = Math.max(...command.intents.map((intent) => intent.attempt));
  return command.steps.filter((step) => step.attempt === attempt);
}

/** The step that explains why a command did not succeed; undefined when none ended badly. */
export function tellingStep(steps: readonly StepRecord[]): StepRecord | undefined {
  for (const state of badEnds) {
    const found = steps.find((step) => step.state === state);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A command's state as its last attempt's steps tell it; `running` while more may come of any. */
export function stateOfSteps(steps: readonly StepRecord[]): { state: CommandState; code: string | null } {
  if (steps.some(isActive)) return { state: 'running', code: null };
  const telling = tellingStep(steps);
  if (telling === undefined) return { state: 'succeeded', code: null };
  const state = commandStateOfEnd[telling.state as (typeof badEnds)[number]];
  // Part of it was done: "nothing was done in time" would be untrue.
  const partly = state === 'expired' && steps.some((step) => step.startedAt !== null);
  return { state: partly ? 'failed' : state, code: telling.code };
}
