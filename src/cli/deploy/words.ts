import { codeCard } from '../../../schema/api/codes.ts';
import type { Drift } from '../../../schema/wire/report.ts';
import { isUnseen, reportOf, type Sight } from './what-runs.ts';

/** A target in three words; null: not known. */
export type Words = {
  /** Whether it runs what its newest release says. */
  readonly deployed: boolean | null;
  /** Whether all its services run. */
  readonly healthy: boolean | null;
  /** Whether all its files are as released. */
  readonly synced: boolean | null;
  /** Why not, a clause each. */
  readonly why: readonly string[];
};

/** `service_failed (A service did not start)`, as docs/errors.md explains it. */
export const codeText = (code: string): string => {
  const card = codeCard(code);
  return card === undefined ? code : `${code} (${card.title.toLowerCase()})`;
};

/** What a person should do about a code; nothing for one that is not explained. */
export const todoOf = (code: string): string[] => {
  const card = codeCard(code);
  return card === undefined ? [] : [card.todo];
};

const waiting: Readonly<Record<string, string>> = {
  pending: 'waits for its relay',
  staged: 'is on its way there',
  activated: 'is in force there, and its health is waited for',
  superseded: 'a newer release took its place',
};

/** Says in three words what a target is, by its relay's signed word where there is one. */
export function wordsOf(sight: Sight): Words {
  const { view } = sight;
  const report = reportOf(sight);
  const wanted = view?.wanted ?? null;
  const deployed = wanted === null || report === null || isUnseen(report) ? null : report.part === wanted;
  const looked = lookOf(sight);
  if (deployed !== false) return { deployed, ...looked };
  const { state, code } = view!;
  const reason = code === null ? (waiting[state ?? ''] ?? 'it runs another part') : codeText(code);
  return { deployed, ...looked, why: [reason, ...looked.why] };
}

/** What a look at a target found, whatever it should run. */
export function lookOf(sight: Sight): Omit<Words, 'deployed'> {
  const report = reportOf(sight);
  const unknown = (...why: string[]) => ({ healthy: null, synced: null, why });
  if (report === null) return unknown(`${sight.relay} has not told of it yet`);
  if (report.seen !== 'ok') return unknown(`it cannot be looked at: ${codeText(report.seen)}`);
  if (report.part === null) return unknown();
  const units = report.drift.filter(({ kind }) => kind === 'unit');
  const files = report.drift.filter(({ kind }) => kind === 'file');
  // The list has an end; of what stands behind it nothing is known.
  const isWhole = report.drifted <= report.drift.length;
  const fine = (found: readonly Drift[]): boolean | null =>
    found.length > 0 ? false : isWhole ? true : null;
  const why = [units, files].flatMap((found) => (found.length === 0 ? [] : [driftText(found)]));
  return { healthy: fine(units), synced: fine(files), why };
}

const mostNamed = 3;

/** `a.service is failed, b.service is stopped and 2 more` */
function driftText(found: readonly Drift[]): string {
  const named = found.slice(0, mostNamed).map(({ name, is }) => `${name} ${driftWords[is]}`);
  const more = found.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** What a thing that differs is, behind its name. */
export const driftWords: Readonly<Record<Drift['is'], string>> = {
  missing: 'is missing',
  changed: 'was changed',
  mode: 'has another mode',
  owner: 'has another owner',
  stopped: 'is stopped',
  failed: 'has failed',
};

const word = (name: string, is: boolean | null): string =>
  is === null ? `${name}?` : is ? name : `not ${name}`;

/** `deployed, healthy, not synced` */
export const threeWords = ({ deployed, healthy, synced }: Words): string =>
  [word('deployed', deployed), word('healthy', healthy), word('synced', synced)].join(', ');
