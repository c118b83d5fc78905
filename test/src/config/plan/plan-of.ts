import assert from 'node:assert/strict';
import { makePlan } from '../../../../src/config/plan/plan.ts';
import type { Plan } from '../../../../src/config/plan/planned.ts';
import { buildTree, smallHome, type Tree } from '../../../support/repo-fixture.ts';

export type Changes = Readonly<Record<string, Tree[string] | undefined>>;

/** The plan from the small home, with what is there before, to the same with changes. */
export async function planOf(changes: Changes, before: Changes = {}): Promise<Plan> {
  const [old, now] = [
    await buildTree(smallHome, before),
    await buildTree(smallHome, { ...before, ...changes }),
  ];
  assert.ok(
    old.release !== undefined && now.release !== undefined,
    JSON.stringify([old.findings, now.findings]),
  );
  return makePlan(old.release, now.release);
}
