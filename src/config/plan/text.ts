import type { Effect } from '../../../schema/change/units.ts';
import { isEmptyPlan } from './plan.ts';
import type { Plan, PlannedApp, PlannedFile, PlannedTarget } from './planned.ts';

export const effects: readonly Effect[] = ['stop', 'start', 'restart', 'reload', 'untouched'];

/** `restart grafana.service (/etc/opt/grafana/grafana.ini)`, one line an effect and reason. */
export function unitLines({ units }: PlannedApp): string[] {
  return effects
    .flatMap((effect) => units.filter((unit) => unit.effect === effect))
    .map(({ effect, service, because }) => {
      const why = because.length === 0 ? '' : ` (${because.join(', ')})`;
      return `${effect} ${service}${why}`;
    });
}

const signs = { added: '+', changed: '~', removed: '-' } as const;

/** `~ /etc/opt/grafana/grafana.ini`, with what is not seen in a diff. */
export function fileLine({ path, kind, what, after, diff }: PlannedFile): string {
  const notes: string[] = [];
  if (kind === 'added' && after !== undefined) notes.push(`${after.mode} ${after.owner}`);
  if (what === 'attributes' && after !== undefined)
    notes.push(`now ${after.mode} ${after.owner}, ${after.manage}`);
  if (what === 'listing' && after !== undefined)
    notes.push(`listed by ${after.app}, on change ${after.on_change}; the same bytes`);
  if (after?.manage === 'seed') notes.push('written only where it is missing');
  if (diff === null) notes.push('no text');
  return `${signs[kind]} ${path}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`;
}

export const secretLines = ({ secrets }: PlannedApp): string[] =>
  secrets.map(({ name, kind }) => `${signs[kind]} secret ${name}`);

/** What an app is in for, in one word. */
export const fateOf = ({ after, units }: PlannedApp): string => {
  if (after === undefined) return 'goes';
  const all = new Set(units.map(({ effect }) => effect));
  return effects.find((effect) => all.has(effect)) ?? 'changes';
};

/** A target's name, and who brings its part there where no relay does. */
export const targetTitle = ({ target, relay }: PlannedTarget): string =>
  relay === undefined ? `${target} (no relay: its files are put there by hand)` : target;

const plain = (text: string): string => text.replaceAll('`', '');

/** A plan for a terminal: what happens where, then risks, then the diffs. */
export function planText(plan: Plan): string {
  if (isEmptyPlan(plan)) return `Nothing changes: ${plan.after}`;
  const lines: string[] = [];
  for (const planned of plan.targets) {
    const { apps, untouched } = planned;
    lines.push(targetTitle(planned));
    for (const app of apps) {
      lines.push(`  ${app.app}`);
      for (const line of [
        ...unitLines(app),
        ...app.files.map(fileLine),
        ...secretLines(app),
        ...app.settings,
      ]) {
        lines.push(`    ${line}`);
      }
    }
    if (untouched.length > 0) lines.push(`  untouched: ${untouched.join(', ')}`);
  }
  if (plan.facts.length > 0)
    lines.push('', 'Routes, names, access and flows', ...plan.facts.map(({ text }) => `  ${plain(text)}`));
  if (plan.risks.length > 0) lines.push('', 'Risks', ...plan.risks.map(({ text }) => `  ! ${plain(text)}`));
  for (const { target, apps } of plan.targets) {
    for (const { diff } of apps.flatMap(({ files }) => files)) {
      if (typeof diff === 'string') lines.push('', `${target}`, diff.trimEnd());
    }
  }
  lines.push('', `${plan.before ?? 'nothing'} → ${plan.after}`);
  return lines.join('\n');
}
