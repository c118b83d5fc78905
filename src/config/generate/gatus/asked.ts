import { durationMs } from '../../../../schema/manifest/duration.ts';
import { isStraight } from '../../compile/ingress.ts';
import type { Home, HomeApp, Instance, Route } from '../../home.ts';
import { literal } from './alerts.ts';
import type { GatusOptions } from './options.ts';
import { goDuration } from './quiet.ts';
import { refuses, wayIn } from './reach.ts';

type Native = Readonly<Record<string, unknown>>;
type Health = HomeApp['file']['health'] & object;

/** What is asked, before it is known when nothing is raised and who is told. */
export type Asked = {
  readonly name: string;
  readonly group: string;
  /** What it is that does not answer, in words. */
  readonly what: string;
  /** The machines that must be on. */
  readonly machines: readonly string[];
  /** `url`, `client`, `dns` and `conditions`, as Gatus has them. */
  readonly native: Native;
};

/** Everything that can be asked from where Gatus is, by group and name. */
export function whatIsAsked(home: Home, gatus: Instance, options: GatusOptions): Asked[] {
  const names = routesByName(home).flatMap(([host, route]) => {
    const one = askedOfRoute(home, gatus, host, route, options);
    return one === null ? [] : [{ route, ...one }];
  });
  const known = new Set(
    names.filter(({ isHealth }) => isHealth).map(({ route }) => `${route.target} ${route.app}`),
  );
  const apps = home.instances.flatMap((instance): Asked[] => {
    const { app, target } = instance;
    if (known.has(`${target} ${app}`) || (app === gatus.app && target === gatus.target)) return [];
    const native = askedOfApp(home, gatus, instance, options);
    if (native === null) return [];
    const what = home.apps[app]!.title;
    return [{ name: app, group: target, what: `${what} on ${target}`, machines: [target], native }];
  });
  const all = [...names.map(({ asked }) => asked), ...apps];
  const keyOf = ({ group, name }: Asked): string => `${group} ${name}`;
  return all.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** One route a name, without conditions where there is one: the others are parts of the same page. */
function routesByName(home: Home): [host: string, route: Route][] {
  const found = new Map<string, Route>();
  for (const route of home.routes) {
    const host = route.hosts.find((name) => !name.startsWith('*'));
    // Entry points of the owner's own lead where nobody here knows.
    if (host === undefined || route.entry_points !== undefined) continue;
    const rival = found.get(host);
    if (rival === undefined || (rival.when !== undefined && route.when === undefined)) found.set(host, route);
  }
  return [...found];
}

function askedOfRoute(
  home: Home,
  gatus: Instance,
  host: string,
  route: Route,
  options: GatusOptions,
): { readonly asked: Asked; readonly isHealth: boolean } | null {
  const { app, target, proxy } = route;
  const { health, title } = { ...home.apps[app]!.file, title: home.apps[app]!.title };
  const port = isStraight(proxy, route) && home.ingress.edges.includes(proxy) ? 443 : home.ingress.ports.home;
  const place = port === 443 ? host : `${host}:${port}`;
  const asked = { name: host, group: target, what: title, machines: [target, proxy] };
  const isRefused = refuses(home, route, gatus.target);
  const isTcp = route.scheme === 'tcp' || (route.passthrough && health?.scheme === 'tcp');
  const held = `[CERTIFICATE_EXPIRATION] > ${goDuration(durationMs(options.certificate))}`;
  if (isTcp) {
    // An address that is not let in gets no word at all.
    if (isRefused) return null;
    const native = {
      url: `tls://${host}:${port}`,
      ...clientOf(options),
      conditions: ['[CONNECTED] == true', held],
    };
    return { asked: { ...asked, native }, isHealth: route.passthrough };
  }
  const path = pathOf(route);
  if (path === null) return null;
  const isHealth = !isRefused && path === '/' && isAskedHere(route, health);
  const status = isRefused
    ? // The sign-in answers, or the proxy that lets this address not in.
      '[STATUS] == any(302, 303, 401, 403)'
    : isHealth
      ? `[STATUS] == ${health!.status}`
      : '[STATUS] < 500';
  const native = {
    url: `https://${place}${literal(isHealth ? health!.path! : path)}`,
    // Where it leads is asked by itself.
    ...clientOf(options, { 'ignore-redirect': true }),
    conditions: [status, slowOf(options), held],
  };
  return { asked: { ...asked, native }, isHealth };
}

/** Whether the health of the app is to be had behind the route, at its port. */
const isAskedHere = (route: Route, health: Health | undefined): boolean =>
  health?.path !== undefined &&
  health.scheme !== 'tcp' &&
  route.service === undefined &&
  (health.port === undefined || health.port === route.upstream?.port);

/** Where a GET meets the route; null where it needs more than a path. */
function pathOf({ when }: Route): string | null {
  if (when === undefined) return '/';
  if (when.header !== undefined || (when.method !== undefined && !when.method.includes('GET'))) return null;
  // One that begins with ^ is an expression, which names no path.
  return when.path === undefined ? null : (when.path.find((path) => /^\/[!-~]*$/.test(path)) ?? null);
}

/** The app itself, at its port, past its proxy; null where it does not say how, or does not let Gatus in. */
function askedOfApp(home: Home, gatus: Instance, instance: Instance, options: GatusOptions): Native | null {
  const { health, ports } = home.apps[instance.app]!.file;
  if (health === undefined || (health.scheme !== 'tcp' && health.path === undefined)) return null;
  const route = home.routes.find(({ app, target }) => app === instance.app && target === instance.target);
  const port = health.port ?? route?.upstream?.port;
  if (port === undefined) return null;
  const host = wayIn(home, gatus, instance, port);
  if (host === undefined) return null;
  const slow = slowOf(options);
  // For queries Gatus reads no windows: what may be off is asked as any port.
  const isDns = ports.some((one) => one.port === 53 && one.proto === 'udp') && port === 53;
  const name = home.names.find((one) => one.address !== undefined && !one.name.startsWith('*'));
  if (isDns && name !== undefined && !home.guests[instance.target]?.may_sleep) {
    const zone = instance.files.some(({ generate }) => generate === 'unbound/zone');
    return {
      url: host,
      dns: { 'query-name': name.name, 'query-type': 'A' },
      conditions: ['[DNS_RCODE] == NOERROR', ...(zone ? [`[BODY] == ${name.address}`] : []), slow],
    };
  }
  if (health.scheme === 'tcp') {
    return { url: `tcp://${host}:${port}`, ...clientOf(options), conditions: ['[CONNECTED] == true', slow] };
  }
  return {
    url: `${health.scheme}://${host}:${port}${literal(health.path!)}`,
    // At an address no certificate says who answers.
    ...clientOf(options, { 'ignore-redirect': true, ...(health.scheme === 'https' && { insecure: true }) }),
    conditions: [`[STATUS] == ${health.status}`, slow],
  };
}

const slowOf = ({ slow }: GatusOptions): string => `[RESPONSE_TIME] < ${durationMs(slow)}`;

const clientOf = ({ client }: GatusOptions, more: Native = {}): Native =>
  Object.keys({ ...more, ...client }).length === 0 ? {} : { client: { ...more, ...client } };
