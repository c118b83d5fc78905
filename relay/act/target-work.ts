import { ok } from '../../schema/result.ts';
import { applyPart, judgeSwitch, type PartEnd, settlePart } from '../actions/apply-part.ts';
import { fetchPart } from '../actions/fetch-part.ts';
import { codeOfReason } from '../actions/release-code.ts';
import { makeIdentity } from '../deploy/identity.ts';
import { createTargetLook } from '../deploy/look-target.ts';
import { type ActOutcome, codeOf } from '../drivers/act-messages.ts';
import type { ActClock } from './act-clock.ts';
import type { TargetWork } from './service.ts';

/** Of the action's time, what an activation gets before it is given up: the rest is for going back. */
const activationMs = 20 * 60_000;

/** Of no part. */
const noPart = '';

/** The engine of activation and its judge, as the helper calls them. */
export function createTargetWork(clock: ActClock): TargetWork {
  return {
    async prepare(given) {
      const { machine, target, relay, part, again, paths, recipients, signal } = given;
      const { blob, progress, watchPath } = given;
      const wanted = await fetchPart({ target, relay, paths, params: { part }, ports: { blob }, signal });
      if (!wanted.ok) return wanted;
      const judged = await judgeSwitch(machine, paths, wanted.value);
      if (!judged.ok) return judged;
      return ok(async () => {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(activationMs)]);
        const end = await applyPart(
          { machine, clock, signal: limit, blob, progress, watchPath, recipients },
          wanted.value,
          again,
        );
        const wasStopped = signal.aborted && end.state === 'failed' && end.code === 'activation_timeout';
        return outcomeOf(wasStopped ? { ...end, code: 'activation_undone' } : end);
      });
    },
    async settle(machine, part) {
      const end = await settlePart(machine, part);
      return end.ok ? ok(outcomeOf(end.value)) : end;
    },
    async look(machine, isQuiet) {
      const lookAgain = createTargetLook(machine);
      let sight = await lookAgain();
      if (isQuiet && sight.ok && sight.value.pending) {
        // Of an order that this helper knows nothing of: it was told anew whom to obey since.
        const settled = await settlePart(machine, noPart);
        if (!settled.ok) return settled;
        sight = await lookAgain();
      }
      if (!sight.ok) return { ...sight, reason: codeOfReason(sight.reason) };
      const { part, drifted, drift } = sight.value;
      // As a guest's, which the relay lets make its own: a target that runs a release may be brought secrets by the next.
      const identity = part === null ? null : await makeIdentity(machine);
      return ok({ report: { part, seen: 'ok', seen_at: clock.now(), drifted, drift: [...drift] }, identity });
    },
  };
}

const outcomeOf = (end: PartEnd): ActOutcome =>
  end.state === 'succeeded'
    ? end
    : {
        ...end,
        code: codeOf(end.code),
        ...(end.detail !== undefined && { detail: end.detail.slice(0, 2000) }),
      };
