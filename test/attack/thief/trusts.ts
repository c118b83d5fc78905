import { digestOf } from '../../../schema/jose/digest.ts';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import type { Loot } from './loot.ts';

/** The document that would follow the one in force, as it is apart from its number. */
export function successor({ trust }: Loot): TrustDocument {
  const document = structuredClone(trust);
  document.version += 1;
  return document;
}

/** The same, linked to the version in force as a real one is. */
export async function chained(document: TrustDocument, { versions }: Loot): Promise<TrustDocument> {
  const before = Buffer.from(versions.at(-1)!.payload, 'base64url');
  return { ...document, previous: await digestOf('trust', new Uint8Array(before)) };
}
