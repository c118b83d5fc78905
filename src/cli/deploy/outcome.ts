import type { DeploymentView, TargetState } from '../../../schema/api/deployments.ts';
import type { Receipt } from '../../../schema/wire/receipt.ts';
import { type Exit, exits } from '../outcome.ts';
import type { FormerPart } from './former.ts';

/** What came of a target: as its relay signed it, or as the control plane has it while nothing is signed. */
export type TargetEnd =
  | 'healthy'
  | 'rolled-back'
  | 'refused'
  | 'unknown'
  | Exclude<TargetState, 'healthy' | 'rolled-back' | 'failed'>;

export type TargetOutcome = {
  readonly target: string;
  readonly end: TargetEnd;
  readonly code: string | null;
  readonly receipt: Receipt | null;
};

const endOf: Readonly<Record<Exclude<Receipt['state'], 'started'>, TargetEnd>> = {
  succeeded: 'healthy',
  failed: 'rolled-back',
  refused: 'refused',
  unknown: 'unknown',
};

/** What the control plane may say where a relay signed that end, once it says that it is over. */
const sayable: Readonly<Partial<Record<TargetEnd, readonly TargetState[]>>> = {
  healthy: ['healthy'],
  'rolled-back': ['rolled-back'],
  refused: ['failed'],
  unknown: ['failed'],
};

/** Ends that a relay alone can tell. (The control plane itself may end what no relay has begun.) */
const signedEnds: readonly TargetState[] = ['healthy', 'rolled-back'];
const ends: readonly TargetState[] = [...signedEnds, 'failed', 'superseded'];

/**
 * Compares what the control plane says of a deployment's targets with what their relays signed.
 *
 * `unproven`: targets of which it says what no relay signed, or something else than one did.
 */
export function outcomesOf(parts: readonly FormerPart[]): {
  readonly outcomes: readonly TargetOutcome[];
  readonly unproven: readonly {
    readonly target: string;
    readonly claimed: TargetState;
    readonly signed: string;
  }[];
} {
  const unproven: { target: string; claimed: TargetState; signed: string }[] = [];
  const outcomes = parts.map(({ target, state, code, receipt }): TargetOutcome => {
    if (receipt === null) {
      if (signedEnds.includes(state)) unproven.push({ target, claimed: state, signed: 'nothing' });
      const end = state === 'healthy' || state === 'rolled-back' || state === 'failed' ? 'unknown' : state;
      return { target, end, code, receipt };
    }
    const end = endOf[receipt.state as keyof typeof endOf];
    if (ends.includes(state) && sayable[end]?.includes(state) !== true)
      unproven.push({ target, claimed: state, signed: receipt.state });
    return { target, end, code: receipt.code, receipt };
  });
  return { outcomes, unproven };
}

const exitOfEnd: Readonly<Record<TargetEnd, Exit>> = {
  healthy: exits.ok,
  'rolled-back': exits.failed,
  superseded: exits.failed,
  refused: exits.refused,
  unknown: exits.unconfirmed,
  pending: exits.unconfirmed,
  staged: exits.unconfirmed,
  activated: exits.unconfirmed,
};

/** Of several exits the one that a script must hear of: what failed, then what was refused, then what is open. */
const byWeight: readonly Exit[] = [exits.failed, exits.refused, exits.unconfirmed];

export const exitOf = (outcomes: readonly TargetOutcome[]): Exit => {
  const all = new Set(outcomes.map(({ end }) => exitOfEnd[end]));
  return byWeight.find((exit) => all.has(exit)) ?? exits.ok;
};

/** Whether nothing of it is under way any more. */
export const hasEnded = ({ targets }: Pick<DeploymentView, 'targets'>): boolean =>
  targets.every(({ state }) => ends.includes(state));
