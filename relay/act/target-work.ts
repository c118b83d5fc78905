import { ok } from '../../schema/result.ts';
import { applyPart, judgeSwitch, type PartEnd, settlePart } from '../actions/apply-part.ts';
import { fetchPart } from '../actions/fetch-part.ts';
import { codeOfReason } from '../actions/release-code.ts';
import { createTargetLook } from '../deploy/look-target.ts';
import { type ActOutcome, codeOf } from '../drivers/act-messages.ts';
import type { ActClock } from './act-clock.ts';
import type { TargetWork } from './service.ts';

/** Of the action's time, what an activation gets before it is given up: the rest is for going back. */
const activationMs = 20 * 60_000;

/** The engine of activation and its judge, as the helper calls them. */
export function createTargetWork(clock: ActClock): TargetWork {
  return {
    async prepare({ machine, target, relay, part, again, paths, blob, progress, watchPath, signal }) {
      const wanted = await fetchPart({ target, relay, paths, params: { part }, ports: { blob }, signal });
      if (!wanted.ok) return wanted;
      const judged = await judgeSwitch(machine, paths, wanted.value);
      if (!judged.ok) return judged;
      return ok(async () => {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(activationMs)]);
        return outcomeOf(
          await applyPart({ machine, clock, signal: limit, blob, progress, watchPath }, wanted.value, again),
        );
      });
    },
    async settle(machine, part) {
      const end = await settlePart(machine, part);
      return end.ok ? ok(outcomeOf(end.value)) : end;
    },
    async look(machine) {
      const found = await createTargetLook(machine)();
      if (!found.ok) return { ...found, reason: codeOfReason(found.reason) };
      const { part, drifted, drift } = found.value;
      return ok({ part, seen: 'ok', seen_at: clock.now(), drifted, drift });
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
