import { own } from '../../../../schema/wire/record.ts';
import { unlessApp, unlessMachine } from '../../broken.ts';
import type { Home, Route, Target } from '../../home.ts';
import { byText } from '../../repo.ts';
import type { Doubt } from '../generator.ts';
import { rangeOf } from '../shared/ranges.ts';
import type { TraefikOptions } from './options.ts';

type Tell = (doubt: Doubt) => void;
type Native = Readonly<Record<string, unknown>>;

/** What stands before a route. `null` where it cannot be guarded as it must, which is told: it gets no router then. */
export type Guard = {
  /** Names of the middlewares, in order. */
  readonly middlewares: readonly string[];
  /** Whether it holds from some networks alone. */
  readonly fromNetworks: boolean;
} | null;

export type Guards = {
  guardOf(route: Route): Guard;
  /** What `guardOf` has named, by layer. */
  readonly http: Map<string, Native>;
  readonly tcp: Map<string, Native>;
};

/** The headers in which the app is told who somebody is, as programs may spell them. */
const spellings = (headers: readonly string[]): string[] =>
  headers.flatMap((name) => (name.includes('-') ? [name, name.replaceAll('-', '_')] : [name]));

/**
 * Who passes is decided by Authelia; here a route is made to ask it. Addresses are judged here as well, on the entry
 * point `home` alone: on `public` the public machine says where a connection comes from, and that authorises nothing.
 */
export function makeGuards(home: Home, target: Target, options: TraefikOptions, tell: Tell): Guards {
  const http = new Map<string, Native>();
  const tcp = new Map<string, Native>();
  const { forward_auth: given } = options;
  const authelia = home.routes.find(
    ({ app, proxy, target: on, upstream }) =>
      app === 'authelia' && on === target.name && proxy === target.name && upstream !== undefined,
  );
  const address =
    given.address ??
    (authelia?.upstream === undefined
      ? undefined
      : `${authelia.scheme === 'https' ? 'https' : 'http'}://${authelia.upstream.host}:${authelia.upstream.port}/api/authz/forward-auth`);
  const asked = address === undefined ? undefined : new URL(address);
  // Itself it must not ask: nobody could ever sign in. Other names of its route are guarded as any.
  const answers = ({ upstream, hosts, when }: Route): boolean =>
    asked !== undefined &&
    ((upstream?.host.toLowerCase() === asked.hostname && portOf(asked) === upstream.port) ||
      (hosts.every((host) => host === asked.hostname) && when === undefined));
  const anonymous = (): string[] => {
    if (address === undefined || given.response_headers.length === 0) return [];
    const empty = Object.fromEntries(spellings(given.response_headers).map((name) => [name, '']));
    http.set('_anonymous', { headers: { customRequestHeaders: empty } });
    return ['_anonymous'];
  };

  const guardOf = (route: Route): Guard => {
    const layer = isTcp(route) ? 'tcp' : 'http';
    const open = layer === 'tcp' ? [] : anonymous();
    if (route.access === undefined) return { middlewares: open, fromNetworks: false };
    const access = own(home.access, route.access);
    // Told where the routes are read.
    if (access === undefined) return null;
    const say = (message: string, unless: readonly string[] = []): null => {
      tell({ severity: 'error', code: 'access_unguarded', message, place: route.place, unless });
      return null;
    };
    const middlewares = [...open];
    if (access.from.length > 0) {
      const ranges = access.from.map((name) => rangeOf(home, name));
      const lost = access.from.filter((_, index) => ranges[index] === undefined);
      if (lost.length > 0) {
        return say(
          `the access ${access.name} holds from ${lost.join(' and ')}, of which no address is known`,
          lost.flatMap((name) => [...unlessMachine(name), 'homelab.networks', `${name}.address`]),
        );
      }
      const name = `_from.${access.name}`;
      const list = [...new Set(ranges as string[])].sort(byText);
      (layer === 'tcp' ? tcp : http).set(name, { ipAllowList: { sourceRange: list } });
      middlewares.push(name);
    }
    const asks = access.policy !== 'bypass' || access.groups.length > 0;
    if (asks && !answers(route)) {
      if (layer === 'tcp') return say(`${route.app} is not HTTP, so nobody can sign in on the way to it`);
      if (address === undefined) {
        return say(
          `nothing on ${target.name} can hold the access ${access.name} of ${route.app}: no app authelia is there, and the option forward_auth says no address`,
          [...unlessApp('authelia'), 'authelia.on', 'authelia.route', 'authelia.routes'],
        );
      }
      http.set('_auth', {
        forwardAuth: {
          address,
          trustForwardHeader: false,
          authResponseHeaders: given.response_headers,
          ...(given.request_headers !== undefined && { authRequestHeaders: given.request_headers }),
          ...(given.tls !== undefined && { tls: given.tls }),
        },
      });
      middlewares.push('_auth');
    }
    return { middlewares, fromNetworks: access.from.length > 0 };
  };
  return { guardOf, http, tcp };
}

const portOf = ({ port, protocol }: URL): number =>
  port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);

/** Whether the proxy hands connections over without reading HTTP in them. */
export const isTcp = ({ scheme, passthrough }: Route): boolean => scheme === 'tcp' || passthrough;

/** Whether anybody can pass it from outside: where addresses authorise nothing, an access from networks never holds. */
export const isForOutside = (home: Home, { public: open, access }: Route): boolean =>
  open && (access === undefined || own(home.access, access)?.from.length === 0);
