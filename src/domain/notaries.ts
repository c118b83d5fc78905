import { isNotary } from '../../schema/trust/evaluate.ts';
import type { Trust } from '../../schema/trust/read.ts';

/** The relays that trust makes notaries. */
export const notariesOf = (trust: Trust): string[] =>
  Object.keys(trust.document.identities).filter((name) => isNotary(trust, name));
