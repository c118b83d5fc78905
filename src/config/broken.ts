import type { Homelab } from '../../schema/manifest/homelab.ts';
import type { Finding } from './finding.ts';

/**
 * Names of what could not be read, for which a fault of its own is told:
 *
 * - `web`: a machine, a network, an access, an app; `web.units`: a member of one
 * - `homelab.guests`: a section of homelab.yaml, or a member of it that nobody names; `generators.traefik`
 * - `vars.yaml`, `apps/web/motd`: a file; `apps/web/*` where it is any of that folder
 * - `apps/*` where an app is not known whole, `*` where anything is not
 */
export type Broken = ReadonlySet<string>;

/** The findings that do not follow from what could not be read. */
export const standing = (findings: readonly Finding[], broken: Broken): Finding[] =>
  findings.flatMap(({ unless = [], ...finding }) =>
    unless.some((name) => broken.has(name)) ? [] : [finding],
  );

/** Where a machine, a network or such a thing would be, were it read. */
export const unlessNamed = (name: string, ...sections: readonly (keyof Homelab)[]): string[] => [
  name,
  ...sections.map((section) => `homelab.${section}`),
];

/** Where a guest, host or device would be. */
export const unlessMachine = (name: string): string[] => unlessNamed(name, 'guests', 'hosts', 'devices');

/** Where an app would be. */
export const unlessApp = (name: string): string[] => [name, `apps/${name}`, `apps/${name}/app.yaml`];

/** Where a file of an app would be, or the files that a pattern stands for. */
export function unlessFile(app: string, from: string): string[] {
  if (/[*?]|\/$/.test(from)) return [`apps/${app}/*`];
  const parts = `apps/${app}/${from}`.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/')).slice(1);
}

/** What a file is called that the system or a limit kept from being read. */
export function brokenFile(path: string): string[] {
  const app = /^(apps\/[^/]+)\//.exec(path)?.[1];
  return ['*', path, ...(app === undefined ? [] : [`${app}/*`])];
}
