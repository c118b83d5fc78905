import { ok, refuse } from '../../schema/result.ts';
import type { Origin } from '../../schema/trust/document.ts';
import type { WatchPath } from '../drivers/watch-path.ts';
import type { Clock } from './clock.ts';

/** A service that is reloaded, and checks of it by a proxy before it, take some seconds. */
const defaultPatienceMs = 60_000;
const pauseMs = 2_000;

/**
 * Whether a change has cut this host off: what answered before it must answer after it. Each origin of the trust document is
 * tried, the tailnet's address as well as the public name, so that a proxy, a DNS server or a tailnet policy that a
 * release has broken shows, whichever of them carries the name. Silence counts as cut off.
 */
export function createPathWatch(deps: {
  origins(): readonly Origin[];
  readonly clock: Pick<Clock, 'uptimeMs' | 'sleep'>;
  /** Whether an origin answers as the API does, over a new connection, within a few seconds. Never rejects. */
  ask(origin: Origin, signal: AbortSignal): Promise<boolean>;
  /** How long a silent origin is waited for after the change. */
  readonly patienceMs?: number;
}): WatchPath {
  const { clock, ask, patienceMs = defaultPatienceMs } = deps;

  const answering = async (origins: readonly Origin[], signal: AbortSignal): Promise<readonly Origin[]> => {
    const answers = await Promise.all(origins.map((origin) => ask(origin, signal)));
    return origins.filter((_, index) => answers[index]);
  };

  return async (signal) => {
    const before = await answering(deps.origins(), signal);
    return async () => {
      const untilMs = clock.uptimeMs() + patienceMs;
      for (let left = before; ; ) {
        const heard = await answering(left, signal);
        left = left.filter((origin) => !heard.includes(origin));
        const [silent] = left;
        if (silent === undefined) return ok(true);
        if (signal.aborted) return refuse('aborted');
        if (clock.uptimeMs() >= untilMs) return refuse('cut_off', `${silent.url} does not answer any more`);
        await clock.sleep(pauseMs, signal);
      }
    };
  };
}
