import { own } from '../../../schema/wire/record.ts';
import type { ReleaseAuthority } from '../../../schema/wire/release.ts';
import { fromPem } from '../../../schema/x509/pem.ts';
import { type ReadCertificate, readCertificate } from '../../../schema/x509/read-certificate.ts';
import { certOf } from '../compile/certs.ts';
import type { Placed } from '../compile/units.ts';
import type { Home } from '../home.ts';
import { textOrNull } from '../read/text.ts';
import type { RepoFiles } from '../repo.ts';

/** The certificates of the private CA in a repo: its root, and the intermediate of each host. Keys are not there. */
export const rootPath = 'ca/root.pem';
export const issuerPath = (host: string): string => `ca/${host}.pem`;

/** A certificate of a repo; null where the file is none. */
export type InRepo = { readonly pem: string; readonly read: ReadCertificate };

export function certificateIn(files: RepoFiles, path: string): InRepo | null | undefined {
  const bytes = files.get(path);
  if (bytes === undefined) return undefined;
  const text = bytes.length > 4096 ? null : textOrNull(bytes);
  const pem = text?.replaceAll('\r\n', '\n') ?? '';
  const der = fromPem(pem);
  const read = der.ok ? readCertificate(der.value) : der;
  return read.ok ? { pem: pem.endsWith('\n') ? pem : `${pem}\n`, read: read.value } : null;
}

/** What parts of a host's guests bring along; undefined while root or intermediate are not there. */
export function authorityOf(files: RepoFiles, host: string): ReleaseAuthority | undefined {
  const root = certificateIn(files, rootPath);
  const issuer = certificateIn(files, issuerPath(host));
  return root == null || issuer == null ? undefined : { root: root.pem, issuer: issuer.pem };
}

/** The virtual machine that a target is, where it is one: others get no certificates yet. */
export const virtualOf = (home: Home, target: string): Home['guests'][string] | undefined => {
  const guest = own(home.guests, target);
  return guest?.type === 'qemu' ? guest : undefined;
};

/**
 * The names for which the intermediate of each host is to speak: those that apps on its virtual machines declare for their
 * certificates, and of these machines their own names, with all that is below them. Hosts without any are left out.
 */
export function namesByHost(
  home: Home,
  placed: readonly Pick<Placed, 'app' | 'target' | 'source'>[],
): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const { app, target, source } of placed) {
    const guest = virtualOf(home, target);
    if (guest === undefined || source.file.certs.length === 0) continue;
    const all = names.get(guest.host) ?? [];
    all.push(target, `${target}.${home.site.domain}`);
    for (const cert of source.file.certs) all.push(...certOf(home, app, target, cert).names);
    names.set(guest.host, all);
  }
  return new Map([...names].sort(([a], [b]) => (a < b ? -1 : 1)));
}
