import { canonicalV4, contains, overlaps, parseSubnet } from '../../../schema/manifest/address.ts';
import { didYouMean } from '../../../schema/near.ts';
import type { Finding } from '../finding.ts';
import type { DnsName, Home, HomeApp, HomeGuest, HomeHost, HomeSecret } from '../home.ts';
import type { Manifest } from '../read/manifest.ts';
import { byText } from '../repo.ts';
import { compileFlows } from './flows.ts';
import { compileIngress } from './ingress.ts';
import { compileRoutes, machineOf, namesOfRoutes, wholeName } from './routes.ts';
import { fault, type Placed, placeApps, type RenderedUnits, type Tell } from './units.ts';

export type Compiled = {
  readonly home: Home;
  readonly placed: readonly Placed[];
  readonly findings: readonly Finding[];
};

/** Resolves what the repo says into the model that templates and generators read. */
export function compileHome(manifest: Manifest, rendered: RenderedUnits): Compiled {
  const { homelab, apps } = manifest;
  const findings: Finding[] = [];
  const tell: Tell = (finding) => findings.push(finding);
  const machines = new Set([...Object.keys(homelab.hosts), ...Object.keys(homelab.guests)]);
  const placed = placeApps(apps, machines, manifest, rendered, tell);
  const appsOn = new Map<string, string[]>();
  for (const { app, target } of placed) appsOn.set(target, [...(appsOn.get(target) ?? []), app]);

  const hosts = sorted(
    homelab.hosts,
    (name, host): HomeHost => ({ ...host, name, kind: 'host', apps: appsOn.get(name) ?? [] }),
  );
  const guests = sorted(
    homelab.guests,
    (name, { kind, ...guest }): HomeGuest => ({
      ...guest,
      name,
      kind: 'guest',
      type: kind,
      apps: appsOn.get(name) ?? [],
      may_sleep: guest.ad_hoc || homelab.hosts[guest.host]?.sleeps === true,
    }),
  );
  judgeAddresses(manifest, tell);

  const accessNames = new Set(Object.keys(homelab.access));
  const routes = compileRoutes(placed, { hosts, guests }, homelab.site?.domain, accessNames, tell);
  const networks = sorted(homelab.networks, (name, network) => ({ ...network, name }));
  const home: Home = {
    site: homelab.site ?? { domain: 'home.arpa', timezone: 'UTC' },
    networks,
    hosts,
    guests,
    access: sorted(homelab.access, (name, access) => ({ ...access, name })),
    apps: sorted(
      Object.fromEntries(apps.map((app) => [app.name, app])),
      (name, { file }): HomeApp => ({
        name,
        title: file.title ?? name,
        on: placed.filter(({ app }) => app === name).map(({ target }) => target),
        file,
      }),
    ),
    instances: placed.map(
      ({ source: _, parsed: __, unitSources: ___, routesAt: ____, ...instance }) => instance,
    ),
    routes,
    ingress: compileIngress(manifest, placed, { hosts, guests, routes, networks }, tell),
    names: compileNames(manifest, routes, { hosts, guests }, tell),
    flows: compileFlows(placed, manifest.broken, tell),
    secrets: compileSecrets(placed),
    vars: manifest.vars,
    generators: homelab.generators,
  };
  return { home, placed, findings };
}

const sorted = <T, U>(
  record: Readonly<Record<string, T>>,
  change: (name: string, value: T) => U,
): Record<string, U> =>
  Object.fromEntries(
    Object.keys(record)
      .sort(byText)
      .map((name) => [name, change(name, record[name]!)]),
  );

function compileNames(
  { homelab, yaml }: Manifest,
  routes: Home['routes'],
  machines: Pick<Home, 'hosts' | 'guests'>,
  tell: Tell,
): DnsName[] {
  const names = new Map(namesOfRoutes(routes, machines).map((one) => [one.name, one]));
  for (const [short, given] of Object.entries(homelab.names)) {
    const place = yaml.place(['names', short]);
    const name = wholeName(short, homelab.site?.domain ?? 'home.arpa');
    if (names.has(name)) {
      tell(fault(place, 'name_twice', `${name} is the name of a route already`));
      continue;
    }
    if ('address' in given) {
      names.set(name, { name, address: given.address, target: '', public: given.public });
      continue;
    }
    const machine = machineOf(machines, given.to);
    if (machine === undefined) {
      const all = [...Object.keys(homelab.guests), ...Object.keys(homelab.hosts)];
      tell(
        fault(place, 'unknown_target', `there is no guest or host ${given.to}`, didYouMean(given.to, all)),
      );
      continue;
    }
    const { address } = machine;
    names.set(name, {
      name,
      ...(address !== undefined && { address }),
      target: given.to,
      public: given.public,
    });
  }
  return [...names.values()].sort((a, b) => byText(a.name, b.name));
}

function compileSecrets(placed: readonly Placed[]): Record<string, HomeSecret> {
  const found = new Map<string, { targets: Set<string>; apps: Set<string>; from: readonly string[] }>();
  for (const { app, target, secrets, source } of placed) {
    const declared = source.file.secrets;
    for (const name of secrets) {
      const from = Array.isArray(declared) ? [] : (declared[name]?.from ?? []);
      const known = found.get(name) ?? { targets: new Set(), apps: new Set(), from };
      known.targets.add(target);
      known.apps.add(app);
      found.set(name, known);
    }
  }
  return sorted(Object.fromEntries(found), (name, { targets, apps, from }) => ({
    name,
    targets: [...targets].sort(byText),
    apps: [...apps].sort(byText),
    from,
  }));
}

/** Subnets that overlap, machines outside their network, one address twice. */
function judgeAddresses({ homelab, yaml }: Manifest, tell: Tell): void {
  const nets = Object.entries(homelab.networks).map(([name, { subnet }]) => ({
    name,
    subnet: parseSubnet(subnet)!,
  }));
  nets.sort((a, b) => a.subnet.base - b.subnet.base || a.subnet.bits - b.subnet.bits);
  for (const [index, net] of nets.entries()) {
    const before = nets[index - 1];
    if (before !== undefined && overlaps(before.subnet, net.subnet)) {
      tell(
        fault(
          yaml.place(['networks', net.name, 'subnet']),
          'subnets_overlap',
          `the subnets of ${before.name} and ${net.name} overlap`,
        ),
      );
    }
  }
  for (const name of Object.keys(homelab.networks)) {
    if (!Object.hasOwn(homelab.hosts, name) && !Object.hasOwn(homelab.guests, name)) continue;
    const message = `${name} is a network and a machine, so nobody could tell which a from: ${name} means`;
    tell(fault(yaml.place(['networks', name]), 'name_twice', message));
  }
  const holders = new Map<string, string>();
  for (const section of ['hosts', 'guests'] as const) {
    for (const [name, machine] of Object.entries(homelab[section])) {
      const at = [section, name];
      if (machine.network !== undefined && !Object.hasOwn(homelab.networks, machine.network)) {
        const near = didYouMean(machine.network, Object.keys(homelab.networks));
        tell(
          fault(
            yaml.place([...at, 'network']),
            'unknown_network',
            `there is no network ${machine.network}`,
            near,
          ),
        );
      } else if (machine.network !== undefined && machine.address !== undefined) {
        const { subnet } = homelab.networks[machine.network]!;
        if (!contains(parseSubnet(subnet)!, canonicalV4(machine.address)!)) {
          const message = `${machine.address} is not in the network ${machine.network} (${subnet})`;
          tell(fault(yaml.place([...at, 'address']), 'address_outside', message));
        }
      }
      for (const key of ['address', 'tailnet'] as const) {
        const address = machine[key];
        if (address === undefined) continue;
        const other = holders.get(address);
        if (other !== undefined)
          tell(
            fault(yaml.place([...at, key]), 'address_twice', `${other} has the address ${address} already`),
          );
        holders.set(address, name);
      }
    }
  }
}
