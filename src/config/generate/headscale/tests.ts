import { didYouMean } from '../../../../schema/near.ts';
import { own } from '../../../../schema/wire/record.ts';
import { unlessNamed } from '../../broken.ts';
import type { Home } from '../../home.ts';
import type { Tell } from '../generator.ts';
import type { HeadscaleOptions } from './options.ts';
import { type Role, type Roles, roles } from './roles.ts';

type Test = { readonly src: string; readonly accept?: readonly string[]; readonly deny?: readonly string[] };

/**
 * What must hold whatever the rules say: read from the home, never from the rules. Headscale refuses a test that names a
 * person or a tag without any device, so there is one only of what the repo says is on the tailnet.
 */
export function makeTests(home: Home, known: Roles, options: HeadscaleOptions, tell: Tell): Test[] {
  const { home: inside, public: outside } = home.ingress.ports;
  const present = roles.filter((role) => known.machinesOf(role).some(({ tailnet }) => tailnet !== undefined));
  const at = (among: readonly Role[], port: number): string[] =>
    among.filter((role) => present.includes(role)).map((role) => `${known.tagOf(role)}:${port}`);
  const addresses = onePerNetwork(home);
  const lan = (port: number): string[] => addresses.map((address) => `${address}:${port}`);
  const everywhere = (port: number): string[] =>
    addressesOf(home, addresses).map((address) => `${address}:${port}`);
  const shells = [...at(roles, 22), ...lan(22)];
  const proxies = at(
    known.proxiesOf(() => true),
    inside,
  );
  const open = at(
    known.proxiesOf((route) => route.public),
    outside,
  );
  const others = (role: Role, port: number): string[] =>
    at(
      roles.filter((one) => one !== role),
      port,
    );

  const tests: Test[] = [];
  const add = (src: string, accept: readonly string[], deny: readonly string[]): void => {
    if (accept.length + deny.length === 0) return;
    tests.push({ src, ...(accept.length > 0 && { accept }), ...(deny.length > 0 && { deny }) });
  };
  for (const role of present) {
    const tag = known.tagOf(role);
    if (role === 'edge') {
      const never = [inside, 22].flatMap((port) => [...others('edge', port), ...everywhere(port)]);
      add(tag, open, [...never, ...pagesOf(home, at(['host'], pagePort))]);
    } else if (role === 'host') {
      add(tag, at(['edge'], options.control_port), [
        ...others('host', 22),
        ...lan(22),
        ...at(['guest'], inside),
      ]);
    } else add(tag, [], [...others('guest', 22), ...lan(22)]);
  }
  for (const { name, isAdmin } of peopleOf(home, options, tell)) {
    if (isAdmin) add(`${name}@`, shells, []);
    else add(`${name}@`, proxies, shells);
  }
  return tests;
}

/** Where Proxmox VE is administered. */
export const pagePort = 8006;

/** Pages of Proxmox VE: by the tag of hosts, and at their addresses at home. */
function pagesOf({ hosts }: Home, tagged: readonly string[]): string[] {
  const known = Object.values(hosts).filter(({ proxmox }) => proxmox);
  if (known.length === 0) return [];
  return [
    ...tagged,
    ...known.flatMap(({ address }) => (address === undefined ? [] : [`${address}:${pagePort}`])),
  ];
}

/** An address in each network, for what is reached through the router: of a machine, or the first one of the network. */
function onePerNetwork({ networks, hosts, guests }: Home): string[] {
  const machines = [...Object.values(hosts), ...Object.values(guests)];
  return Object.values(networks).map(
    ({ name, subnet, gateway }) =>
      machines.find(({ network, address }) => network === name && address !== undefined)?.address ??
      gateway ??
      subnet.split('/')[0]!,
  );
}

/** These, and those of all machines at home. */
const addressesOf = ({ hosts, guests, devices }: Home, all: readonly string[]): string[] => [
  ...new Set([
    ...all,
    ...[...Object.values(hosts), ...Object.values(guests), ...Object.values(devices)].flatMap(
      ({ address }) => (address === undefined ? [] : [address]),
    ),
  ]),
];

function peopleOf(
  { people }: Home,
  { with_devices: given, admins }: HeadscaleOptions,
  tell: Tell,
): { readonly name: string; readonly isAdmin: boolean }[] {
  const known = Object.values(people).map(({ name, groups }) => ({ name, isAdmin: groups.includes(admins) }));
  for (const name of given ?? []) {
    if (own(people, name) !== undefined) continue;
    tell({
      severity: 'error',
      code: 'wrong_option',
      message: `options.with_devices names ${name}, who is none of the people`,
      suggestion: didYouMean(name, Object.keys(people)),
      unless: unlessNamed(name, 'people'),
    });
  }
  return known.filter(({ name, isAdmin }) => (given === undefined ? isAdmin : given.includes(name)));
}
