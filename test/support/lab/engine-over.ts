import { type ActivateDeps, type Activation, activate } from '../../../relay/deploy/activate.ts';
import type { Machine } from '../../../relay/machine/machine.ts';
import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { ok, refuse } from '../../../schema/result.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import type { Release } from '../../../schema/wire/release.ts';

/** Activates the part of a machine by the way to it; health is looked at more often than in earnest. */
export async function activateOver(
  machine: Machine,
  release: Release,
  at?: ActivateDeps['at'],
  leaves?: ActivateDeps['leaves'],
): Promise<Activation> {
  const part = release.manifest.parts.find(({ target }) => target === machine.name)!;
  const bytes = toBytes(canonicalJson(part));
  return activate(
    {
      machine,
      clock: {
        uptimeMs: () => performance.now(),
        sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms / 5)),
      },
      signal: new AbortController().signal,
      blob: async (digest) => {
        const found = release.blobs.get(digest);
        return found === undefined ? refuse('blob_missing') : ok(found);
      },
      progress: () => {},
      ...(at && { at }),
      ...(leaves && { leaves }),
    },
    { part, bytes, digest: await digestBytes(bytes) },
  );
}
