import { maxIntentLifetimeMs } from '../wire/limits.ts';
import { actionOf } from './index.ts';

/** Each further step may take its turn: this much is added to the longest lifetime of a plan's actions. */
const lifetimeOfFurtherStepMs = 5 * 60_000;

/** How long an intent of these steps lives, in ms: what its planner gives it, and its signer allows. */
export function lifetimeOf(steps: readonly { readonly action: string }[]): number {
  const longest = Math.max(...steps.map((step) => actionOf(step.action)?.lifetimeMs ?? 0));
  return Math.min(longest + (steps.length - 1) * lifetimeOfFurtherStepMs, maxIntentLifetimeMs);
}
