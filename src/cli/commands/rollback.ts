import * as v from 'valibot';
import { nameSchema } from '../../../schema/wire/ids.ts';
import { defineCommand } from '../command.ts';
import { type FormerPart, formerParts, generationsOf } from '../deploy/former.ts';
import { getReady } from '../deploy/get-ready.ts';
import { formerOptions, orderFormer } from '../deploy/order-former.ts';
import { runningPart } from '../deploy/what-runs.ts';
import { exits, fail } from '../outcome.ts';

export const rollback = defineCommand({
  name: 'rollback',
  summary: 'Bring back what ran on targets before, as a release of its own',
  usage: 'TARGET…',
  more: [
    'Without --to, the newest part that came into force there and is not the one that runs; with it, the one that writ history TARGET numbers so. It is an order like any other, with a number above all before it: what was newer does not come back by itself. Only parts are taken that the target’s own relay, or this computer, has signed for.',
  ],
  examples: [
    { line: 'writ rollback websvcs --wait', about: 'to what ran there before' },
    { line: 'writ rollback websvcs secsvcs', about: 'two targets at once' },
    { line: 'writ rollback websvcs --to 3', about: 'to number 3 of writ history websvcs' },
  ],
  options: {
    ...formerOptions,
    to: { type: 'text', value: 'N', about: 'the number that writ history has' },
  },
  async run(context, names, { to, ...values }) {
    if (to !== undefined && !/^\d{1,4}$/.test(to))
      return fail(exits.usage, 'usage', '--to is a number of writ history TARGET, such as 1.');
    const ready = await getReady(context);
    if (!ready.ok) return ready;
    const { session, trust, desk, sights } = ready.value;
    const chosen: FormerPart[] = [];
    for (const target of new Set(names)) {
      if (!v.is(nameSchema, target)) return fail(exits.usage, 'target_unknown', `${target} is no target.`);
      const former = await formerParts(session, trust, desk, target);
      if (!former.ok) return former;
      const generations = generationsOf(former.value);
      const runs = runningPart(sights.targets.get(target));
      const found =
        to === undefined ? generations.find(({ part }) => part !== runs) : generations[Number(to)];
      if (found === undefined) {
        return fail(
          exits.refused,
          'nothing_before',
          to === undefined
            ? `No relay has signed that another part ever ran on ${target} than the one that runs. Nothing was signed. See: writ history ${target}`
            : `${target} has no number ${to}. Nothing was signed. See: writ history ${target}`,
        );
      }
      chosen.push(found);
    }
    return orderFormer(context, ready.value, chosen, { ...values, again: false, verb: 'Roll back' });
  },
});
