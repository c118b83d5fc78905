import type { Home, Route } from '../../home.ts';
import { isForOutside, isTcp } from './access.ts';
import { groups, idOf, type Planned, type Router } from './routers.ts';
import { conditionsRule, hostsRule, isBelow, overlap, priorityOf } from './rules.ts';

/** Above all that an owner can say. */
const firstOfAll = 2 * 1_000_000 + 1;

/**
 * On `public`, what is for home alone is refused where another router's names cover its own: a name that nothing
 * outside has as a whole, and a route that shares its names with one for outside by its conditions. So nothing that is
 * asked for outside goes to a wider route instead.
 *
 * @param outside the names of all routers on `public`
 */
export function refusalsOf(
  home: Home,
  planned: readonly Planned[],
  outside: readonly string[],
): ReadonlyMap<string, Router> {
  const own = new Map(planned.map((one) => [one.route, one]));
  const isOutside = (route: Route): boolean => own.get(route)?.outside ?? isForOutside(home, route);
  const named = new Set(home.routes.filter(isOutside).flatMap(({ hosts }) => hosts));
  const whole = new Set(outside.filter((host) => !host.startsWith('*.')));
  const wildcards = [...new Set(outside)].filter((host) => host.startsWith('*.'));
  const unopened = planned
    .filter((one) => one.outside)
    .flatMap(({ routers }) => [...routers.values()].filter(({ layer }) => layer === 'tcp'))
    .flatMap(({ hosts }) => hosts);
  const isCovered = (host: string): boolean =>
    whole.has(host) ||
    wildcards.some((one) => overlap(host, one)) ||
    (host.startsWith('*.') && outside.some((one) => isBelow(one, host)));
  const refusals = new Map<string, Router>();
  const refuse = (name: string, router: Pick<Router, 'layer' | 'hosts' | 'rule' | 'priority'>): void => {
    const tls = router.layer === 'tcp' ? { passthrough: true } : {};
    refusals.set(name, { ...router, entryPoints: ['public'], middlewares: [], service: '_refused', tls });
  };
  for (const route of home.routes.filter((one) => !isOutside(one))) {
    const hosts = route.hosts.filter(isCovered);
    const hidden = hosts.filter((host) => !host.startsWith('*.') && !named.has(host));
    for (const host of hidden) {
      // A whole name of HTTP goes before all of TCP.
      const rule = hostsRule([host], 'http');
      refuse(`_refused.${host}`, { layer: 'http', hosts: [host], rule, priority: firstOfAll });
    }
    const conditions = conditionsRule(route.when);
    if (conditions.faults.length > 0) continue;
    // What another proxy's route says of the order holds among the names there.
    const isOwn = own.has(route);
    const priority = isOwn ? route.priority : undefined;
    const isUnopened = (host: string): boolean =>
      unopened.some((one) => (isOwn ? overlap(host, one) : isBelow(host, one)));
    for (const [index, some] of groups(hosts.filter((host) => !hidden.includes(host))).entries()) {
      // As TCP it goes before all wildcards of HTTP, the closer ones as well: only where TCP is to be refused.
      const layer = isTcp(route) && some.some(isUnopened) ? 'tcp' : 'http';
      refuse(`_refused.${route.proxy}.${idOf(route)}${index === 0 ? '' : `+${index}`}`, {
        layer,
        hosts: some,
        rule: `${hostsRule(some, layer)}${conditions.rule}`,
        priority: priorityOf(some, route.when, priority) + 1,
      });
    }
  }
  return refusals;
}
