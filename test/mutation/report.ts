import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Judged } from './engine.ts';
import { seed } from './messages.ts';
import type { Mutant } from './mutators.ts';
import { type Survivor, survivors } from './survivors.ts';

/** Below this share of noticed mutants the run fails. */
const neededPercent = 95;

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
const shorten = (text: string): string => (text.length > 90 ? `${text.slice(0, 87)}…` : text);

/** `line 12, boundary: < → <=`. */
export const describeMutant = ({ line, mutator, before, after }: Mutant): string =>
  `line ${line}, ${mutator}: ${shorten(oneLine(before))} → ${shorten(oneLine(after)) || '(nothing)'}`;

/** The line of the source that a mutant is on, without its indentation. */
export const lineOf = (root: string, { path, line }: Pick<Mutant, 'path' | 'line'>): string =>
  readFileSync(join(root, path), 'utf8').split('\n')[line - 1]!.trim();

/** Whether an explanation is of this very mutant. */
export const explains = (root: string, survivor: Survivor, mutant: Mutant): boolean =>
  survivor.path === mutant.path &&
  survivor.changes.some(
    ([before, after]) => before === oneLine(mutant.before) && after === oneLine(mutant.after),
  ) &&
  survivor.line === lineOf(root, mutant);

/**
 * Prints the score and what is not explained. True when the score is reached, each survivor has its reason, and
 * (of a whole run) nothing is explained that does not survive.
 */
export function report(of: {
  readonly root: string;
  readonly judged: readonly Judged[];
  readonly minutes: number;
  readonly isWhole: boolean;
}): boolean {
  const { root, minutes, isWhole } = of;
  const judged = of.judged.toSorted((a, b) => a.mutant.start - b.mutant.start);
  for (const path of new Set(judged.map(({ mutant }) => mutant.path).sort())) {
    const own = judged.filter(({ mutant }) => mutant.path === path);
    const noticed = own.filter(({ verdict }) => verdict.by !== null);
    console.log(`${path}: ${noticed.length} of ${own.length}`);
  }
  const alive = judged.filter(({ verdict }) => verdict.by === null).map(({ mutant }) => mutant);
  const counted = (how: string): number => judged.filter(({ verdict }) => verdict.by === how).length;
  const unexplained = alive.filter(
    (mutant) => !survivors.some((survivor) => explains(root, survivor, mutant)),
  );
  const idle = survivors
    .flatMap((survivor) => survivor.changes.map((change) => ({ ...survivor, changes: [change] })))
    .filter((survivor) => isWhole && !alive.some((mutant) => explains(root, survivor, mutant)));
  const percent = ((judged.length - alive.length) / judged.length) * 100;
  console.log(`\nscore ${percent.toFixed(2)} % (needed: ${neededPercent} %)`);
  console.log(
    `${judged.length} mutants: ${judged.length - alive.length} noticed (${counted('timeout')} by taking too long, ${counted('broken')} by not loading), ${alive.length} survived`,
  );
  console.log(`${alive.length - unexplained.length} survivors explained in test/mutation/survivors.ts`);
  console.log(`${minutes.toFixed(1)} minutes, seed ${seed}`);
  if (unexplained.length > 0) {
    console.log('\nWithout an explanation:');
    for (const mutant of unexplained) console.log(`  ${mutant.path} ${describeMutant(mutant)}`);
  }
  if (idle.length > 0) {
    console.log('\nExplained, but noticed or gone:');
    for (const { path, line, changes } of idle) {
      console.log(`  ${path}: ${line}: ${changes.map((change) => change.join(' → '))}`);
    }
  }
  return percent >= neededPercent && unexplained.length === 0 && idle.length === 0;
}
