import type { ActionClock } from '../actions/action.ts';
import type { TrustFetch } from './trust-fetch.ts';

const defaultEveryMs = 2_000;
/** A relay that is not admitted for this long asks less often. */
const patientAfterMs = 30 * 60_000;

/** A relay that the owner has not admitted yet asks for newer trust, and for nothing else. */
export async function awaitAdmission(
  deps: {
    admitted(): boolean;
    readonly trustFetch: Pick<TrustFetch, 'fetchFrom'>;
    readonly clock: ActionClock;
    random(): number;
    readonly everyMs: number | undefined;
  },
  signal: AbortSignal,
): Promise<void> {
  const { clock } = deps;
  const beganAt = clock.uptimeMs();
  while (!signal.aborted && !deps.admitted()) {
    const isPatient = clock.uptimeMs() - beganAt > patientAfterMs;
    const pauseMs = (deps.everyMs ?? defaultEveryMs) * (isPatient ? 15 : 1);
    await clock.sleep(pauseMs * (1 + 1.5 * deps.random()), signal);
    if (!signal.aborted) await deps.trustFetch.fetchFrom('controller', signal);
  }
}
