import { verifyJws } from '../../schema/jose/jws.ts';
import { isNotary, keyOf } from '../../schema/trust/evaluate.ts';
import { clockSkewMs, maxAuthorisationBytes } from '../../schema/wire/limits.ts';
import { timeAttestationSchema } from '../../schema/wire/time.ts';
import type { RelayControl } from './control.ts';
import type { ControlDeps } from './deps.ts';
import type { ReleaseDispatch } from './release-dispatch.ts';
import type { TrustKeeper } from './trust-keeper.ts';

/** Takes what notaries say. Relays verify it themselves: here it is only seen that it is worth keeping. */
export function createTimes(
  { store, clock }: ControlDeps,
  keeper: TrustKeeper,
  dispatch: Pick<ReleaseDispatch, 'attested'>,
): RelayControl['times'] {
  return async (relay, times) => {
    const trust = await keeper.current();
    if (trust === null || !isNotary(trust, relay.name)) return;
    for (const text of times) {
      const read = await verifyJws('time', text, {
        maxBytes: maxAuthorisationBytes,
        findKey: keyOf(trust, 'relay', relay.name),
        schema: timeAttestationSchema,
      });
      if (!read.ok) continue;
      const { home, token, seen } = read.value.payload;
      if (home !== trust.document.home || seen > clock.now() + clockSkewMs) continue;
      // One that came too late for the token proves nothing: another notary’s may come.
      await store.deployments.attest(token, text, seen - clockSkewMs);
    }
    dispatch.attested();
  };
}
