import type { ActionClock } from '../actions/action.ts';

/** After a deadline work is told to end, and has this long to say what is true. */
const graceMs = 30_000;

/**
 * Runs work with a signal that is aborted at its deadline, or when everything stops. Gives `null` when the work
 * does not end soon after that; what it says later is lost. A rejection of the work is passed on.
 */
export async function withDeadline<T>(
  work: (signal: AbortSignal) => Promise<T>,
  options: { readonly clock: ActionClock; readonly ms: number; readonly stop: AbortSignal },
): Promise<T | null> {
  const over = new AbortController();
  const done = new AbortController();
  const abort = (): void => over.abort();
  if (options.stop.aborted) over.abort();
  options.stop.addEventListener('abort', abort);
  const timer = async (): Promise<null> => {
    // A pause that ends with everything leaves nothing that would keep the process from ending.
    await options.clock.sleep(options.ms, over.signal);
    over.abort();
    await options.clock.sleep(graceMs, done.signal);
    return null;
  };
  try {
    return await Promise.race([work(over.signal), timer()]);
  } finally {
    over.abort('done');
    done.abort('done');
    options.stop.removeEventListener('abort', abort);
  }
}
