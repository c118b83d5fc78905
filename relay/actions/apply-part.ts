import { ok, type Refusal, type Result, refuse } from '../../schema/result.ts';
import { judgeRemoved } from '../../schema/trust/judge-part.ts';
import { type ActivateDeps, type ActivateResult, activate, revertPending } from '../deploy/activate.ts';
import { type ActivationCode, activationCodes } from '../deploy/codes.ts';
import { sealExcerpt } from '../deploy/seal-excerpt.ts';
import { withoutSecretFiles } from '../deploy/secrets/secrets-plan.ts';
import type { Wanted } from '../deploy/stage.ts';
import { readKeptPart, readTargetState } from '../deploy/target-state.ts';
import type { Machine } from '../machine/machine.ts';
import { codeOfReason } from './release-code.ts';

/** What came of a part on its target. Codes are those that docs/errors.md explains. */
export type PartEnd =
  | { readonly state: 'succeeded'; readonly result: ActivateResult }
  /**
   * `back`: what ran before is in force again, as it was. `detail` is for this host's log; `excerpt` is what programs of the
   * target said, encrypted to trust's recipients.
   */
  | {
      readonly state: 'failed';
      readonly code: string;
      readonly detail?: string;
      readonly excerpt?: string;
      readonly back: boolean;
    };

const failed = (
  { reason, detail }: Refusal<ActivationCode>,
  back: boolean,
): Extract<PartEnd, { state: 'failed' }> => ({
  state: 'failed',
  code: codeOfReason(reason),
  back,
  ...(detail !== undefined && { detail }),
});

/** Whether a part may take the place of what is in force on its target: what only that has is removed. */
export async function judgeSwitch(
  machine: Machine,
  granted: readonly string[],
  { part, digest }: Wanted,
): Promise<Result<true, string>> {
  const state = await readTargetState(machine);
  if (!state.ok) return refuse(codeOfReason(state.reason), state.detail);
  const { current } = state.value;
  if (current === null || current === digest) return ok(true);
  const before = await readKeptPart(machine, current);
  if (!before.ok) return refuse(codeOfReason(before.reason), before.detail);
  return judgeRemoved(granted, withoutSecretFiles(before.value), part);
}

/** What these tell is the relay's own words, and not a program's. */
const ownWords: ReadonlySet<ActivationCode> = new Set(['cut_off', 'packages_missing', 'prune_too_much']);

/** Brings a target to a part that was judged. Why it failed is told to nobody but trust's `recipients`. */
export async function applyPart(
  deps: ActivateDeps & { readonly recipients: readonly string[] },
  wanted: Wanted,
  again: boolean,
): Promise<PartEnd> {
  const done = await activate(deps, wanted, again);
  if (done.state === 'succeeded') return done;
  const { code, detail, back } = done;
  const end = failed(ownWords.has(code) ? refuse(code, detail) : refuse(code), back);
  if (detail === undefined || code === 'part_quarantined') return end;
  const excerpt = await sealExcerpt(deps.machine, deps.recipients, detail, deps.signal);
  return excerpt === null ? end : { ...end, excerpt };
}

/** What was counted went with the program that was killed. */
const nothingCounted = { already: false, files: 0, started: 0, restarted: 0, reloaded: 0, stopped: 0 };

/**
 * Puts back what a program that was killed left half done on a target, and says what is true of a part there now. A
 * refusal: the target could not be looked at.
 */
export async function settlePart(machine: Machine, part: string): Promise<Result<PartEnd, string>> {
  const state = await readTargetState(machine);
  if (!state.ok) return refuse(codeOfReason(state.reason), state.detail);
  const { pending, current, quarantined } = state.value;
  if (pending !== null) {
    const back = await revertPending({ machine }, state.value);
    return ok(back.ok ? undone : failed(back, false));
  }
  if (current === part) return ok({ state: 'succeeded', result: nothingCounted });
  const failure = quarantined.find((one) => one.part === part);
  // A guest's word: only what is a code is told.
  return ok(isCode(failure?.code) ? failed(refuse(failure.code), true) : undone);
}

const isCode = (code: string | undefined): code is ActivationCode =>
  code !== undefined && Object.hasOwn(activationCodes, code);

const undone: PartEnd = { state: 'failed', code: 'activation_undone', back: true };
