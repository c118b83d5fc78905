import { planSummary } from '../../config/plan/summary.ts';
import { listed } from '../text.ts';
import type { Draft } from './draft.ts';
import type { Ready } from './get-ready.ts';

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** What a deployment would do, and what it leaves as it is, in a few lines. */
export const draftLines = (ready: Ready, draft: Draft): string[] => [
  ...(draft.selection.chosen.length === 0 ? [] : planSummary(draft.plan)),
  ...draftNotes(ready, draft),
];

/** What stands in no plan: what is not known, left out, put there by hand, or stays. */
export function draftNotes({ sights, running }: Ready, { selection, plan }: Draft): string[] {
  const { chosen, leftOut, byHand } = selection;
  const lines: string[] = [];
  const planned = new Set(plan.targets.map(({ target }) => target));
  for (const { target, apps } of chosen) {
    if (apps === null) continue;
    const them = apps.size === 1 ? 'it' : 'them';
    lines.push(
      `${target}: only ${listed([...apps])}; its other apps stay as they run, and what they are told of ${them} as well`,
    );
  }
  const names = chosen.map(({ target }) => target);
  const gone = names.filter((target) => running.unknown.includes(target));
  const unsigned = names.filter((target) => sights.targets.get(target)?.standing == null);
  const known = names.filter((target) => !gone.includes(target) && !unsigned.includes(target));
  lines.push(
    ...about(gone, 'what runs there is no longer kept, so all is shown as new'),
    ...about(unsigned, 'no relay has signed yet what runs there'),
    ...about(
      known.filter((target) => !planned.has(target)),
      'the same as it runs',
    ),
    ...about(
      leftOut.filter(({ why, drifted }) => why === 'runs' && drifted === 0).map(({ target }) => target),
      'runs already',
    ),
  );
  for (const { target, why, deployment, drifted } of leftOut) {
    if (why === 'under_way')
      lines.push(`${target}: on its way already, by ${deployment ?? 'another deployment'}`);
    else if (drifted > 0)
      lines.push(
        `${target}: runs already, and ${counted(drifted, 'thing')} there differ: writ diff ${target}`,
      );
  }
  lines.push(
    ...about(byHand, 'by hand, for no relay brings it there: writ config build --output DIR'),
    ...selection.gone.map(
      (target) =>
        `${target}: runs apps that the release does not have, and keeps them: --only ${target} takes them away`,
    ),
  );
  return lines;
}

const about = (targets: readonly string[], text: string): string[] =>
  targets.length === 0 ? [] : [`${listed(targets)}: ${text}`];

/** The same for `--json`. */
export const draftJson = ({ selection, release, plan, breaches }: Draft, commit: string | null) => ({
  release,
  commit,
  order: selection.chosen.map(({ target, relay, digest, apps }) => ({
    target,
    relay,
    part: digest,
    apps: apps === null ? null : [...apps],
  })),
  left_out: selection.leftOut,
  by_hand: selection.byHand,
  gone: selection.gone,
  breaches,
  plan,
});
