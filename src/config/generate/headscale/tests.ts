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
      const never = [...others('edge', inside), ...lan(inside), ...others('edge', 22), ...lan(22)];
      add(tag, open, never);
    } else if (role === 'host') {
      add(tag, at(['edge'], options.control_port), [...others('host', 22), ...at(['guest'], inside)]);
    } else add(tag, [], others('guest', 22));
  }
  for (const { name, isAdmin } of peopleOf(home, options, tell)) {
    if (isAdmin) add(`${name}@`, shells, []);
    else add(`${name}@`, proxies, shells);
  }
  return tests;
}

/** An address of each network that a machine is in, for what is reached through the router. */
function onePerNetwork({ hosts, guests }: Home): string[] {
  const found = new Map<string, string>();
  for (const { network, address } of [...Object.values(hosts), ...Object.values(guests)]) {
    if (network !== undefined && address !== undefined && !found.has(network)) found.set(network, address);
  }
  return [...found.values()];
}

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
