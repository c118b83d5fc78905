import type { Stage } from './stage.ts';

/**
 * One test of the API's contract. All of them play on one instance, in their order, and each leaves it without
 * a command that runs.
 */
export type Case = { readonly name: string; readonly run: (stage: Stage) => Promise<void> };
