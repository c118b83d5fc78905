import { isStraight } from '../../compile/ingress.ts';
import { machineOf } from '../../compile/routes.ts';
import type { Home, HomeGuest, HomeHost, Route } from '../../home.ts';
import type { HeadscaleOptions } from './options.ts';

/** What a machine is on the tailnet, and by which it is tagged. */
export type Role = 'edge' | 'host' | 'guest';
export const roles: readonly Role[] = ['edge', 'host', 'guest'];

export type Roles = {
  /** Hosts and guests by what they are. */
  machinesOf(role: Role): readonly (HomeHost | HomeGuest)[];
  /** The role of a machine; undefined of a device, which is not on the tailnet. */
  roleOf(name: string): Role | undefined;
  /** `tag:edge` */
  tagOf(role: Role | 'router'): string;
  /** Roles of the machines whose proxies answer for the routes, the public machine's own apart. */
  proxiesOf(isWanted: (route: Route) => boolean): readonly Role[];
};

/** Who is who on the tailnet. */
export function makeRoles(home: Home, { tags }: HeadscaleOptions): Roles {
  const { edges } = home.ingress;
  const roleOf: Roles['roleOf'] = (name) => {
    if (edges.includes(name)) return 'edge';
    const kind = machineOf(home, name)?.kind;
    return kind === 'host' || kind === 'guest' ? kind : undefined;
  };
  const all = [...Object.values(home.hosts), ...Object.values(home.guests)];
  return {
    roleOf,
    machinesOf: (role) => all.filter(({ name }) => roleOf(name) === role),
    tagOf: (role) => `tag:${tags[role]}`,
    proxiesOf: (isWanted) => {
      const found = new Set(
        home.routes
          .filter((route) => isWanted(route) && !isStraight(route.proxy, route))
          .map(({ proxy }) => roleOf(proxy)),
      );
      return roles.filter((role) => role !== 'edge' && found.has(role));
    },
  };
}
