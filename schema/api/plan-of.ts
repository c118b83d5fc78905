import type { Runbook } from '../manifest/house.ts';
import type { Step } from '../wire/intent.ts';

/** One thing that was asked for, in the order's own sequence. */
export type Item = {
  readonly action: string;
  readonly target: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly evenIfFailed: boolean;
};

/** The steps of a runbook, as items of an order. */
export const itemsOfRunbook = (runbook: Runbook): Item[] =>
  runbook.steps.map(({ action, target, params, even_if_failed }) => ({
    action,
    target,
    params,
    evenIfFailed: even_if_failed,
  }));

/**
 * Whether an intent's steps are a plan of an order: they contain its items in sequence, and beside them nothing
 * but what plans insert, wakes and graceful shutdowns of rivals.
 */
export function isPlanOf(steps: readonly Step[], items: readonly Item[]): boolean {
  const woken = new Set<string>();
  let next = 0;
  // A wake that an earlier step brings already is left out of a plan.
  const passBroughtWakes = (): void => {
    while (items[next]?.action === 'host.wake' && woken.has(items[next]!.target)) next += 1;
  };
  for (const step of steps) {
    passBroughtWakes();
    const item = items[next];
    if (item !== undefined && sameItem(step, item)) next += 1;
    else if (step.action !== 'host.wake' && step.action !== 'guest.shutdown') return false;
    if (step.action === 'host.wake') woken.add(step.target);
  }
  passBroughtWakes();
  return next === items.length;
}

const sameItem = (step: Step, item: Item): boolean =>
  step.action === item.action &&
  step.target === item.target &&
  JSON.stringify(step.params) === JSON.stringify(item.params);
