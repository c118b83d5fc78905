import { isEmptyPlan } from './plan.ts';
import type { Plan, PlannedTarget } from './planned.ts';
import { fateOf, targetTitle } from './text.ts';

const mostApps = 8;
const mostFacts = 8;

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** `websvcs: restart web, start blog (3 files, 1 secret); untouched: 4 apps` */
function targetLine(planned: PlannedTarget): string {
  const { apps, untouched } = planned;
  const told = apps.slice(0, mostApps).map((app) => `${fateOf(app)} ${app.app}`);
  if (apps.length > mostApps) told.push(`${apps.length - mostApps} more`);
  const files = apps.flatMap((app) => app.files).filter(({ what }) => what !== 'listing').length;
  const secrets = apps.flatMap((app) => app.secrets).length;
  const bytes = [
    ...(files > 0 ? [counted(files, 'file')] : []),
    ...(secrets > 0 ? [counted(secrets, 'secret')] : []),
  ];
  const rest = untouched.length > 0 ? `; untouched: ${counted(untouched.length, 'app')}` : '';
  return `${targetTitle(planned)}: ${told.join(', ')}${bytes.length > 0 ? ` (${bytes.join(', ')})` : ''}${rest}`;
}

const plain = (text: string): string => text.replaceAll('`', '');

/** A plan in a few lines: one a target, what is offered otherwise, and every risk. */
export function planSummary(plan: Plan): string[] {
  if (isEmptyPlan(plan)) return ['Nothing changes.'];
  const { targets, facts, risks } = plan;
  const left = facts.length - mostFacts;
  return [
    ...targets.map(targetLine),
    ...facts.slice(0, mostFacts).map(({ text }) => `  ${plain(text)}`),
    ...(left > 0 ? [`  … and ${left} more of routes, names, access and flows`] : []),
    ...risks.map(({ text }) => `  ! ${plain(text)}`),
  ];
}
