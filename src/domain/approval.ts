import type { Step } from '../../schema/wire/intent.ts';
import type { Command } from './command.ts';
import type { Change } from './settle.ts';

/** How a command may end that was never approved. */
export type WaitingEnd = {
  readonly state: 'refused' | 'expired';
  readonly code: 'approval_denied' | 'approval_expired' | 'plan_outdated' | 'token_revoked' | 'trust_changed';
};

/** Ends a command that waits for approval; null when it does not wait. It has no steps and holds no locks. */
export const endWaiting = (command: Command, end: WaitingEnd, now: number): Change | null =>
  command.state === 'waiting'
    ? {
        command: { ...command, ...end, endedAt: now, dueAt: null },
        steps: [],
        release: false,
        retry: false,
      }
    : null;

/** Ends a command whose approval did not come in time; null while it may come. */
export const applyWaitingOver = (command: Command, now: number): Change | null =>
  command.dueAt !== null && command.dueAt <= now
    ? endWaiting(command, { state: 'expired', code: 'approval_expired' }, now)
    : null;

const sameStep = (a: Step, b: Step): boolean =>
  a.relay === b.relay &&
  a.action === b.action &&
  a.target === b.target &&
  JSON.stringify(a.params) === JSON.stringify(b.params);

/**
 * Whether steps that were fixed earlier still do what a plan of the same order would do now. Wakes and shutdowns
 * of rivals that are needed no more end as "already so"; a step that is needed and is not there is not added.
 */
export const stillApplies = (fixed: readonly Step[], fresh: readonly Step[]): boolean =>
  fresh.every((step) => fixed.some((one) => sameStep(one, step)));
