import * as v from 'valibot';
import { nameSchema } from '../../../schema/wire/ids.ts';
import { defineCommand } from '../command.ts';
import { type FormerPart, formerParts } from '../deploy/former.ts';
import { getReady } from '../deploy/get-ready.ts';
import { formerOptions, orderFormer } from '../deploy/order-former.ts';
import { outcomesOf } from '../deploy/outcome.ts';
import { exits, fail } from '../outcome.ts';

export const retry = defineCommand({
  name: 'retry',
  summary: 'Try once more what failed on targets last',
  usage: 'TARGET…',
  more: [
    'A part that failed on a target by its own fault is not tried there again by itself: not by the relay, and not by another deployment of it. This orders the very same part once more, for when the fault was elsewhere, such as an image that was missing in its registry.',
  ],
  examples: [{ line: 'writ retry websvcs --wait', about: 'the part that failed there last' }],
  options: formerOptions,
  async run(context, names, values) {
    const ready = await getReady(context);
    if (!ready.ok) return ready;
    const chosen: FormerPart[] = [];
    for (const target of new Set(names)) {
      if (!v.is(nameSchema, target)) return fail(exits.usage, 'target_unknown', `${target} is no target.`);
      const { session, trust, desk } = ready.value;
      const former = await formerParts(session, trust, desk, target);
      if (!former.ok) return former;
      const [last] = former.value;
      const end = last === undefined ? undefined : outcomesOf([last]).outcomes[0]!.end;
      if (last === undefined || end === 'healthy' || end === 'superseded') {
        return fail(
          exits.refused,
          'nothing_failed',
          `Nothing failed on ${target} last. Nothing was signed. See: writ history ${target}`,
        );
      }
      if (end === 'pending' || end === 'staged' || end === 'activated') {
        return fail(
          exits.refused,
          'under_way',
          `What was ordered for ${target} last is under way: writ deployments ${last.view.id} --wait. Nothing was signed.`,
        );
      }
      chosen.push(last);
    }
    return orderFormer(context, ready.value, chosen, { ...values, again: true, verb: 'Retry' });
  },
});
