import { byText } from '../../repo.ts';
import type { Doubt } from '../generator.ts';
import { isTcp } from './access.ts';
import type { Planned, Router } from './routers.ts';
import { excludeEachOther, isBelow } from './rules.ts';

type Tell = (doubt: Doubt) => void;

/** Routes of one proxy that stand in each other's way. */
export function judgeRivals(planned: readonly Planned[], tell: Tell): void {
  judgeShadows(planned, tell);
  judgeOrder(planned, tell);
}

/**
 * Connections are handed on by name before anything is read in them: a name that TCP has is not HTTP's as well, and a
 * wildcard of TCP takes every wildcard below it. Whole names of HTTP go before wildcards of TCP.
 */
function judgeShadows(planned: readonly Planned[], tell: Tell): void {
  const [tcp, http] = [true, false].map((wanted) => planned.filter(({ route }) => isTcp(route) === wanted));
  for (const one of tcp!) {
    for (const other of http!) {
      const lost = other.route.hosts.find((host) =>
        one.route.hosts.some((wide) => host === wide || (host.startsWith('*.') && isBelow(host, wide))),
      );
      if (lost === undefined) continue;
      tell({
        severity: 'error',
        code: 'route_shadowed',
        message: `${one.route.app} takes ${lost} unopened or as TCP, so that ${other.route.app} does not get it`,
        place: other.route.place,
      });
    }
  }
}

/** Of two routers that are equally high Traefik takes any, and another one after the next change. */
function judgeOrder(planned: readonly Planned[], tell: Tell): void {
  const byHost = new Map<string, { readonly one: Planned; readonly router: Router }[]>();
  for (const one of planned) {
    for (const router of one.routers.values()) {
      for (const host of router.hosts) byHost.set(host, [...(byHost.get(host) ?? []), { one, router }]);
    }
  }
  const wildcards = [...byHost.keys()].filter((host) => host.startsWith('*.'));
  const told = new Set<string>();
  for (const [host, own] of byHost) {
    const wider = wildcards.filter((wildcard) => isBelow(host, wildcard)).flatMap((one) => byHost.get(one)!);
    for (const [index, a] of own.entries()) {
      for (const b of [...own.slice(index + 1), ...wider]) {
        if (a.one === b.one || a.router.layer !== b.router.layer || a.router.priority !== b.router.priority)
          continue;
        if (!a.router.entryPoints.some((point) => b.router.entryPoints.includes(point))) continue;
        if (excludeEachOther(a.one.route.when, b.one.route.when)) continue;
        const names = [a.one.id, b.one.id].sort(byText);
        if (told.has(names.join(' '))) continue;
        told.add(names.join(' '));
        tell({
          severity: 'warning',
          code: 'order_unclear',
          message: `${names.join(' and ')} are equally good for some requests at ${host}, and nothing says which is tried first`,
          suggestion: 'Give one of the routes a priority.',
          place: b.one.route.place,
        });
      }
    }
  }
}
