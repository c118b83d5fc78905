import type { ReleaseAuthority } from '../../../schema/wire/release.ts';
import { isPermitted } from '../../../schema/x509/names.ts';
import { certificateIn, issuerPath, namesByHost, rootPath } from '../../config/ca/repo-authority.ts';
import { compileHome } from '../../config/compile/compile.ts';
import { readManifest } from '../../config/read/manifest.ts';
import type { RepoFiles } from '../../config/repo.ts';
import { readRepoFrom } from '../build-folder.ts';
import { exits, type Failure, fail } from '../outcome.ts';

/** A repo as far as it is about certificates. */
export type CaRepo = {
  readonly root: string;
  readonly files: RepoFiles;
  /** For whom the intermediate of each host speaks, by the certificates that apps declare. */
  readonly names: ReadonlyMap<string, readonly string[]>;
};

export function openCaRepo(root: string): { ok: true; value: CaRepo } | Failure {
  const read = readRepoFrom(root);
  if (!read.ok) return read;
  const { manifest } = readManifest(read.value);
  if (!manifest.hasHomelab) {
    return fail(
      exits.usage,
      'homelab_missing',
      `There is no homelab.yaml in ${root} that can be read: writ config check. Nothing was done.`,
    );
  }
  const { home, placed } = compileHome(manifest, new Map());
  return { ok: true, value: { root, files: read.value.files, names: namesByHost(home, placed) } };
}

/** What is to be done about the intermediate of a host. */
export type HostState = 'signed' | 'missing' | 'malformed' | 'other_root' | 'names' | 'expires' | 'other_key';

const dayMs = 86_400_000;
/** Apps' certificates live for 30 days, and none of theirs is cut short while so much is left. */
export const renewalMs = 90 * dayMs;

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/**
 * How the intermediate of a host stands.
 *
 * @param root the root's certificate on this computer; null: it has none
 * @param key the public key that its relay has; null: not known
 */
export function stateOf(
  { files, names }: CaRepo,
  host: string,
  { root, key, now }: { readonly root: string | null; readonly key: Uint8Array | null; readonly now: number },
): { readonly state: HostState; readonly expires: number | null; readonly denied: readonly string[] } {
  const found = certificateIn(files, issuerPath(host));
  if (found === undefined) return { state: 'missing', expires: null, denied: [] };
  if (found === null || found.read.permitted === null)
    return { state: 'malformed', expires: null, denied: [] };
  const { spki, permitted, notAfter, issuer } = found.read;
  const denied = (names.get(host) ?? []).filter((name) => !isPermitted(permitted!, name));
  const above = certificateIn(files, rootPath);
  const isRoots = above != null && (root === null || above.pem === root) && same(issuer, above.read.subject);
  const state: HostState = !isRoots
    ? 'other_root'
    : key !== null && !same(spki, key)
      ? 'other_key'
      : denied.length > 0
        ? 'names'
        : notAfter - now < renewalMs
          ? 'expires'
          : 'signed';
  return { state, expires: notAfter, denied: [...new Set(denied)] };
}

/** Whether what a part brings is of the root on this computer: whoever can write to the repo could have put another there. */
export const isOwnRoot = (authority: ReleaseAuthority | undefined, root: string | null): boolean =>
  authority === undefined || authority.root === root;
