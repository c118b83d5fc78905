import { emptyHead } from '../../schema/chain/chain.ts';
import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { type Digest, digestOf, toBytes } from '../../schema/jose/digest.ts';
import { parsePayload } from '../../schema/jose/jws.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { controllerName } from '../../schema/trust/document.ts';
import {
  acceptFirstTrust,
  followTrustChain,
  type Trust,
  type TrustRefusal,
} from '../../schema/trust/read.ts';
import { maxTrustChainBytes } from '../../schema/wire/limits.ts';
import { type TrustChain, type TrustJws, trustChainSchema } from '../../schema/wire/relay-api.ts';
import type { Log } from '../log.ts';
import { type Disk, diskFault } from './disk.ts';
import type { Journal } from './journal.ts';
import type { JournalEntry } from './journal-format.ts';
import { createTurns } from './turns.ts';

/** The trust document in force on this relay. */
export type TrustStore = {
  current(): Trust;
  /**
   * Follows versions, oldest first, from the one in force as far as they hold. What was accepted is in force at
   * once, and kept for the next start if the disk allows. `refusal` is why the first that was not accepted was
   * not; what is not newer is passed over.
   */
  install(versions: readonly TrustJws[]): Promise<{
    readonly changed: boolean;
    readonly refusal: { readonly reason: TrustRefusal; readonly detail?: string } | null;
  }>;
  /** Called after each change; a listener must not throw. */
  onChange(listener: (trust: Trust) => void): void;
};

export type TrustStoreRefusal = TrustRefusal | 'trust_missing' | 'trust_unreadable';

export const trustFile = 'trust.json';

type Deps = { readonly disk: Disk; readonly journal: Journal; readonly log: Log };

const digestOfJws = async (jws: TrustJws): Promise<Digest | null> => {
  const bytes = decodeBase64url(jws.payload);
  return bytes.ok ? digestOf('trust', bytes.value) : null;
};

/**
 * Takes the version with the digest that was told, wherever it stands in a chain, and follows the newer ones.
 * Older ones count for nothing, however well they are signed.
 */
export async function acceptToldTrust(
  versions: readonly TrustJws[],
  digest: Digest,
): Promise<Result<Trust, TrustRefusal>> {
  const found = await followFromTold(versions, digest);
  return found.ok ? ok(found.value.trust) : found;
}

async function followFromTold(versions: readonly TrustJws[], digest: Digest) {
  for (const [at, jws] of versions.entries()) {
    if ((await digestOfJws(jws)) !== digest) continue;
    const told = await acceptFirstTrust(jws, { digest });
    if (!told.ok) return told;
    return ok({ told: told.value, ...(await followTrustChain(told.value, versions.slice(at + 1))) });
  }
  return refuse('trust_digest', 'the document that was told is not among those given');
}

const encodeChain = (versions: readonly TrustJws[]): Uint8Array =>
  toBytes(JSON.stringify({ versions: [...versions] } satisfies TrustChain));

/** Writes the file of the first trust, for enrolment alone. Rejects when the disk does. */
export const writeFirstTrust = (disk: Disk, trust: Trust): Promise<void> =>
  disk.replace(trustFile, encodeChain([trust.jws]));

/** The controller's public key. */
const controllerOf = ({ document }: Trust): string => {
  const controller = document.identities[controllerName];
  return controller?.kind === 'key' ? controller.jwk.x : '';
};

/** Reads the stored trust, which must be the very document that the journal names, or follow it. */
export async function openTrustStore(deps: Deps): Promise<Result<TrustStore, TrustStoreRefusal>> {
  const { disk, journal, log } = deps;
  let file: Uint8Array | null;
  try {
    file = await disk.read(trustFile);
  } catch (error) {
    return refuse('trust_unreadable', diskFault(error));
  }
  if (file === null) return refuse('trust_missing');
  const chain = parsePayload(file, trustChainSchema, maxTrustChainBytes);
  if (!chain.ok) return refuse('trust_malformed', chain.detail ?? chain.reason);
  const found = await followFromTold(chain.value.versions, journal.state.trust.digest);
  if (!found.ok) return found;
  if (found.value.trust.document.home !== journal.state.home) return refuse('trust_home');
  if (found.value.trust.document.version < journal.state.trust.version) return refuse('trust_version');

  const inTurn = createTurns();
  const listeners: ((trust: Trust) => void)[] = [];
  let current = found.value.trust;
  /** The document that the journal names, and those in force after it, which it does not name yet. */
  let kept = found.value.told;
  let unkept = found.value.accepted;

  /**
   * The file first, holding what the journal still names: a crash between the two leaves a readable pair. What
   * the disk did not take is tried again whenever versions are offered.
   */
  const keep = async (): Promise<void> => {
    try {
      await disk.replace(trustFile, encodeChain([kept.jws, ...unkept]));
    } catch (error) {
      log.error('trust_not_kept', { version: current.document.version, fault: diskFault(error) });
      return;
    }
    const entries: JournalEntry[] = [
      { k: 'trust', version: current.document.version, digest: current.digest },
    ];
    // Another control plane has another audit log: what is remembered of the old one's is of no use against it.
    if (controllerOf(kept) !== controllerOf(current)) {
      const { seq, hash } = await emptyHead('audit');
      entries.push({ k: 'audit', seq, hash });
    }
    if (!(await journal.append(entries)).ok) return;
    kept = current;
    unkept = [];
  };

  return ok({
    current: () => current,
    onChange: (listener) => {
      listeners.push(listener);
    },
    install: (versions) =>
      inTurn(async () => {
        const { trust, accepted, refusal } = await followTrustChain(current, versions);
        if (refusal !== null) {
          log.warn('trust_refused', { reason: refusal.reason, version: current.document.version });
        }
        if (accepted.length > 0) {
          current = trust;
          unkept = [...unkept, ...accepted];
          log.info('trust_in_force', { version: trust.document.version });
          for (const listener of listeners) listener(trust);
        }
        if (unkept.length > 0) await keep();
        return { changed: accepted.length > 0, refusal };
      }),
  });
}
