import { defineCommand } from '../command.ts';
import { certificateDoubts } from '../deploy/certificate-words.ts';
import { isBlank, reportOf, type Sight, seeTargets } from '../deploy/what-runs.ts';
import { threeWords, type Words, wordsOf } from '../deploy/words.ts';
import { done, exits } from '../outcome.ts';
import { ago, table } from '../text.ts';

/** What of a target is told for sure, and by whom. */
const sourceOf = ({ signed, view }: Sight, now: number): string => {
  if (signed !== null) return `signed ${ago(now - signed.time)}`;
  return view?.report == null ? '' : 'not signed';
};

const isFine = ({ deployed, healthy, synced }: Words): boolean =>
  deployed !== false && healthy !== false && synced !== false;

export const targets = defineCommand({
  name: 'targets',
  summary: 'Say of every target in three words what it is: deployed, healthy, synced',
  usage: '',
  more: [
    'deployed: it runs the part that its newest release has. healthy: all its services run. synced: all its files are as released. A question mark: it is not known. The words are what the target’s relay signed, verified by the trust document on this computer; where no such report is at hand, they are the control plane’s, and the line says so. Certificates of the private CA that end within seven days are told of as well. It exits with 1 where something is not as it should be.',
  ],
  examples: [
    { line: 'writ targets', about: 'a line for each, and why not' },
    { line: 'writ targets --json', about: 'the same for a script' },
  ],
  options: {},
  async run(context) {
    const sights = await seeTargets(context);
    if (!sights.ok) return sights;
    const now = context.now();
    const all = [...sights.value.targets.values()].map((sight) => {
      const doubts = certificateDoubts(reportOf(sight), now);
      return { sight, words: wordsOf(sight), doubts };
    });
    const named = all.filter(({ sight }) => !isBlank(sight));
    const rows = named.map(({ sight, words }) => {
      const drifted = reportOf(sight)?.drifted ?? 0;
      return [
        sight.target,
        threeWords(words),
        drifted > 0 ? `${drifted} differ` : '',
        sight.view?.commit?.slice(0, 12) ?? '',
        sourceOf(sight, now),
      ];
    });
    const lines =
      rows.length === 0 ? ['No release names a target yet: writ deploy'] : table(rows).split('\n');
    const text = named.flatMap(({ words, doubts }, index) => [
      lines[index]!,
      ...[...words.why, ...doubts].map((why) => `    ${why}`),
    ]);
    const json = all.map(({ sight, words }) => ({
      target: sight.target,
      relay: sight.relay,
      ...words,
      drifted: reportOf(sight)?.drifted ?? null,
      part: reportOf(sight)?.part ?? null,
      wanted: sight.view?.wanted ?? null,
      commit: sight.view?.commit ?? null,
      deployment: sight.view?.deployment ?? null,
      state: sight.view?.state ?? null,
      code: sight.view?.code ?? null,
      healthy_at: sight.view?.healthy_at ?? null,
      signed_at: sight.signed?.time ?? null,
      certificates: reportOf(sight)?.certificates ?? [],
    }));
    return done(
      (text.length === 0 ? lines : text).join('\n'),
      { targets: json },
      all.every(({ words, doubts }) => isFine(words) && doubts.length === 0) ? exits.ok : exits.failed,
    );
  },
});
