import type { Trust } from '../../schema/trust/read.ts';
import { relayKid } from './world.ts';

/** Whether trust makes a relay a notary. */
export function isNotary(trust: Trust, relay: string): boolean {
  const identity = trust.document.identities[relay];
  return identity?.kind === 'relay' && identity.attests !== undefined && relayKid(trust, relay) !== undefined;
}

/** The relays that trust makes notaries. */
export const notariesOf = (trust: Trust): string[] =>
  Object.keys(trust.document.identities).filter((name) => isNotary(trust, name));
