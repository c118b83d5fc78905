import { parse } from 'yaml';
import { type Rule, readRule } from './traefik-rule.ts';
import { dynamicShape, faultsOf, staticShape } from './traefik-shape.ts';

/**
 * Traefik's routing without Traefik: what answers a request, by the static configuration and the file provider's.
 * Written from Traefik's reference and sources of 3.7, and not from our generator. It throws for what Traefik would
 * refuse or pass over with an error in its log: unknown keys, names that nothing has, rules that cannot be read.
 */
export type TraefikRequest = {
  readonly entryPoint: string;
  /** The name in the TLS hello; absent for a connection without TLS. */
  readonly sni?: string;
  /** Of the Host header; absent: the name of the hello. */
  readonly host?: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

export type TraefikAnswer =
  | { readonly kind: 'redirect'; readonly to: string }
  | {
      readonly kind: 'http' | 'tcp';
      readonly router: string;
      readonly service: string;
      /** In the order in which a request passes them: name, kind, and what Traefik is told of it. */
      readonly middlewares: readonly {
        readonly name: string;
        readonly kind: string;
        readonly options: Tree;
      }[];
      /** URLs of HTTP, addresses of TCP; none where Traefik answers 503, or where the service is its own. */
      readonly servers: readonly string[];
      /** Asked when a health check says that none of the servers answers. */
      readonly fallback: readonly string[];
      readonly passthrough: boolean;
    };

export type TraefikReader = {
  /** Ports, and from where PROXY headers are believed. */
  readonly entryPoints: Readonly<
    Record<string, { readonly port: number; readonly trusted: readonly string[] }>
  >;
  /** What answers, or null where Traefik answers 404 or turns the connection away. */
  route(request: TraefikRequest): TraefikAnswer | null;
};

type Tree = Readonly<Record<string, unknown>>;
type RouterText = {
  readonly rule: string;
  readonly priority?: number;
  readonly entryPoints: readonly string[];
  readonly middlewares?: readonly string[];
  readonly service: string;
  readonly tls?: {
    readonly certResolver?: string;
    readonly options?: string;
    readonly passthrough?: boolean;
  };
};
type Router = RouterText & { readonly name: string; readonly read: Rule; readonly order: number };
type Service = {
  readonly loadBalancer?: {
    readonly servers?: readonly { readonly url?: string; readonly address?: string }[];
    readonly serversTransport?: string;
    readonly healthCheck?: Tree;
  };
  readonly failover?: { readonly service: string; readonly fallback: string };
};
type Layer = {
  readonly routers?: Readonly<Record<string, RouterText>>;
  readonly services?: Readonly<Record<string, Service>>;
  readonly middlewares?: Readonly<Record<string, Tree>>;
  readonly serversTransports?: Tree;
};
type Static = {
  readonly entryPoints: Readonly<
    Record<
      string,
      {
        readonly address: string;
        readonly proxyProtocol?: { readonly trustedIPs?: readonly string[] };
        readonly http?: { readonly redirections?: { readonly entryPoint: { readonly to: string } } };
      }
    >
  >;
  readonly certificatesResolvers?: Tree;
  readonly api?: unknown;
};

/** Reads both files. */
export function readTraefik(staticText: string, dynamicText: string): TraefikReader {
  const known = read(staticText, staticShape, 'the static configuration') as Static;
  const dynamic = read(dynamicText, dynamicShape, 'the dynamic configuration') as {
    readonly http?: Layer;
    readonly tcp?: Layer;
    readonly tls?: { readonly options?: Tree };
  };
  const http = readLayer(dynamic.http ?? {}, 'http', known, dynamic.tls?.options ?? {});
  const tcp = readLayer(dynamic.tcp ?? {}, 'tcp', known, dynamic.tls?.options ?? {});
  return {
    entryPoints: Object.fromEntries(
      Object.entries(known.entryPoints).map(([name, { address, proxyProtocol }]) => [
        name,
        {
          port: Number(address.slice(address.lastIndexOf(':') + 1)),
          trusted: proxyProtocol?.trustedIPs ?? [],
        },
      ]),
    ),
    route({ entryPoint, sni, host = sni ?? '', path = '/', method = 'GET', headers = {} }) {
      const point = known.entryPoints[entryPoint];
      if (point === undefined) throw new Error(`there is no entry point ${entryPoint}`);
      const here = (router: Router): boolean =>
        router.entryPoints.includes(entryPoint) && (router.tls !== undefined) === (sni !== undefined);
      const hello = { host: sni ?? '', path: '', method: '', headers: {} };
      // A whole name of HTTP goes before TCP, as does nothing else of HTTP.
      const isHttp = http.routers.some(
        (router) => here(router) && router.read.values('Host').includes(hello.host.toLowerCase()),
      );
      const connection = isHttp ? undefined : tcp.routers.find((one) => here(one) && one.read.holds(hello));
      if (connection !== undefined) return tcp.answer(connection);
      const redirect = point.http?.redirections?.entryPoint.to;
      if (redirect !== undefined) return { kind: 'redirect', to: redirect };
      const lower = Object.fromEntries(Object.entries(headers).map(([key, one]) => [key.toLowerCase(), one]));
      const input = { host, path, method, headers: lower };
      const found = http.routers.find((router) => here(router) && router.read.holds(input));
      return found === undefined ? null : http.answer(found);
    },
  };
}

function read(text: string, shape: typeof staticShape, what: string): unknown {
  const value: unknown = parse(text);
  const faults = faultsOf(value, shape);
  if (faults.length > 0) throw new Error(`${what}: ${faults.join('; ')}`);
  return value;
}

function readLayer(layer: Layer, kind: 'http' | 'tcp', known: Static, tlsOptions: Tree) {
  const { services = {}, middlewares = {}, serversTransports = {} } = layer;
  const must = (all: object, name: string, what: string): void => {
    if (!Object.hasOwn(all, name)) throw new Error(`${kind}: there is no ${what} ${name}`);
  };
  const internal = /^(api|dashboard|rest|ping|prometheus|noop|acme-http)@internal$/;
  for (const service of Object.values(services)) {
    const { loadBalancer, failover } = service;
    if (Object.keys(service).length !== 1) throw new Error(`${kind}: a service is of one kind`);
    if (loadBalancer?.serversTransport !== undefined)
      must(serversTransports, loadBalancer.serversTransport.replace(/@file$/, ''), 'transport');
    if (failover === undefined) continue;
    must(services, failover.service, 'service');
    must(services, failover.fallback, 'service');
    if (services[failover.service]!.loadBalancer?.healthCheck === undefined)
      throw new Error(`${failover.service} has no health check, so that its fallback is never asked`);
  }
  const routers = Object.entries(layer.routers ?? {}).map(([name, router]): Router => {
    for (const key of ['rule', 'service', 'entryPoints'] as const)
      if (router[key] === undefined) throw new Error(`${kind}: the router ${name} has no ${key}`);
    for (const one of router.entryPoints) must(known.entryPoints, one, 'entry point');
    for (const one of router.middlewares ?? []) must(middlewares, one.replace(/@file$/, ''), 'middleware');
    if (!internal.test(router.service)) must(services, router.service, 'service');
    if (router.tls?.certResolver !== undefined)
      must(known.certificatesResolvers ?? {}, router.tls.certResolver, 'resolver');
    if (router.tls?.options !== undefined) must(tlsOptions, router.tls.options, 'TLS option');
    // Without a priority, the longer rule goes first.
    const order = router.priority ?? router.rule.length;
    return { ...router, name, read: readRule(router.rule, kind), order };
  });
  routers.sort((a, b) => b.order - a.order);
  const serversOf = (name: string): string[] =>
    (services[name]?.loadBalancer?.servers ?? []).map(({ url, address }) => (url ?? address)!);
  return {
    routers,
    answer({ name, service, middlewares: chain = [], tls }: Router): TraefikAnswer {
      const failover = services[service]?.failover;
      return {
        kind,
        router: name,
        service,
        middlewares: chain.map((one) => {
          const [[type, options]] = Object.entries(middlewares[one.replace(/@file$/, '')]!) as [
            [string, Tree],
          ];
          return { name: one, kind: type, options };
        }),
        servers: serversOf(failover?.service ?? service),
        fallback: failover === undefined ? [] : serversOf(failover.fallback),
        passthrough: tls?.passthrough === true,
      };
    },
  };
}
