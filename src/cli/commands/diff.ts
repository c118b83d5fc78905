import { didYouMean } from '../../../schema/near.ts';
import { defineCommand } from '../command.ts';
import { isBlank, reportOf, type Sight, seeTargets } from '../deploy/what-runs.ts';
import { codeText, driftWords } from '../deploy/words.ts';
import { done, exits, fail } from '../outcome.ts';
import { ago, table } from '../text.ts';

/** What is told of one target, in lines; `known` is false where nobody could look. */
function told(sight: Sight, now: number): { lines: string[]; known: boolean } {
  const { target, relay, signed } = sight;
  const report = reportOf(sight);
  if (report === null) return { lines: [`${target}: ${relay} has not told of it yet`], known: false };
  const by = signed === null ? ', by the control plane’s word alone' : '';
  const when = report.seen_at === 0 ? 'never' : ago(now - report.seen_at);
  if (report.seen !== 'ok') {
    const line = `${target}: it cannot be looked at: ${codeText(report.seen)}; last seen ${when}${by}`;
    return { lines: [line], known: false };
  }
  if (report.part === null) return { lines: [`${target}: nothing of a release is there`], known: true };
  if (report.drifted === 0) return { lines: [`${target}: as released, seen ${when}${by}`], known: true };
  const rows = report.drift.map(({ kind, name, is }) => [`  ${kind}`, name, driftWords[is]]);
  const more = report.drifted - report.drift.length;
  return {
    lines: [
      `${target}: ${report.drifted} differ${report.drifted === 1 ? 's' : ''} from its release, seen ${when}${by}`,
      ...(rows.length > 0 ? table(rows).split('\n') : []),
      ...(more > 0 ? [`  and ${more} more`] : []),
    ],
    known: true,
  };
}

export const diff = defineCommand({
  name: 'diff',
  summary: 'Say what on the targets is not as it was released, by file and unit',
  usage: '[TARGET]',
  more: [
    'What relays find when they compare a target with the part in force there, each as it signed it. Contents are not told: they never leave a target. writ deploy --again puts back what differs. It exits with 1 where something differs, and with 5 where the target that was named is not known.',
  ],
  examples: [
    { line: 'writ diff', about: 'every target' },
    { line: 'writ diff websvcs --json', about: 'one, for a script' },
  ],
  options: {},
  async run(context, [name]) {
    const sights = await seeTargets(context);
    if (!sights.ok) return sights;
    const { targets } = sights.value;
    if (name !== undefined && !targets.has(name)) {
      return fail(
        exits.usage,
        'target_unknown',
        `No release and no report names a target ${name}.${didYouMean(name, targets.keys())}`,
      );
    }
    const now = context.now();
    const chosen = [...targets.values()].filter((sight) =>
      name === undefined ? !isBlank(sight) : sight.target === name,
    );
    const all = chosen.map((sight) => told(sight, now));
    const json = chosen.map((sight) => {
      const report = reportOf(sight);
      return {
        target: sight.target,
        part: report?.part ?? null,
        seen: report?.seen ?? null,
        seen_at: report?.seen_at ?? null,
        drifted: report?.drifted ?? null,
        drift: report?.drift ?? [],
        signed_at: sight.signed?.time ?? null,
      };
    });
    const differs = chosen.some((sight) => (reportOf(sight)?.drifted ?? 0) > 0);
    const exit = differs ? exits.failed : name !== undefined && !all[0]!.known ? exits.unconfirmed : exits.ok;
    const none = 'No release names a target yet: writ deploy';
    const text = all.length === 0 ? none : all.flatMap(({ lines }) => lines).join('\n');
    return done(text, { targets: json }, exit);
  },
});
