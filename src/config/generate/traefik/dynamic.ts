import { own } from '../../../../schema/wire/record.ts';
import { machineOf } from '../../compile/routes.ts';
import type { Home, Route, Target } from '../../home.ts';
import type { Doubt } from '../generator.ts';
import { mergeOver } from '../shared/merge.ts';
import { isForOutside, isTcp, makeGuards } from './access.ts';
import type { TraefikOptions } from './options.ts';
import { refusalsOf } from './refusals.ts';
import { judgeRivals } from './rivals.ts';
import { type Planned, planRoutes, type Router, tlsOf } from './routers.ts';
import { hostsRule, wakingPriorityOf } from './rules.ts';

type Tell = (doubt: Doubt) => void;
type Tree = Readonly<Record<string, unknown>>;

/** Everything of the file provider for one proxy, as Traefik's own tree. */
export function makeDynamic(home: Home, target: Target, options: TraefikOptions, tell: Tell): Tree {
  const guards = makeGuards(home, target, options, tell);
  const planned = planRoutes(home, target, options, guards, tell);
  judgeRivals(planned, tell);
  const waking = wakingOf(home, target, planned, tell);
  const routers = new Map<string, Router>();
  for (const one of planned) for (const [name, router] of one.routers) routers.set(name, router);
  if (waking !== undefined) {
    for (const [name, router] of wakingRouters(home, target, waking, options)) routers.set(name, router);
  }
  const outside = [...routers.values()]
    .filter(({ entryPoints }) => entryPoints.includes('public'))
    .flatMap(({ hosts }) => hosts);
  const refusals = refusalsOf(home, planned, outside);
  for (const [name, refusal] of refusals) routers.set(name, refusal);
  judgeCertificates(routers, options, tell);

  const services = new Map<string, Tree>();
  const tcpServices = new Map<string, Tree>();
  for (const { route, id, routers: own_routers } of planned) {
    if (route.upstream === undefined || own_routers.size === 0) continue;
    if (isTcp(route)) {
      tcpServices.set(id, tcpService(route));
      continue;
    }
    const awake = { loadBalancer: balancer(route) };
    const health = waking === undefined ? undefined : healthOf(home, target, route, options, tell);
    if (waking === undefined || health === undefined || waking.route === route) services.set(id, awake);
    else {
      services.set(`_awake.${id}`, { loadBalancer: { ...awake.loadBalancer, healthCheck: health } });
      services.set(id, { failover: { service: `_awake.${id}`, fallback: serviceOf(waking) } });
    }
  }
  // Without a server Traefik answers 503 itself, and closes connections of TCP.
  const nobody = { loadBalancer: { servers: [] } };
  for (const { layer } of refusals.values())
    (layer === 'tcp' ? tcpServices : services).set('_refused', nobody);

  const tree = {
    http: {
      routers: routersOf(routers, 'http'),
      services: Object.fromEntries(services),
      middlewares: { ...Object.fromEntries(guards.http), ...options.middlewares },
      serversTransports: options.transports,
    },
    tcp: {
      routers: routersOf(routers, 'tcp'),
      services: Object.fromEntries(tcpServices),
      middlewares: Object.fromEntries(guards.tcp),
    },
    tls: {
      options: mergeOver({ default: { minVersion: 'VersionTLS12', sniStrict: true } }, options.tls_options),
    },
  };
  return withoutEmpty(mergeOver(tree, options.extra));
}

const routersOf = (all: ReadonlyMap<string, Router>, layer: Router['layer']): Tree =>
  Object.fromEntries(
    [...all]
      .filter(([, router]) => router.layer === layer)
      .map(([name, { rule, priority, entryPoints, middlewares, service, tls }]) => [
        name,
        { entryPoints, rule, priority, ...(middlewares.length > 0 && { middlewares }), service, tls },
      ]),
  );

function balancer({ scheme, upstream, transport }: Route): Tree {
  return {
    servers: [{ url: `${scheme}://${upstream!.host}:${upstream!.port}` }],
    ...(transport !== undefined && { serversTransport: transport }),
  };
}

const tcpService = ({ upstream, transport }: Route): Tree => ({
  loadBalancer: {
    servers: [{ address: `${upstream!.host}:${upstream!.port}` }],
    ...(transport !== undefined && { serversTransport: transport }),
  },
});

const serviceOf = ({ route, id }: Planned): string => route.service ?? id;

/** The route of this proxy that answers for what sleeps. */
function wakingOf(home: Home, target: Target, planned: readonly Planned[], tell: Tell): Planned | undefined {
  const { waking } = home.ingress;
  const found = planned.find(({ route }) => route === waking);
  if (waking === undefined || waking.proxy !== target.name || found === undefined) return undefined;
  const access = waking.access === undefined ? undefined : own(home.access, waking.access);
  const isOpen =
    waking.access === undefined ||
    (access?.policy === 'bypass' && access.groups.length === 0 && access.from.length === 0);
  if (isOpen && !isTcp(waking) && waking.when === undefined) return found;
  tell({
    severity: 'error',
    code: 'waking_unfit',
    message: `${waking.app} answers at the names of whatever sleeps, for anybody: it is HTTP, without access and conditions`,
    place: waking.place,
  });
  return undefined;
}

/** Public names whose own proxy is another machine, which may be off. */
function wakingRouters(
  home: Home,
  target: Target,
  waking: Planned,
  options: TraefikOptions,
): Map<string, Router> {
  const routers = new Map<string, Router>();
  const known = waking.routers.values().next().value;
  if (known === undefined) return routers;
  const elsewhere = home.routes.filter(
    (route) => route.proxy !== target.name && route.may_sleep && isForOutside(home, route),
  );
  for (const host of new Set(elsewhere.flatMap(({ hosts }) => hosts))) {
    routers.set(`_waking.${host}`, {
      layer: 'http',
      hosts: [host],
      rule: hostsRule([host], 'http'),
      priority: wakingPriorityOf(host),
      entryPoints: ['home', 'public'],
      middlewares: known.middlewares,
      service: known.service,
      tls: tlsOf([host], Object.keys(options.resolvers)[0]),
    });
  }
  return routers;
}

/** How Traefik finds out that an app sleeps, where its machine may and this one does not. */
function healthOf(
  home: Home,
  target: Target,
  route: Route,
  options: TraefikOptions,
  tell: Tell,
): Tree | undefined {
  const sleeps = (name: string): boolean => {
    const machine = machineOf(home, name);
    return machine?.kind === 'host' ? machine.sleeps : machine?.may_sleep === true;
  };
  if (!route.may_sleep || sleeps(target.name)) return undefined;
  const health = home.apps[route.app]?.file.health;
  if (health?.path === undefined || health.scheme === 'tcp') {
    const message = `${route.app} may sleep and states no health over HTTP, so that nothing answers for it then`;
    tell({
      severity: 'warning',
      code: 'health_missing',
      message,
      suggestion: 'health: { path: / }',
      unless: [`${route.app}.health`],
      place: route.place,
    });
    return undefined;
  }
  return {
    path: health.path,
    status: health.status,
    interval: options.health_interval,
    timeout: '3s',
    ...(health.port !== undefined && { port: health.port }),
    ...(health.scheme !== route.scheme && { scheme: health.scheme }),
  };
}

function judgeCertificates(routers: ReadonlyMap<string, Router>, options: TraefikOptions, tell: Tell): void {
  const needs = [...routers.values()].some(
    ({ tls }) => tls.passthrough !== true && tls.certResolver === undefined,
  );
  const has = Object.keys(options.resolvers).length > 0 || options.extra.tls !== undefined;
  if (!needs || has) return;
  tell({
    severity: 'warning',
    code: 'no_certificate',
    message: 'Traefik has no certificate for these names, and turns every connection away',
    suggestion: 'Give the generator the option resolvers, or certificates in the option extra.',
  });
}

/** Traefik refuses a section that is there and empty. */
function withoutEmpty(tree: Tree): Tree {
  const prune = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).filter(([, one]) => !isEmpty(one)))
      : value;
  return prune(Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, prune(value)]))) as Tree;
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
