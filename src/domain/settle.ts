import type { CommandState } from '../../schema/api/orders.ts';
import { clockSkewMs } from '../../schema/wire/limits.ts';
import { isFinal, type Receipt } from '../../schema/wire/receipt.ts';
import {
  type Command,
  isActive,
  lastAttempt,
  nextStepState,
  type StepEvent,
  type StepRecord,
  stateOfSteps,
} from './command.ts';
import { silentAfterMs } from './world.ts';

/** How long after its intent's end a step may still be taken for on its way: clocks and envelopes differ. */
export const expiryGraceMs = 2 * clockSkewMs;
/** How long after its intent's end a started step may still end as one hoped: the longest patience of an action. */
export const startedGraceMs = 10 * 60_000;
/** A host that did not wake is tried once more. */
export const maxAttempts = 2;

/** A command after something happened to it, with what that changed. */
export type Change = {
  readonly command: Command;
  /** The steps that are other than before. */
  readonly steps: readonly StepRecord[];
  /** Whether its locks are to be let go. */
  readonly release: boolean;
  /** Whether the failed wake of its last attempt is to be tried again. */
  readonly retry: boolean;
};

const move = (step: StepRecord, event: StepEvent, more: Partial<StepRecord> = {}): StepRecord | null => {
  const state = nextStepState(step, event);
  return state === null ? null : { ...step, ...more, state };
};

/** Queues the waiting steps whose conditions are met, skips those whose conditions cannot be met any more. */
function unfold(steps: readonly StepRecord[], now: number): StepRecord[] {
  const settled: StepRecord[] = [];
  for (const step of steps) {
    settled.push(step.state === 'waiting' ? unfoldStep(step, settled, now) : step);
  }
  return settled;
}

function unfoldStep(step: StepRecord, earlier: readonly StepRecord[], now: number): StepRecord {
  let ready = true;
  for (const { step: index, if: condition } of step.after) {
    const before = earlier.find((other) => other.intent === step.intent && other.step === index);
    if (before === undefined) throw new Error('a step comes after one that is not there');
    if (isActive(before)) ready = false;
    // Only a receipt proves an end to the relay; what ended without one holds its followers back for good.
    else if (!before.receipted || (condition === 'succeeded' && before.state !== 'succeeded')) {
      return move(step, 'unmet', { code: 'skipped', endedAt: now })!;
    }
  }
  return ready ? move(step, 'ready', { queuedAt: now })! : step;
}

/** When the sweep must look at a command next; null when only a receipt can change it. */
function dueAt(command: Command, state: CommandState): number | null {
  if (state !== 'running') return null;
  const steps = lastAttempt(command);
  const expires = Math.max(...command.intents.map((intent) => intent.expires));
  if (steps.some((step) => isActive(step) && step.state !== 'started')) return expires + expiryGraceMs;
  if (waitsForItsHost(command)) return heardOf(command, () => null) + silentAfterMs;
  return steps.some(isActive) ? expires + startedGraceMs : null;
}

/**
 * Draws the conclusions from steps that changed: which follow, which never will, and what that makes of the
 * command. A command that once ended never runs again: what comes later is told, without locks.
 */
export function settle(
  before: Command,
  changed: readonly StepRecord[],
  now: number,
  mayRetry = false,
): Change {
  const keyOf = (step: StepRecord): string => `${step.intent} ${step.step}`;
  const replaced = new Map(changed.map((step) => [keyOf(step), step]));
  const merged = before.steps.map((step) => replaced.get(keyOf(step)) ?? step);
  const retry = mayRetry && before.state === 'running' && wakeMayBeTriedAgain({ ...before, steps: merged });
  const steps = retry ? dropFollowers(before, merged, now) : unfold(merged, now);
  const draft: Command = { ...before, steps };

  const { state: told, code } = stateOfSteps(lastAttempt(draft));
  let state: CommandState = told;
  if (retry) state = 'running';
  else if (told === 'running' && before.state !== 'running') state = 'unconfirmed';
  const ended = state !== 'running';
  const command: Command = {
    ...draft,
    state,
    code: state === 'unconfirmed' ? before.code : code,
    endedAt: ended ? (before.state === 'running' ? now : before.endedAt) : null,
    dueAt: retry ? before.dueAt : dueAt(draft, state),
  };
  return {
    command,
    steps: steps.filter((step, index) => step !== before.steps[index]),
    release: ended && before.state === 'running',
    retry,
  };
}

/** Ends a command for those who wait, although a step of it is still to be heard of. */
function leaveUnconfirmed(change: Change, code: string, now: number): Change {
  return {
    ...change,
    command: { ...change.command, state: 'unconfirmed', code, endedAt: now, dueAt: null },
    release: true,
  };
}

/**
 * What a relay's verified receipt makes of a command; null when it contradicts what is known already.
 * `mayRetry`: whether the caller would mint another attempt where one makes sense.
 */
export function applyReceipt(
  command: Command,
  receipt: Receipt,
  now: number,
  mayRetry: boolean,
): Change | null {
  const step = command.steps.find((one) => one.intent === receipt.intent && one.step === receipt.step);
  if (step === undefined) return null;
  const final = isFinal(receipt.state);
  const moved = move(step, receipt.state, {
    code: receipt.code,
    result: receipt.result,
    receipted: true,
    startedAt: step.startedAt ?? (receipt.state === 'refused' ? null : now),
    endedAt: final ? now : null,
  });
  return moved === null ? null : settle(command, [moved], now, mayRetry);
}

const powersOff: ReadonlySet<string> = new Set(['host.shutdown', 'host.shutdown-in-use']);

/** Whether a step's receipt comes at its host's next boot only. */
export const endsWithItsHost = (action: string): boolean => powersOff.has(action);

/**
 * A host said, by its own relay, that it powers off for this step: nothing more is to be expected of it, so the command ends for
 * those who wait, unless other steps of it still run. Null when that changes nothing.
 */
export function applyPoweringOff(
  command: Command,
  relay: string,
  intent: string,
  step: number,
  now: number,
): Change | null {
  const one = command.steps.find((other) => other.intent === intent && other.step === step);
  if (one?.relay !== relay || one.state !== 'started' || !endsWithItsHost(one.action)) return null;
  if (command.state !== 'running') return null;
  const others = lastAttempt(command).some((other) => other !== one && isActive(other));
  if (others) return null;
  return leaveUnconfirmed(settle(command, [], now), 'unconfirmed', now);
}

/** Whether all that may still come of a command is the end of hosts that power off. */
function waitsForItsHost(command: Command): boolean {
  const active = lastAttempt(command).filter(isActive);
  return (
    active.length > 0 && active.every((step) => step.state === 'started' && endsWithItsHost(step.action))
  );
}

/** When the last of the relays of its active steps was heard of; their beginning counts too. */
const heardOf = (command: Command, lastHeard: (relay: string) => number | null): number =>
  Math.max(
    ...lastAttempt(command)
      .filter(isActive)
      .map((step) => Math.max(step.startedAt ?? 0, lastHeard(step.relay) ?? 0)),
  );

/**
 * A host that powers off says so last of all, and nobody may have listened. Once its relay has been silent for long
 * enough the command ends for those who wait, so that the host can be woken again. Null when it is not about that.
 */
export function applySilence(
  command: Command,
  lastHeard: (relay: string) => number | null,
  now: number,
): Change | null {
  if (command.state !== 'running' || !waitsForItsHost(command)) return null;
  const quietAt = heardOf(command, lastHeard) + silentAfterMs;
  const change = settle(command, [], now);
  if (now >= quietAt) return leaveUnconfirmed(change, 'unconfirmed', now);
  return { ...change, command: { ...change.command, dueAt: quietAt } };
}

/** Ends what is overdue at `now`; null when nothing is. */
export function applyExpiry(command: Command, now: number): Change | null {
  if (command.state !== 'running') return null;
  const expired: StepRecord[] = [];
  for (const step of lastAttempt(command)) {
    const intent = command.intents.find((one) => one.digest === step.intent)!;
    if (now < intent.expires + expiryGraceMs) continue;
    const moved = move(step, 'expiry', { code: 'expired', endedAt: now });
    if (moved !== null) expired.push(moved);
  }
  const change = settle(command, expired, now);
  const left = lastAttempt(change.command).filter(isActive);
  const expires = Math.max(...command.intents.map((intent) => intent.expires));
  if (left.length > 0 && now >= expires + startedGraceMs) {
    return leaveUnconfirmed(change, 'unconfirmed', now);
  }
  return expired.length === 0 ? null : change;
}

/** Refuses all of a command that no relay has begun, because trust does not allow it any more. */
export function applyTrustChange(command: Command, now: number): Change | null {
  if (command.state !== 'running') return null;
  const refused: StepRecord[] = [];
  for (const step of lastAttempt(command)) {
    const moved = move(step, 'disallowed', { code: 'trust_changed', endedAt: now });
    if (moved !== null) refused.push(moved);
  }
  return refused.length === 0 ? null : settle(command, refused, now);
}

/** Whether the last attempt ended by a host that did not wake, may be repeated, and nothing of it is under way. */
function wakeMayBeTriedAgain(command: Command): boolean {
  if (command.intents.length >= maxAttempts) return false;
  const last = command.intents.at(-1);
  if (last === undefined || last.signer !== 'controller') return false;
  const steps = lastAttempt(command);
  if (steps.some((step) => isActive(step) && step.state !== 'waiting')) return false;
  const bad = steps.filter((step) => !isActive(step) && step.state !== 'succeeded');
  return (
    bad.length === 1 &&
    bad[0]!.action === 'host.wake' &&
    bad[0]!.state === 'failed' &&
    bad[0]!.code === 'host_did_not_wake'
  );
}

/** The followers of a wake that is tried again move to the next attempt. */
function dropFollowers(before: Command, steps: readonly StepRecord[], now: number): StepRecord[] {
  const attempt = before.intents.at(-1)!.attempt;
  return steps.map((step) =>
    step.attempt === attempt && step.state === 'waiting'
      ? { ...step, state: 'skipped', code: 'skipped', endedAt: now }
      : step,
  );
}

/** The steps of a further attempt: all of the last one that did not succeed, in order, with `after` renumbered. */
export function stepsOfRetry(
  command: Command,
): readonly Pick<StepRecord, 'relay' | 'action' | 'target' | 'params' | 'after'>[] {
  const steps = lastAttempt(command);
  const left = steps.filter((step) => step.state !== 'succeeded');
  const place = new Map(left.map((step, index) => [step.step, index]));
  return left.map(({ relay, action, target, params, after }) => ({
    relay,
    action,
    target,
    params,
    after: after.flatMap((one) => {
      const index = place.get(one.step);
      return index === undefined ? [] : [{ step: index, if: one.if }];
    }),
  }));
}
