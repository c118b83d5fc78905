import type { TargetState } from '../../schema/api/deployments.ts';
import { isFinal, type Receipt, type ReceiptState } from '../../schema/wire/receipt.ts';
import type { ReleaseOrder } from '../../schema/wire/release-order.ts';
import type { StepResult } from './command.ts';

/** A part of an order on its way to its target. Times in ms. */
export type PartRecord = {
  /** Its index in the order. */
  readonly part: number;
  readonly relay: string;
  readonly target: string;
  readonly digest: string;
  readonly state: TargetState;
  readonly code: string | null;
  readonly result: StepResult;
  /** Whether a receipt of the relay ended it; otherwise this side did. */
  readonly receipted: boolean;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
};

/** A release on its way: the order that was signed, and its parts in the order's sequence. */
export type Deployment = {
  readonly id: string;
  /** digestOf('release') of the order's bytes. */
  readonly digest: string;
  readonly order: ReleaseOrder;
  readonly signer: string;
  readonly principal: string;
  readonly createdAt: number;
  readonly endedAt: number | null;
  readonly revision: number;
  readonly parts: readonly PartRecord[];
};

/** What happens to a part. */
type PartEvent =
  /** Its relay reports how far it is. */
  | 'staged'
  | 'activated'
  /** A newer release is to come to the target, before this one began. */
  | 'superseded'
  /** A newer one has begun on the target, so that of this one nothing more is to come. */
  | 'overtaken'
  /** Trust does not allow it any more, and it has not begun. */
  | 'disallowed'
  | ReceiptState;

const byReceipt = {
  refused: 'failed',
  succeeded: 'healthy',
  failed: 'rolled-back',
  unknown: 'failed',
} as const;
const reopened = { started: 'pending', ...byReceipt } as const;

/** What each event makes of a state. What is absent changes nothing. */
const transitions: Readonly<Record<TargetState, Partial<Record<PartEvent, TargetState>>>> = {
  pending: {
    started: 'pending',
    staged: 'staged',
    activated: 'activated',
    superseded: 'superseded',
    overtaken: 'failed',
    disallowed: 'failed',
    ...byReceipt,
  },
  staged: { started: 'staged', activated: 'activated', overtaken: 'failed', ...byReceipt },
  activated: { started: 'activated', overtaken: 'failed', ...byReceipt },
  // A receipt is the truth, whatever this side took for an end before it came.
  superseded: reopened,
  failed: reopened,
  healthy: {},
  'rolled-back': {},
};

const openStates: ReadonlySet<TargetState> = new Set(['pending', 'staged', 'activated']);

/** Whether more is to come of a part. */
export const isOpen = ({ state }: Pick<PartRecord, 'state'>): boolean => openStates.has(state);

/** Whether its relay has taken a part up. */
export const hasBegun = ({ startedAt }: Pick<PartRecord, 'startedAt'>): boolean => startedAt !== null;

function move(part: PartRecord, event: PartEvent, more: Partial<PartRecord> = {}): PartRecord | null {
  const state = part.receipted ? undefined : transitions[part.state][event];
  return state === undefined ? null : { ...part, ...more, state };
}

/** A deployment after something happened to parts of it; null where nothing did. */
export type DeploymentChange = { readonly deployment: Deployment; readonly parts: readonly PartRecord[] };

function settle(before: Deployment, changed: readonly PartRecord[], now: number): DeploymentChange | null {
  if (changed.length === 0) return null;
  const parts = before.parts.map((part) => changed.find((one) => one.part === part.part) ?? part);
  const endedAt = parts.some(isOpen) ? null : (before.endedAt ?? now);
  return { deployment: { ...before, parts, endedAt }, parts: changed };
}

/** Moves each part that `wanted` gives an event and a code for. */
function moveParts(
  before: Deployment,
  wanted: (part: PartRecord) => readonly [PartEvent, string] | null,
  now: number,
): DeploymentChange | null {
  const changed = before.parts.flatMap((part) => {
    const found = wanted(part);
    return found === null ? [] : (move(part, found[0], { code: found[1], endedAt: now }) ?? []);
  });
  return settle(before, changed, now);
}

/** Passes over the parts that have not begun on targets to which a newer release goes. */
export const applyNewer = (before: Deployment, targets: ReadonlySet<string>, now: number) =>
  moveParts(
    before,
    (part) => (targets.has(part.target) && !hasBegun(part) ? ['superseded', 'superseded'] : null),
    now,
  );

/** Ends what is still open on a target on which a newer release has begun: its relay will say nothing more of it. */
export const applyOvertaken = (before: Deployment, target: string, now: number) =>
  moveParts(
    before,
    (part) => {
      if (part.target !== target || !isOpen(part)) return null;
      return hasBegun(part) ? ['overtaken', 'interrupted'] : ['superseded', 'superseded'];
    },
    now,
  );

/** Ends what has not begun of an order that trust does not allow any more. */
export const applyDisallowed = (before: Deployment, now: number) =>
  moveParts(before, (part) => (hasBegun(part) ? null : ['disallowed', 'trust_changed']), now);

/** Ends what has not begun of an order whose token expired before its relay saw it. */
export const applyLapsed = (before: Deployment, now: number) =>
  moveParts(before, (part) => (hasBegun(part) ? null : ['disallowed', 'github_token_expired']), now);

/** How far a relay says that it is with a part. */
export function applyProgress(
  before: Deployment,
  relay: string,
  index: number,
  phase: 'staged' | 'activated',
  now: number,
): DeploymentChange | null {
  const part = before.parts[index];
  // Progress is told of what a report finds under way: it opens nothing that has ended.
  if (part === undefined || part.relay !== relay || !isOpen(part)) return null;
  const moved = move(part, phase, { startedAt: part.startedAt ?? now });
  return moved === null ? null : settle(before, [moved], now);
}

/** What a relay's verified receipt makes of a deployment; null when it contradicts what is known already. */
export function applyPartReceipt(before: Deployment, receipt: Receipt, now: number): DeploymentChange | null {
  const part = before.parts[receipt.step];
  if (part === undefined) return null;
  const final = isFinal(receipt.state);
  const moved = move(part, receipt.state, {
    code: receipt.code,
    result: receipt.result,
    receipted: final,
    startedAt: part.startedAt ?? (receipt.state === 'refused' ? null : now),
    endedAt: final ? now : null,
  });
  return moved === null ? null : settle(before, [moved], now);
}

/** How long a part may be at work before another one for its target no longer waits for its end. */
const longestWorkMs = 30 * 60_000;

/** Whether a part is at work on a target, so that the next one is held back. */
export const isAtWork = (part: Pick<PartRecord, 'state' | 'startedAt'>, now: number): boolean =>
  isOpen(part) && part.startedAt !== null && now - part.startedAt < longestWorkMs;
