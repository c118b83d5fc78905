import { didYouMean } from '../../../../schema/near.ts';
import type { Home, Route, Target } from '../../home.ts';
import type { Doubt } from '../generator.ts';
import { type Guards, isTcp } from './access.ts';
import type { TraefikOptions } from './options.ts';
import { conditionsRule, hostsRule, priorityOf } from './rules.ts';

type Tell = (doubt: Doubt) => void;

/** What becomes one router of Traefik. */
export type Router = {
  readonly layer: 'http' | 'tcp';
  readonly hosts: readonly string[];
  readonly rule: string;
  readonly priority: number;
  readonly entryPoints: readonly string[];
  readonly middlewares: readonly string[];
  readonly service: string;
  readonly tls: Readonly<Record<string, unknown>>;
};

/** A route with all that its routers have in common. */
export type Planned = {
  readonly route: Route;
  readonly id: string;
  /** Whether it may be on the entry point `public`. */
  readonly outside: boolean;
  readonly routers: ReadonlyMap<string, Router>;
};

/** A name for what a route becomes; `_` and `.` are in no name of an app, a route or a machine. */
export const idOf = ({ app, name, target, proxy }: Route): string =>
  `${app}${name === app ? '' : `_${name}`}${target === proxy ? '' : `.${target}`}`;

/** The certificate of names: the proxy's own, or one that a resolver gets. */
export function tlsOf(hosts: readonly string[], resolver: string | undefined): Router['tls'] {
  const wildcards = hosts.filter((host) => host.startsWith('*.'));
  if (resolver === undefined) return {};
  return {
    certResolver: resolver,
    // From a rule alone it reads whole names.
    ...(wildcards.length > 0 && { domains: hosts.map((main) => ({ main })) }),
  };
}

/** The routers of the routes that this proxy answers. A route that cannot be written is told, and has none. */
export function planRoutes(
  home: Home,
  target: Target,
  options: TraefikOptions,
  guards: Guards,
  tell: Tell,
): Planned[] {
  return home.routes
    .filter(({ proxy }) => proxy === target.name)
    .map((route) => {
      const id = idOf(route);
      const nothing = { route, id, outside: false, routers: new Map() };
      const guard = guards.guardOf(route);
      const entryPoints = entryPointsOf(route, guard?.fromNetworks === true, options, tell);
      const conditions = conditionsRule(route.when);
      const faults = [...conditions.faults, ...faultsOf(route, options)];
      for (const fault of faults) {
        tell({
          severity: 'error',
          code: 'proxy_value',
          message: `${route.app}: ${fault}`,
          place: route.place,
        });
      }
      if (guard === null || faults.length > 0) return nothing;
      const layer = isTcp(route) ? 'tcp' : 'http';
      const resolver = route.resolver ?? Object.keys(options.resolvers)[0];
      const routers = new Map<string, Router>();
      for (const hosts of groups(route.hosts)) {
        const name = routers.size === 0 ? id : `${id}+${hosts[0]!.slice(2)}`;
        routers.set(name, {
          layer,
          hosts,
          rule: `${hostsRule(hosts, layer)}${conditions.rule}`,
          priority: priorityOf(hosts, route.when, route.priority),
          entryPoints,
          middlewares: [...guard.middlewares, ...route.middlewares],
          service: route.service ?? id,
          tls: route.passthrough ? { passthrough: true } : tlsOf(hosts, resolver),
        });
      }
      return { route, id, outside: entryPoints.includes('public'), routers };
    });
}

/** Whole names together, each wildcard by itself: they are tried in another order. */
export function groups(hosts: readonly string[]): string[][] {
  const whole = hosts.filter((host) => !host.startsWith('*.'));
  return [
    ...(whole.length > 0 ? [whole] : []),
    ...hosts.filter((host) => host.startsWith('*.')).map((host) => [host]),
  ];
}

function entryPointsOf(
  route: Route,
  fromNetworks: boolean,
  options: TraefikOptions,
  tell: Tell,
): readonly string[] {
  const { app, place } = route;
  const known = ['http', 'home', 'public', ...Object.keys(options.entry_points)];
  const given = route.entry_points ?? (route.public ? ['home', 'public'] : ['home']);
  for (const name of given.filter((one) => !known.includes(one))) {
    tell({
      severity: 'error',
      code: 'unknown_entry_point',
      message: `${app}: Traefik is given no entry point ${name}`,
      suggestion: `${didYouMean(name, known)} Name it in the option entry_points.`.trim(),
      place,
    });
  }
  const points = given.filter((one) => known.includes(one));
  if (!points.includes('public')) return points;
  if (!route.public) {
    const message = `${app} is for home alone, and its entry_points put it where the public machine reaches it`;
    tell({ severity: 'warning', code: 'home_only_exposed', message, place });
  }
  if (!fromNetworks) return points;
  tell({
    severity: 'warning',
    code: 'access_from_outside',
    message: `${app} is public, and its access ${route.access} holds from some networks alone: from outside nobody passes, because there the public machine says where a connection comes from`,
    place,
  });
  return points.filter((one) => one !== 'public');
}

const plainName = /^[A-Za-z0-9][A-Za-z0-9_.+-]*(@[a-z0-9-]+)?$/;

/** What a route names of the proxy's own, and what TCP cannot carry. */
function faultsOf(route: Route, options: TraefikOptions): string[] {
  const faults: string[] = [];
  const layer = isTcp(route) ? 'tcp' : 'http';
  const extra = (key: string): string[] =>
    Object.keys((options.extra[layer]?.[key] as object | undefined) ?? {});
  const name = (what: string, text: string, known: readonly string[]): void => {
    // What another provider has is known to Traefik alone.
    if (plainName.test(text) && (text.includes('@') || known.includes(text))) return;
    faults.push(`there is no ${what} ${text} in the options of Traefik.${didYouMean(text, known)}`);
  };
  const middlewares = layer === 'http' ? Object.keys(options.middlewares) : [];
  for (const one of route.middlewares) name('middleware', one, [...middlewares, ...extra('middlewares')]);
  if (route.transport !== undefined) {
    const transports = layer === 'http' ? Object.keys(options.transports) : [];
    name('transport', route.transport, [...transports, ...extra('serversTransports')]);
  }
  if (route.service !== undefined) name('service', route.service, extra('services'));
  if (route.resolver !== undefined) name('resolver', route.resolver, Object.keys(options.resolvers));
  if (layer === 'tcp' && route.when !== undefined) faults.push('a route that is not HTTP has no conditions');
  return faults;
}
