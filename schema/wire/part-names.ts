import * as v from 'valibot';
import { digestSchema } from '../jose/digest.ts';
import { parsePayload } from '../jose/jws.ts';
import { ok, type Result, refuse } from '../result.ts';
import { maxBlobBytes } from './limits.ts';

/** As much of a part as tells what it names: whoever only hands it on need not know the rest. */
const namingSchema = v.looseObject({
  target: v.string(),
  relay: v.optional(v.string()),
  files: v.array(v.looseObject({ digest: digestSchema })),
  apps: v.array(
    v.looseObject({
      secrets: v.array(v.looseObject({ digest: v.optional(digestSchema) })),
      apt: v.array(v.looseObject({ key: digestSchema })),
    }),
  ),
});

export type PartNames = {
  readonly target: string;
  readonly relay: string | undefined;
  /** Of its files, age files and keys of packages, each once. */
  readonly digests: readonly string[];
};

/** What a part's bytes name; its shape beyond that is not judged. */
export function namesOfPart(bytes: Uint8Array): Result<PartNames, 'part_malformed'> {
  const parsed = parsePayload(bytes, namingSchema, maxBlobBytes);
  if (!parsed.ok) return refuse('part_malformed', parsed.detail ?? parsed.reason);
  const { target, relay, files, apps } = parsed.value;
  const digests = new Set(files.map(({ digest }) => digest));
  for (const { secrets, apt } of apps) {
    for (const { digest } of secrets) if (digest !== undefined) digests.add(digest);
    for (const { key } of apt) digests.add(key);
  }
  return ok({ target, relay, digests: [...digests] });
}
