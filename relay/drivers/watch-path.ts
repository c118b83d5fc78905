import type { Result } from '../../schema/result.ts';

/**
 * Notes by which ways this host is reached before anything changes. What is given back waits, after the change, until all of
 * them work again: `cut_off` when one does not in its time. Neither rejects.
 */
export type WatchPath = (signal: AbortSignal) => Promise<() => Promise<Result<true, 'cut_off' | 'aborted'>>>;
