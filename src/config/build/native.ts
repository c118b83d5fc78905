import type { ReleaseApp } from '../../../schema/wire/release.ts';
import { buildSources } from '../compile/builds.ts';
import { ownerText } from '../compile/certs.ts';
import type { Placed } from '../compile/units.ts';
import type { Flow } from '../home.ts';
import { byText } from '../repo.ts';

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => byText(a.name, b.name);

/**
 * What is installed by the machine itself: packages, files from elsewhere, users.
 *
 * @param digests of files of the repo, by path
 */
export function nativeOf(
  { app, source: { file }, artifacts }: Placed,
  digests: ReadonlyMap<string, string>,
): Pick<ReleaseApp, 'packages' | 'apt' | 'artifacts' | 'users'> {
  return {
    packages: file.packages.map((one) => (typeof one === 'string' ? { name: one } : one)).sort(byName),
    apt: file.apt
      .map(({ key, ...source }) => ({ ...source, key: digests.get(keyPath(app, key))! }))
      .sort(byName),
    artifacts: [...artifacts, ...buildSources(file)]
      .map(({ owner, ...artifact }) => ({ ...artifact, owner: ownerText(owner) }))
      .sort((a, b) => byText(a.to, b.to)),
    users: file.users
      .map(({ uid, gid, home, groups, ...user }) => ({
        ...user,
        ...(uid !== undefined && { uid }),
        ...(gid !== undefined && { gid }),
        ...(home !== undefined && { home }),
        groups: [...groups].sort(byText),
      }))
      .sort(byName),
  };
}

/** Where the key of an apt source is in the repo. */
export const keyPath = (app: string, key: string): string => `apps/${app}/${key}`;

/** What an app is to have for those that use it, by their names. */
export function providedBy(users: readonly Flow[]): Pick<ReleaseApp, 'databases' | 'clients'> {
  return {
    databases: users.flatMap(({ from, postgres }) =>
      postgres === undefined ? [] : [{ ...postgres, for: `${from.app}@${from.target}` }],
    ),
    clients: users.flatMap(({ from, oidc }) =>
      oidc === undefined
        ? []
        : [{ ...oidc, redirect: [...oidc.redirect], for: `${from.app}@${from.target}` }],
    ),
  };
}
