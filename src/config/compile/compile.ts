import { canonicalV4, contains, overlaps, parseSubnet } from '../../../schema/manifest/address.ts';
import { didYouMean } from '../../../schema/near.ts';
import { unlessMachine, unlessNamed } from '../broken.ts';
import type { Finding } from '../finding.ts';
import { grouped } from '../grouped.ts';
import type { DnsName, Home, HomeApp, HomeDevice, HomeGuest, HomeHost } from '../home.ts';
import type { Manifest } from '../read/manifest.ts';
import { byText } from '../repo.ts';
import { compileFlows, sortFlows } from './flows.ts';
import { compileIngress } from './ingress.ts';
import { placeApps } from './place.ts';
import { bringSecrets } from './provided.ts';
import { compileRoutes, type Machines, machineNames, machineOf, namesOfRoutes, wholeName } from './routes.ts';
import { compileScrapes, flowsOfScrapes } from './scrapes.ts';
import { compileSecrets } from './secrets.ts';
import { compileSections, judgeSections } from './sections.ts';
import { sorted } from './sorted.ts';
import { fault, instanceOf, type Placed, type RenderedUnits, type Tell } from './units.ts';

export type Compiled = {
  readonly home: Home;
  readonly placed: readonly Placed[];
  /** Apps that no machine takes. */
  readonly unplaced: readonly Placed[];
  readonly findings: readonly Finding[];
};

/** Resolves what the repo says into the model that templates and generators read. */
export function compileHome(manifest: Manifest, rendered: RenderedUnits): Compiled {
  const { homelab, apps } = manifest;
  const findings: Finding[] = [];
  const tell: Tell = (finding) => findings.push(finding);
  const all = machineNames(homelab);
  const accessNames = new Set(Object.keys(homelab.access));
  const { placed: alone, unplaced } = placeApps(apps, new Set(all), manifest, rendered, tell);
  const used = compileFlows(alone, new Set(unplaced.map(({ app }) => app)), accessNames, tell);
  const placed = bringSecrets(alone, used);
  const instancesOn = grouped(placed, ({ target }) => target);
  const instancesOf = grouped(placed, ({ app }) => app);
  const appsOn = (target: string): string[] => (instancesOn.get(target) ?? []).map(({ app }) => app);

  const hosts = sorted(
    homelab.hosts,
    (name, host): HomeHost => ({ ...host, name, kind: 'host', apps: appsOn(name) }),
  );
  const guests = sorted(
    homelab.guests,
    (name, { kind, ...guest }): HomeGuest => ({
      ...guest,
      name,
      kind: 'guest',
      type: kind,
      apps: appsOn(name),
      may_sleep: guest.ad_hoc || homelab.hosts[guest.host]?.sleeps === true,
    }),
  );
  const devices = sorted(
    homelab.devices,
    (name, { kind, ...device }): HomeDevice => ({
      ...device,
      name,
      kind: 'device',
      type: kind,
      apps: appsOn(name),
      may_sleep: false,
    }),
  );
  judgeAddresses(manifest, tell);

  const machines = { hosts, guests, devices };
  const routes = compileRoutes(placed, machines, homelab.site?.domain, accessNames, tell);
  const scrapes = compileScrapes(placed, machines, tell);
  const flows = sortFlows([...used, ...flowsOfScrapes(scrapes, used)]);
  const networks = sorted(homelab.networks, (name, network) => ({ ...network, name }));
  const home: Home = {
    site: homelab.site ?? { domain: 'home.arpa', timezone: 'UTC' },
    networks,
    ...machines,
    people: sorted(homelab.people, (name, person) => ({ ...person, name })),
    access: sorted(homelab.access, (name, access) => ({
      ...access,
      name,
      groups: access.groups ?? [],
      from: access.from ?? [],
    })),
    apps: sorted(
      Object.fromEntries(apps.map((app) => [app.name, app])),
      (name, { file }): HomeApp => ({
        name,
        title: file.title ?? name,
        on: (instancesOf.get(name) ?? []).map(({ target }) => target),
        file,
      }),
    ),
    instances: placed.map(instanceOf),
    routes,
    ingress: compileIngress(manifest, placed, { ...machines, routes, networks }, tell),
    names: compileNames(manifest, routes, machines, tell),
    flows,
    scrapes,
    secrets: compileSecrets(placed, homelab.runbooks),
    vars: manifest.vars,
    generators: homelab.generators,
    runbooks: sorted(homelab.runbooks, (name, runbook) => ({ ...runbook, name })),
    ...compileSections(homelab),
  };
  judgeSections(manifest, home, tell);
  return { home, placed, unplaced, findings };
}

function compileNames(
  { homelab, yaml }: Manifest,
  routes: Home['routes'],
  machines: Machines,
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
      const message = `there is no guest, host or device ${given.to}`;
      const near = didYouMean(given.to, machineNames(machines));
      tell(fault(place, 'unknown_target', message, near, unlessMachine(given.to)));
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
  for (const section of ['hosts', 'guests', 'devices'] as const) {
    for (const [name, machine] of Object.entries(homelab[section])) {
      const at = [section, name];
      if (machine.network !== undefined && !Object.hasOwn(homelab.networks, machine.network)) {
        const near = didYouMean(machine.network, Object.keys(homelab.networks));
        const message = `there is no network ${machine.network}`;
        const unless = unlessNamed(machine.network, 'networks');
        tell(fault(yaml.place([...at, 'network']), 'unknown_network', message, near, unless));
      } else if (machine.network !== undefined && machine.address !== undefined) {
        const { subnet } = homelab.networks[machine.network]!;
        if (!contains(parseSubnet(subnet)!, canonicalV4(machine.address)!)) {
          const message = `${machine.address} is not in the network ${machine.network} (${subnet})`;
          tell(fault(yaml.place([...at, 'address']), 'address_outside', message));
        }
      }
      for (const key of ['address', 'tailnet'] as const) {
        const address = (machine as { readonly [K in typeof key]?: string | undefined })[key];
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
