import { maxWitnessBytes, type Witness, witnessSchema } from '../../../schema/chain/witness.ts';
import { verifyJws } from '../../../schema/jose/jws.ts';
import { parseStrictJson } from '../../../schema/jose/strict-json.ts';
import { keyOf, nameOfKey } from '../../../schema/trust/evaluate.ts';
import type { Trust } from '../../../schema/trust/read.ts';

/** Lines that look like witnesses and are none of this home. */
export type OddLines = {
  /** By a key that the trust document names for no relay. */
  readonly unknown: number;
  /** The signature or the shape is wrong. */
  readonly forged: number;
  /** Of another home, or in the name of another relay than signed. */
  readonly foreign: number;
};

export type ReadWitnesses = { readonly witnesses: readonly Witness[]; readonly odd: OddLines };

/** Witnesses of ten relays over five years; a topic that anyone may post to must not keep a computer busy for ever. */
export const maxWitnesses = 20_000;

/** What ntfy adds to a message of 4096 bytes is less than as much again, escapes and all. */
const maxLineChars = 16 * 1024;

/**
 * The witnesses in a text: one a line, as it is, as ntfy lists messages (`message`) or as a webhook was given them
 * (`witness`). Other messages are passed over. Null when there are more than `maxWitnesses`.
 */
export async function readWitnesses(trust: Trust, text: string): Promise<ReadWitnesses | null> {
  const found = new Set<string>();
  for (const line of text.split('\n')) {
    const jws = line.length > maxLineChars ? null : candidateIn(line.trim());
    if (jws !== null) found.add(jws);
    if (found.size > maxWitnesses) return null;
  }
  const witnesses: Witness[] = [];
  const odd = { unknown: 0, forged: 0, foreign: 0 };
  for (const jws of found) {
    const verified = await verifyJws('witness', jws, {
      maxBytes: maxWitnessBytes,
      findKey: keyOf(trust, 'relay'),
      schema: witnessSchema,
    });
    if (!verified.ok) {
      odd[verified.reason === 'jws_key_unknown' ? 'unknown' : 'forged'] += 1;
      continue;
    }
    const { payload, key } = verified.value;
    const isOurs = payload.home === trust.document.home && payload.relay === nameOfKey(trust, key.kid);
    if (isOurs) witnesses.push(payload);
    else odd.foreign += 1;
  }
  return { witnesses, odd };
}

const compactJws = /^[\w-]+\.[\w-]+\.[\w-]+$/;

function candidateIn(line: string): string | null {
  if (compactJws.test(line)) return line;
  if (!line.startsWith('{')) return null;
  const json = parseStrictJson(line, { maxBytes: maxLineChars * 4, maxDepth: 8 });
  if (!json.ok || json.value === null || typeof json.value !== 'object' || Array.isArray(json.value))
    return null;
  const { witness, message } = json.value as { readonly witness?: unknown; readonly message?: unknown };
  const text = witness ?? message;
  return typeof text === 'string' && compactJws.test(text.trim()) ? text.trim() : null;
}
