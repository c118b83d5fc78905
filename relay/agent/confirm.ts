import { ok, type Result, refuse } from '../../schema/result.ts';
import type { Origin } from '../../schema/trust/document.ts';
import type { Clock } from './clock.ts';

/**
 * Whether a change has cut this host off: what answered before it must answer after it. Each origin of the trust document is
 * tried, the tailnet's address as well as the public name, so that a proxy, a DNS server or a tailnet policy that a
 * release has broken shows, whichever of them carries the name.
 */
export type Confirm = {
  /** The origins that answer as the API does, each over a connection of its own. */
  answering(signal: AbortSignal): Promise<readonly Origin[]>;
  /** Waits until all of these answer. Silence is a refusal, which names the first that does not. */
  again(before: readonly Origin[], signal: AbortSignal): Promise<Result<true, 'cut_off' | 'aborted'>>;
};

/** A service that is reloaded, and checks of it by a proxy before it, take some seconds. */
const patienceMs = 60_000;
const pauseMs = 2_000;

export function createConfirm(deps: {
  origins(): readonly Origin[];
  readonly clock: Pick<Clock, 'uptimeMs' | 'sleep'>;
  /** Whether an origin answers as the API does, over a new connection, within a few seconds. Never rejects. */
  ask(origin: Origin, signal: AbortSignal): Promise<boolean>;
  readonly patienceMs?: number;
}): Confirm {
  const { clock, ask } = deps;

  const whichAnswer = async (origins: readonly Origin[], signal: AbortSignal): Promise<readonly Origin[]> => {
    const answers = await Promise.all(origins.map((origin) => ask(origin, signal)));
    return origins.filter((_, index) => answers[index]);
  };

  return {
    answering: (signal) => whichAnswer(deps.origins(), signal),
    async again(before, signal) {
      const untilMs = clock.uptimeMs() + (deps.patienceMs ?? patienceMs);
      for (let left = before; ; ) {
        const heard = await whichAnswer(left, signal);
        left = left.filter((origin) => !heard.includes(origin));
        const [silent] = left;
        if (silent === undefined) return ok(true);
        if (signal.aborted) return refuse('aborted');
        if (clock.uptimeMs() >= untilMs) return refuse('cut_off', `${silent.url} does not answer any more`);
        await clock.sleep(pauseMs, signal);
      }
    },
  };
}
