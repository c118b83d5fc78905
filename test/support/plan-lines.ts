import assert from 'node:assert/strict';
import type { Plan, PlannedFile } from '../../src/config/plan/planned.ts';

/** All files that a plan touches, each with where it is. */
export const plannedFiles = (
  plan: Plan,
): (PlannedFile & { readonly target: string; readonly app: string })[] =>
  plan.targets.flatMap(({ target, apps }) =>
    apps.flatMap(({ app, files }) => files.map((file) => ({ ...file, target, app }))),
  );

/** Lines that a plan adds to a file (`+`) or takes out of it (`-`). */
export function linesIn(plan: Plan, target: string, path: string, sign: '+' | '-'): string[] {
  const file = plannedFiles(plan).find((one) => one.target === target && one.path === path);
  assert.ok(typeof file?.diff === 'string', `${path} on ${target} is in the plan`);
  return file.diff
    .split('\n')
    .filter((line) => line.startsWith(sign) && !line.startsWith(sign.repeat(3)))
    .map((line) => line.slice(1).trim());
}
