import type { Clock } from './clock.ts';
import type { TrustFetch } from './trust-fetch.ts';

const defaultAskMs = 2_000;
/** A relay that is not admitted for this long asks less often. */
const patientAfterMs = 30 * 60_000;

/** A relay that the owner has not admitted yet asks for newer trust, and for nothing else. */
export async function awaitAdmission(
  deps: { admitted(): boolean; trustFetch: TrustFetch; clock: Clock; random(): number },
  askEveryMs: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = deps;
  const beganAt = clock.uptimeMs();
  while (!signal.aborted && !deps.admitted()) {
    const isPatient = clock.uptimeMs() - beganAt > patientAfterMs;
    const pauseMs = (askEveryMs ?? defaultAskMs) * (isPatient ? 15 : 1);
    await clock.sleep(pauseMs * (1 + 1.5 * deps.random()), signal);
    if (!signal.aborted) await deps.trustFetch.fetchFrom('controller', signal);
  }
}
