import { didYouMean } from '../../../schema/near.ts';
import { defineCommand } from '../command.ts';
import { readDesk } from '../deploy/desk.ts';
import { excerptOptions, logOf, openExcerpts, saidLines } from '../deploy/excerpts.ts';
import { formerParts, generationsOf } from '../deploy/former.ts';
import { short } from '../deploy/order-former.ts';
import { outcomesOf } from '../deploy/outcome.ts';
import { codeText } from '../deploy/words.ts';
import { done, exits, fail } from '../outcome.ts';
import { openSession, refreshTrust } from '../session.ts';
import { localTime, table } from '../text.ts';

export const history = defineCommand({
  name: 'history',
  summary: 'Tell what was deployed to a target, and to what it can be rolled back',
  usage: 'TARGET',
  more: [
    'The newest first. The number in front counts parts that came into force there, by the word that the target’s relay signed: 0 is the newest of them, and writ rollback TARGET --to N brings one back. What has no number never ran there, or no relay of trust vouches for it.',
  ],
  examples: [
    { line: 'writ history websvcs', about: 'number, time, commit, part and outcome' },
    { line: 'writ history websvcs --log', about: 'and what it said when the newest failed' },
  ],
  options: excerptOptions,
  async run(context, [target = ''], values) {
    const session = await openSession(context);
    if (!session.ok) return session;
    const trust = await refreshTrust(session.value);
    if (!trust.ok) return trust;
    const { hosts, guests } = trust.value.document.house;
    const names = [...Object.keys(hosts), ...Object.keys(guests)];
    if (!names.includes(target)) {
      return fail(
        exits.usage,
        'target_unknown',
        `There is no host or guest ${target}.${didYouMean(target, names)}`,
      );
    }
    const desk = readDesk(session.value.home.directory);
    if (!desk.ok) return desk;
    const former = await formerParts(session.value, trust.value, desk.value, target);
    if (!former.ok) return former;
    // Of what failed long ago nothing is to be done any more.
    const newest = former.value[0]?.receipt ?? null;
    const opened = await openExcerpts(context, values, [newest], `writ history ${target}`);
    if (!opened.ok) return opened;
    const said = newest === null ? undefined : opened.value.get(newest);
    const generations = generationsOf(former.value);
    const entries = former.value.map((one) => {
      const place = generations.indexOf(one);
      const { outcomes, unproven } = outcomesOf([one]);
      return {
        n: place < 0 ? null : place,
        deployment: one.view.id,
        at: one.view.order.issued_at,
        commit: one.view.order.commit,
        part: one.part,
        end: unproven.length > 0 ? 'unproven' : outcomes[0]!.end,
        code: one.code,
        by: one.view.principal,
        signed: one.receipt?.state ?? null,
        log: one.receipt === newest ? logOf(said) : null,
      };
    });
    const rows = entries.map(({ n, at, commit, part, end, code, by, signed }) => [
      n === null ? '' : String(n),
      localTime(at),
      commit?.slice(0, 12) ?? '',
      short(part),
      `${end}${code === null ? '' : `: ${codeText(code)}`}`,
      by,
      signed === null ? '' : 'signed',
    ]);
    const lines =
      rows.length === 0 ? [`Nothing was deployed to ${target} yet.`] : [table(rows), ...saidLines(said)];
    return done(lines.join('\n'), { target, history: entries });
  },
});
