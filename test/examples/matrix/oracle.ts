import { isIn } from './addresses.ts';
import { groupsOf, nothing, type Person, type Probe, type Vantage, type Verdict } from './cell.ts';
import type { Access, Machine, Route, Said } from './said.ts';

/**
 * Who gets in by what the manifest means, as docs/configuration.md, docs/generators.md and docs/edge.md tell it, and
 * by nothing else: no file that a generator made is looked at here.
 */
export type Oracle = {
  judge(probe: Probe, vantage: Vantage, person: Person, world?: World): Verdict;
  /** The route that a request means, wherever it comes from. */
  meant(probe: Probe): Route | undefined;
};

export type World = {
  /** Hosts that are off, with all their guests. */
  readonly asleep?: ReadonlySet<string>;
  /** The address that somebody at home has. */
  readonly homeAddress: string;
  /** Of a device on the tailnet. */
  readonly tailnetAddress: string;
};

export function makeOracle(said: Said, usual: World): Oracle {
  const { routes, machines } = said;
  const meant = (probe: Probe): Route | undefined => {
    // One name leads to one proxy: what another has for a wider name is not asked.
    const proxy = closest(routes, probe.host)?.proxy;
    const here = routes.filter((route) => leadsTo(route, probe.host) && route.proxy === proxy);
    // A name that is handed on by name is not looked into; but a whole name of HTTP is HTTP's.
    const whole = here.some((route) => !route.unread && route.hosts.includes(probe.host));
    const unread = whole ? [] : here.filter((route) => route.unread);
    const candidates =
      unread.length > 0 ? unread : here.filter((route) => !route.unread && isWhen(route, probe));
    return candidates.sort((a, b) => rankOf(b, probe.host) - rankOf(a, probe.host))[0];
  };

  /** What the app's own door says to a person, once the connection is there. */
  const atDoor = (
    route: Route,
    address: string | null,
    person: Person,
  ): Omit<Verdict, 'resolves' | 'arrives'> => {
    const answers = serverOf(said, route);
    const free = { answers, asks: null, outcome: 'in' } as const;
    if (route.access === undefined) return free;
    const access = said.access.get(route.access)!;
    const fits = access.from.length === 0 || (address !== null && isFrom(said, access, address));
    if (!fits) return { answers, asks: null, outcome: 'denied' };
    if (access.policy === 'bypass') return free;
    if (access.policy === 'deny') return { answers, asks: null, outcome: 'denied' };
    const asks = access.policy as 'one_factor' | 'two_factor';
    if (person === 'anonymous') return { answers, asks, outcome: 'asked' };
    const groups = groupsOf[person];
    const isMember = access.groups.length === 0 || access.groups.some((group) => groups.includes(group));
    return isMember ? { answers, asks, outcome: 'in' } : { answers, asks: null, outcome: 'denied' };
  };

  const fromOutside = (probe: Probe, person: Person, world: World): Omit<Verdict, 'resolves'> => {
    const named = openRoute(said, probe.host);
    if (named === undefined) return nothing;
    const straight = said.edges.includes(named.target) && named.unread;
    const asleep = isAsleep(machines, world, named.proxy);
    const page = routes.find(({ waking }) => waking);
    if (!straight && asleep && page !== undefined && !isAsleep(machines, world, page.proxy)) {
      const arrives = `${page.proxy}:public`;
      const isHidden = !(
        isOpen(said, meant(probe) ?? named) &&
        routes.some((one) => leadsTo(one, probe.host) && isOpen(said, one))
      );
      if (isHidden) return { ...nothing, arrives };
      return { arrives, answers: serverOf(said, page), asks: null, outcome: 'in' };
    }
    if (asleep && !straight) return nothing;
    const arrives = straight ? `${named.target}:straight` : `${named.proxy}:public`;
    const route = meant(probe);
    // What is for home alone has no answer there, and no wider route has one in its place.
    if (route === undefined || !isOpen(said, route) || isShut(said, probe.host))
      return { ...nothing, arrives };
    return { arrives, ...atDoor(route, null, person) };
  };

  const judge: Oracle['judge'] = (probe, vantage, person, world = usual) => {
    if (vantage === 'public') return { resolves: 'outside', ...fromOutside(probe, person, world) };
    const route = meant(probe) ?? closest(routes, probe.host);
    if (route === undefined) return { resolves: null, ...nothing };
    const machine = machines.get(route.proxy)!;
    if (vantage === 'taken') {
      // The one door that it may get to has what is public, and no address is believed there.
      if (said.edges.includes(machine.name) || isAsleep(machines, world, machine.name))
        return { resolves: null, ...nothing };
      const arrives = `${machine.name}:public`;
      const open = meant(probe);
      if (open === undefined || !isOpen(said, open) || isShut(said, probe.host))
        return { resolves: null, ...nothing, arrives };
      return { resolves: null, arrives, ...atDoor(open, null, person) };
    }
    const address = vantage === 'home' ? world.homeAddress : world.tailnetAddress;
    // Machines without an address at home are out in the internet, for those at home as well.
    if (machine.address === undefined) {
      return openRoute(said, probe.host) === undefined
        ? { resolves: null, ...nothing }
        : { resolves: 'outside', ...fromOutside(probe, person, world) };
    }
    const resolves = vantage === 'home' ? machine.address : machine.name;
    if (isAsleep(machines, world, machine.name)) return { resolves, ...nothing };
    const arrives = `${machine.name}:home`;
    const door = meant(probe);
    if (door === undefined) return { resolves, ...nothing, arrives };
    return { resolves, arrives, ...atDoor(door, address, person) };
  };
  return { judge, meant };
}

const leadsTo = ({ hosts }: Pick<Route, 'hosts'>, name: string): boolean =>
  hosts.some((host) => host === name || (host.startsWith('*.') && name.endsWith(host.slice(1))));

/** A route that has the name as a whole, or the closest wildcard. */
function closest(routes: readonly Route[], name: string): Route | undefined {
  const lengthOf = (route: Route): number =>
    Math.max(...route.hosts.filter((host) => leadsTo({ hosts: [host] }, name)).map((host) => host.length));
  const fit = routes.filter((route) => leadsTo(route, name));
  return (
    fit.find(({ hosts }) => hosts.includes(name)) ?? fit.toSorted((a, b) => lengthOf(b) - lengthOf(a))[0]
  );
}

/** Whether anybody can pass it from outside: there no address proves anything. */
function isOpen(said: Said, { public: open, access }: Route): boolean {
  return open && (access === undefined || said.access.get(access)!.from.length === 0);
}

/** Whether somebody named it, and nobody for outside: then no wildcard has it there. */
function isShut(said: Said, name: string): boolean {
  const whole = said.routes.filter(({ hosts }) => hosts.includes(name));
  return whole.length > 0 && !whole.some((route) => isOpen(said, route));
}

/** The route by which a name is public; undefined for what is the home's. */
function openRoute(said: Said, name: string): Route | undefined {
  const whole = said.routes.filter(({ hosts }) => hosts.includes(name));
  const isKnown = whole.length > 0 || said.names.includes(name);
  if (isKnown) return whole.find((route) => route.public);
  const wildcards = said.routes
    .flatMap((route) => route.hosts.map((host) => ({ route, host })))
    .filter(({ host }) => host.startsWith('*.') && name.endsWith(host.slice(1)))
    .sort((a, b) => b.host.length - a.host.length);
  return wildcards.filter(({ host }) => host === wildcards[0]!.host).find(({ route }) => route.public)?.route;
}

/** Conditions: all must hold; of a list, one. What starts with `^` is an expression. */
function isWhen({ when }: Route, { path, method, headers }: Probe): boolean {
  const fits = (wanted: string, given: string | undefined, plain: (given: string) => boolean): boolean =>
    given !== undefined && (wanted.startsWith('^') ? new RegExp(wanted).test(given) : plain(given));
  const isPath = (wanted: string): boolean => fits(wanted, path, (given) => given.startsWith(wanted));
  const lower = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return (
    (when.path.length === 0 || when.path.some(isPath)) &&
    !when.notPath.some(isPath) &&
    (when.method.length === 0 || when.method.includes(method)) &&
    Object.entries(when.header).every(([name, wanted]) =>
      fits(wanted, lower[name.toLowerCase()], (given) => given === wanted),
    )
  );
}

/** Which is tried first, the highest: 100, 10 for each letter of the path, 1 for each other condition. */
function rankOf({ priority, hosts, when }: Route, name: string): number {
  if (priority !== undefined) return priority;
  const others = [when.notPath.length > 0, when.method.length > 0].filter(Boolean).length;
  const letters = Math.min(...(when.path.length === 0 ? [''] : when.path).map(({ length }) => length));
  const conditions = 10 * letters + others + Object.keys(when.header).length;
  if (hosts.includes(name)) return 100 + conditions;
  // Wildcards come last, a wider one behind a closer one.
  const labels = Math.max(
    ...hosts.filter((host) => leadsTo({ hosts: [host] }, name)).map((host) => host.split('.').length),
  );
  return labels + (conditions === 0 ? 0 : 0.5);
}

function isFrom({ networks, machines }: Said, { from }: Access, address: string): boolean {
  return from.some((name) => {
    const network = /^[0-9]/.test(name) ? name : (networks.get(name) ?? machines.get(name)?.address);
    return network !== undefined && isIn(address, network);
  });
}

function isAsleep(machines: Said['machines'], { asleep }: World, name: string): boolean {
  const { host } = machines.get(name) as Machine;
  return asleep?.has(name) === true || (host !== undefined && asleep?.has(host) === true);
}

/** Where a request ends: the proxy's own service, the container, or the machine's address. */
function serverOf({ machines }: Said, { service, container, target, port }: Route): string {
  if (service !== undefined) return service;
  // A machine without an address has no other that is asked by its own proxy.
  return `${container ?? machines.get(target)!.address ?? '127.0.0.1'}:${port}`;
}
