import { toBytes } from '../../schema/jose/digest.ts';
import type { Result } from '../../schema/result.ts';
import type { TrustDocument } from '../../schema/trust/document.ts';
import { releasableTargets } from '../../schema/trust/evaluate.ts';
import { own } from '../../schema/wire/record.ts';
import type { ReleaseAuthority, ReleaseCert } from '../../schema/wire/release.ts';
import {
  type LeafCode,
  type LeafIssuer,
  makeLeafKey,
  openIssuer,
  publicKeyOf,
} from '../deploy/leaves/leaf-issuer.ts';
import type { Log } from '../log.ts';
import type { Clock } from './clock.ts';
import { type Disk, diskFault } from './disk.ts';

/** Readable by the relay's user alone; it never leaves this host. */
export const authorityKeyFile = 'authority.pem';

/** This host's part of the private CA: a key that the owner's root signs an intermediate for. */
export type Authority = {
  /** The public key, for reports; null where it cannot be used, and where no guest of this relay carries releases. */
  tellKey(document: TrustDocument, relay: string): string | null;
  /** Opens what a release says of it, for these certificates. */
  open(
    authority: ReleaseAuthority | null,
    certs: readonly ReleaseCert[],
  ): Promise<Result<LeafIssuer, LeafCode>>;
};

/** Reads this relay's key, or makes it. One that cannot be used does not keep a relay from its other work. */
export async function openAuthority(deps: {
  readonly disk: Disk;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}): Promise<Authority> {
  const key = await readKey(deps.disk).catch((error: unknown) => ({ fault: diskFault(error) }));
  if (typeof key === 'object') deps.log.error('authority_key_unfit', { fault: key.fault });
  const pem = typeof key === 'string' ? key : null;
  const publicKey = pem === null ? null : publicKeyOf(pem);
  return {
    tellKey(document, relay) {
      const isVirtual = (name: string): boolean => own(document.house.guests, name)?.kind === 'qemu';
      return releasableTargets(document, relay).some(isVirtual) ? publicKey : null;
    },
    open: (authority, certs) => openIssuer(authority, pem, certs, deps.clock.now()),
  };
}

async function readKey(disk: Disk): Promise<string | { readonly fault: string }> {
  const bytes = await disk.read(authorityKeyFile);
  if (bytes === null) {
    const { pem } = makeLeafKey();
    await disk.replace(authorityKeyFile, toBytes(pem));
    return pem;
  }
  if (await disk.exposed(authorityKeyFile)) return { fault: 'exposed' };
  const pem = new TextDecoder().decode(bytes);
  try {
    publicKeyOf(pem);
    return pem;
  } catch {
    return { fault: 'malformed' };
  }
}
