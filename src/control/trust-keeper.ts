import { controllerName } from '../../schema/trust/document.ts';
import { acceptFirstTrust, type Trust } from '../../schema/trust/read.ts';
import type { ControlDeps } from './deps.ts';

/** The trust in force, kept parsed. */
export type TrustKeeper = {
  current(): Promise<Trust | null>;
};

/** Reads the newest version from the store whenever its number is another than the one that is kept. */
export function createTrustKeeper({ store }: Pick<ControlDeps, 'store'>): TrustKeeper {
  let kept: Trust | null = null;
  return {
    current: async () => {
      const newest = await store.trust.newest();
      if (newest === 0) return null;
      if (kept?.document.version === newest) return kept;
      const [row] = await store.trust.after(newest - 1);
      if (row === undefined) throw new Error('the newest trust was there a moment ago');
      const trust = await acceptFirstTrust(row.jws, { digest: row.digest });
      // It was verified before it was stored: whatever this is, going on with it would be wrong.
      if (!trust.ok) throw new Error(`the stored trust does not verify: ${trust.reason}`);
      kept = trust.value;
      return kept;
    },
  };
}

/** Whether a document's controller is the holder of this key. */
export const namesController = (trust: Trust, kid: string): boolean =>
  trust.identities.get(kid)?.name === controllerName;
