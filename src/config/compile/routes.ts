import type { RouteEntry } from '../../../schema/manifest/route.ts';
import { didYouMean } from '../../../schema/near.ts';
import { unlessMachine, unlessNamed } from '../broken.ts';
import type { DnsName, Home, Route, Target } from '../home.ts';
import type { Path } from '../read/yaml.ts';
import { byText } from '../repo.ts';
import { fault, type Placed, type Tell } from './units.ts';
import { upstreamHost } from './upstream.ts';

/** Everything that can carry apps. */
export type Machines = Pick<Home, 'hosts' | 'guests' | 'devices'>;

export const machineOf = ({ hosts, guests, devices }: Machines, name: string): Target | undefined =>
  [guests, hosts, devices].find((record) => Object.hasOwn(record, name))?.[name];

/** The names of all machines, for telling which was meant. */
export const machineNames = ({
  hosts,
  guests,
  devices,
}: { readonly [K in keyof Machines]: object }): string[] =>
  [guests, hosts, devices].flatMap((record) => Object.keys(record));

/** `graph` → `graph.example.net`; `@` is the domain itself; a name with a dot is whole. */
export function wholeName(host: string, domain: string): string {
  if (host === '@') return domain;
  if (host === '*') return `*.${domain}`;
  const bare = host.startsWith('*.') ? host.slice(2) : host;
  return bare.includes('.') ? host : `${host}.${domain}`;
}

/** Every route of every instance, with whole names and where the proxy reaches the app. */
export function compileRoutes(
  placed: readonly Placed[],
  machines: Machines,
  domain: string | undefined,
  accessNames: ReadonlySet<string>,
  tell: Tell,
): Route[] {
  const routes: Route[] = [];
  const proxies = new Set(
    placed
      .filter(({ files }) => files.some(({ generate }) => generate?.startsWith('traefik/')))
      .map(({ target }) => target),
  );
  for (const instance of placed) {
    const { source, target, routesAt } = instance;
    const from =
      routesAt.length === 0
        ? source.file
        : (source.file.on[Number(routesAt[1] ?? 0)] as { route?: RouteEntry; routes?: RouteEntry[] });
    const entries: { entry: RouteEntry; at: Path }[] = [
      ...(from.route === undefined ? [] : [{ entry: from.route, at: [...routesAt, 'route'] }]),
      ...(from.routes ?? []).map((entry, i) => ({ entry, at: [...routesAt, 'routes', i] })),
    ];
    const names = new Set<string>();
    for (const { entry, at } of entries) {
      const place = source.yaml.place(at);
      if (domain === undefined) {
        tell(
          fault(
            place,
            'site_missing',
            'a route needs the domain of the site in homelab.yaml',
            'site: { domain: example.net }',
            ['homelab.site'],
          ),
        );
        return [];
      }
      const name = entry.name ?? (names.size === 0 ? source.name : `${source.name}-${names.size + 1}`);
      if (names.has(name)) tell(fault(place, 'route_twice', `the app has two routes named ${name}`));
      names.add(name);
      if (entry.access !== undefined && !accessNames.has(entry.access)) {
        const message = `there is no access ${entry.access} in homelab.yaml`;
        tell(
          fault(
            source.yaml.place([...at, 'access']),
            'unknown_access',
            message,
            didYouMean(entry.access, accessNames),
            unlessNamed(entry.access, 'access'),
          ),
        );
      }
      if (entry.via !== undefined && machineOf(machines, entry.via) === undefined) {
        const message = `there is no guest or host ${entry.via}`;
        const near = didYouMean(entry.via, machineNames(machines));
        tell(
          fault(source.yaml.place([...at, 'via']), 'unknown_target', message, near, unlessMachine(entry.via)),
        );
        continue;
      }
      if (entry.port === undefined && entry.service === undefined) {
        tell(
          fault(
            place,
            'route_port_missing',
            'a route needs the port where the app listens, or a service of the proxy',
          ),
        );
        continue;
      }
      const proxy = entry.via ?? target;
      const machine = machineOf(machines, target)!;
      const known = proxies.has(proxy);
      const portPlace = source.yaml.place([...at, 'port']);
      const way = { app: source.name, units: instance.parsed, machine, proxy, known, portPlace };
      const host = upstreamHost(way, entry, place, tell);
      if (host === null) continue;
      const { host: hosts, name: _, ...rest } = entry;
      routes.push({
        ...rest,
        name,
        app: source.name,
        target,
        hosts: hosts.map((one) => wholeName(one, domain)).sort(byText),
        proxy,
        ...(entry.service === undefined && { upstream: { host, port: entry.port! } }),
        may_sleep: maySleep(machine) || maySleep(machineOf(machines, proxy)),
        place,
      });
    }
  }
  routes.sort((a, b) => byText(a.target, b.target) || byText(a.app, b.app) || byText(a.name, b.name));
  findRivals(routes, tell);
  return routes;
}

export const maySleep = (machine: Target | undefined): boolean =>
  machine?.kind === 'host' ? machine.sleeps : machine?.may_sleep === true;

/** Two apps cannot have one hostname, unless their conditions differ and one proxy answers for both. */
function findRivals(routes: readonly Route[], tell: Tell): void {
  const first = new Map<string, Route>();
  const proxies = new Map<string, Route>();
  for (const route of routes) {
    for (const host of route.hosts) {
      const key = `${host} ${JSON.stringify(route.when ?? {})} ${route.priority ?? ''} ${(route.entry_points ?? []).join()}`;
      const rival = first.get(key);
      if (rival !== undefined) {
        tell(
          fault(
            route.place,
            'host_twice',
            `${host} leads to ${told(rival)} already, under the same conditions`,
          ),
        );
      } else {
        first.set(key, route);
        const other = proxies.get(host);
        if (other !== undefined && other.proxy !== route.proxy) {
          tell(
            fault(
              route.place,
              'host_twice',
              `${host} leads to ${told(other)} on ${other.proxy} already; one name leads to one proxy`,
              `via: ${other.proxy} puts this route there.`,
            ),
          );
        }
        proxies.set(host, other ?? route);
      }
    }
  }
}

const told = ({ app, target }: Route): string => `${app} on ${target}`;

/** The DNS names of routes, and those that homelab.yaml lists. */
export function namesOfRoutes(routes: readonly Route[], machines: Machines): DnsName[] {
  const names = new Map<string, DnsName>();
  for (const route of routes) {
    for (const name of route.hosts) {
      const address = machineOf(machines, route.proxy)?.address;
      const known = names.get(name);
      names.set(name, {
        name,
        ...(address !== undefined && { address }),
        target: route.proxy,
        app: known?.app ?? route.app,
        public: route.public || known?.public === true,
      });
    }
  }
  return [...names.values()];
}
