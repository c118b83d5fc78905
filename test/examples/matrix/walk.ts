import { isIn } from './addresses.ts';
import { groupsOf, nothing, type Person, type Probe, type Vantage, type Verdict } from './cell.ts';
import type { World } from './oracle.ts';
import type { Programs } from './programs.ts';
import type { Machine, Said } from './said.ts';

/** What a request met on its way, each as `program: what it said`. */
export type Walk = { readonly verdict: Verdict; readonly heard: readonly string[] };

/** Somebody in the internet, as HAProxy tells the proxies. */
const stranger = '198.51.100.7';

/** Middlewares of Traefik that ask nobody who they are, and lead nowhere else. */
const harmless = new Set(['headers', 'rateLimit', 'inFlightReq', 'compress', 'buffering', 'retry']);

const gains: readonly Verdict['outcome'][] = ['nothing', 'denied', 'asked', 'in'];

/**
 * Sends a request through the programs' files: each hop is what the program there says, and where the next hop is
 * comes from its answer alone. Of the manifest only the machines' addresses are used.
 */
export function walk(
  programs: Programs,
  said: Said,
  probe: Probe,
  vantage: Vantage,
  person: Person,
  world: World,
): Walk {
  const heard: string[] = [];
  const hear = <T>(program: string, what: string, value: T): T => {
    heard.push(`${program}: ${what}`);
    return value;
  };
  const { machines, domain } = said;
  const at = (address: string): Machine | undefined =>
    [...machines.values()].find((one) => one.address === address || one.tailnet === address);
  const isUp = (machine: Machine | undefined): boolean =>
    machine !== undefined &&
    world.asleep?.has(machine.name) !== true &&
    (machine.host === undefined || world.asleep?.has(machine.host) !== true);

  /** A request that somebody has got to a proxy's port with. */
  const atProxy = (
    machine: Machine,
    port: number,
    from: string,
    told: string | null,
  ): Omit<Verdict, 'resolves'> => {
    const traefik = programs.traefik.get(machine.name);
    const [door, entry] =
      Object.entries(traefik?.entryPoints ?? {}).find(([, one]) => one.port === port) ?? [];
    if (traefik === undefined || door === undefined)
      return hear(machine.name, `nothing on port ${port}`, nothing);
    const source = told ?? from;
    if (told !== null && !entry!.trusted.some((one) => isIn(from, one)))
      return hear(`Traefik on ${machine.name}`, `believes no PROXY header of ${from}`, nothing);
    const arrives = `${machine.name}:${door}`;
    const answer = traefik.route({ entryPoint: door, sni: probe.host, ...probe });
    if (answer === null || answer.kind === 'redirect')
      return hear(`Traefik on ${machine.name}`, `no router on ${door}`, { ...nothing, arrives });
    const own = answer.service.includes('@internal') ? answer.service : undefined;
    const server = own ?? answer.servers[0];
    const chain = answer.middlewares.map(({ name }) => name).join(' > ');
    hear(`Traefik on ${machine.name}`, `${door}: ${answer.router} (${chain}) to ${server}`, null);
    if (server === undefined) return { ...nothing, arrives };
    const [, host, appPort] = /^(?:[a-z0-9]+:\/\/)?([^:]+)(:\d+)$/.exec(server) ?? [];
    const answers = own ?? `${host}${appPort}`;
    let asks: Verdict['asks'] = null;
    for (const { kind, options } of answer.middlewares) {
      if (kind === 'ipAllowList') {
        const ranges = (options as { sourceRange: string[] }).sourceRange;
        if (!ranges.some((one) => isIn(source, one)))
          return { arrives, answers, asks: null, outcome: 'denied' };
      } else if (kind === 'forwardAuth') {
        const asked = askAuthelia(machine, (options as { address: string }).address, source);
        if (asked === null) return { arrives, answers, asks: null, outcome: 'denied' };
        const { policy, outcome } = asked;
        if (outcome === 'denied') return { arrives, answers, asks: null, outcome };
        asks = policy === 'one_factor' || policy === 'two_factor' ? policy : null;
        if (outcome === 'asked') return { arrives, answers, asks, outcome };
      } else if (!harmless.has(kind)) throw new Error(`the middleware ${kind} is not read here`);
    }
    return { arrives, answers, asks, outcome: 'in' };
  };

  /** What Authelia says, asked by the proxy of a machine; null where it is not reached. */
  const askAuthelia = (machine: Machine, address: string, source: string) => {
    const { hostname, pathname } = new URL(address);
    let told = { host: probe.host, path: probe.path, method: probe.method, address: source };
    if (hostname.includes('.')) {
      // By its public name, at another proxy, which need not believe what it is told of the request.
      const found = resolveAtHome(hostname);
      const other = found === null || found === 'outside' ? undefined : at(found);
      const traefik = other === undefined ? undefined : programs.traefik.get(other.name);
      const [door] = Object.entries(traefik?.entryPoints ?? {}).find(([, { port }]) => port === 443) ?? [];
      if (traefik === undefined || door === undefined) return hear('Unbound', `no way to ${hostname}`, null);
      const answer = traefik.route({ entryPoint: door, sni: hostname, path: pathname });
      if (answer === null || answer.kind === 'redirect' || !answer.servers[0]?.startsWith('http://authelia:'))
        return hear(`Traefik on ${other!.name}`, `${hostname} is not Authelia`, null);
      const own = machine.address!;
      if (!traefik.forwarded[door]!.some((one) => isIn(own, one)))
        told = { host: hostname, path: pathname, method: 'GET', address: own };
    } else if (hostname !== 'authelia') throw new Error(`${hostname} is asked who may pass`);
    const isKnown = person !== 'anonymous';
    const policy = programs.authelia.decide({ ...told, ...(isKnown && { groups: groupsOf[person] }) });
    const outcome = policy === 'bypass' ? 'in' : policy === 'deny' ? 'denied' : isKnown ? 'in' : 'asked';
    const what = `${policy} for ${told.host} from ${told.address}: ${outcome}`;
    return hear('Authelia', what, { policy, outcome } as const);
  };

  /** By the name servers at home, which must agree; null where the name is not there. */
  const resolveAtHome = (name: string): string | 'outside' | null => {
    const [first, ...others] = [...programs.names].map(([machine, reader]) => {
      const answer = reader.ask(name);
      const value = answer === 'outside' ? answer : (answer[0] ?? null);
      return hear(`DNS of ${machine}`, `${name} is ${value ?? 'not there'}`, value);
    });
    return others.every((one) => one === first)
      ? first!
      : hear('DNS', 'the servers say different things', null);
  };

  const fromOutside = (): Omit<Verdict, 'resolves'> => {
    const [edge, haproxy] = [...programs.haproxy][0]!;
    const passed = haproxy.pass(probe.host, (server) => {
      const machine = at(server.split(':')[0]!);
      return machine === undefined || isUp(machine);
    });
    if (passed === null) return hear('HAProxy', 'dropped', nothing);
    hear('HAProxy', `${passed.backend}, ${passed.server}`, null);
    const [address, port] = [passed.server.split(':')[0]!, Number(passed.server.split(':')[1])];
    if (address === '127.0.0.1' && !passed.proxied) {
      return { arrives: `${edge}:straight`, answers: passed.server, asks: null, outcome: 'in' };
    }
    const machine = at(address);
    if (machine === undefined || !isUp(machine)) return hear('HAProxy', `nothing at ${address}`, nothing);
    const isTailnet = machine.tailnet === address;
    if (isTailnet && !programs.tailnet.accepts(programs.tailnet.node(edge), address, port))
      return hear('Headscale', `${edge} may not reach ${passed.server}`, nothing);
    return atProxy(machine, port, machines.get(edge)!.tailnet!, passed.proxied ? stranger : null);
  };

  const fromTailnet = (): Verdict => {
    const { tailnet } = programs;
    const device = tailnet.device(person);
    let address: string | 'outside' | null = tailnet.record(probe.host) ?? null;
    if (address === null) {
      const server = tailnet.asked(probe.host)[0];
      const answering = server === undefined ? undefined : at(server);
      if (answering === undefined) address = 'outside';
      else if (!tailnet.accepts(device, server!, 53))
        return hear('Headscale', `${probe.host} is asked of ${server}, which it may not reach`, {
          resolves: null,
          ...nothing,
        });
      else {
        const answer = programs.names.get(answering.name)!.ask(probe.host);
        address = answer === 'outside' ? answer : (answer[0] ?? null);
      }
    }
    if (address === null) return { resolves: null, ...nothing };
    if (address === 'outside') return { resolves: 'outside', ...fromOutside() };
    hear('Headscale', `${probe.host} is ${address}`, null);
    const machine = at(address);
    if (machine === undefined) return { resolves: address, ...nothing };
    if (!isUp(machine)) return { resolves: machine.name, ...nothing };
    if (!tailnet.accepts(device, address, 443))
      return hear('Headscale', `a device may not reach ${address}:443`, {
        resolves: machine.name,
        ...nothing,
      });
    // Behind a subnet router everybody has its address.
    const isNode = machine.tailnet === address;
    const from = isNode ? device.addresses[0]! : machines.get('router')!.address!;
    return { resolves: machine.name, ...atProxy(machine, 443, from, null) };
  };

  const fromHome = (): Verdict => {
    const address = resolveAtHome(probe.host);
    if (address === null) return { resolves: null, ...nothing };
    if (address === 'outside') {
      return probe.host.endsWith(domain)
        ? { resolves: 'outside', ...fromOutside() }
        : { resolves: 'outside', ...nothing };
    }
    const machine = at(address);
    if (!isUp(machine)) return { resolves: address, ...nothing };
    return { resolves: address, ...atProxy(machine!, 443, world.homeAddress, null) };
  };

  /** The most that the public machine gets at any door of the machine that has the name at home. */
  const fromTaken = (): Verdict => {
    const [edge] = programs.haproxy.keys();
    const { tailnet: own } = machines.get(edge!)!;
    const machine = at(resolveAtHome(probe.host) ?? '');
    if (machine === undefined || !isUp(machine)) return { resolves: null, ...nothing };
    const doors = Object.values(programs.traefik.get(machine.name)?.entryPoints ?? {});
    const attempts = [machine.tailnet, machine.address].flatMap((address) =>
      doors.flatMap(({ port, trusted }) => {
        if (address === undefined || !programs.tailnet.accepts(programs.tailnet.node(edge!), address, port))
          return [];
        return [atProxy(machine, port, own!, trusted.length > 0 ? world.homeAddress : null)];
      }),
    );
    const best = attempts.sort((a, b) => gains.indexOf(b.outcome) - gains.indexOf(a.outcome))[0];
    return { resolves: null, ...(best ?? nothing) };
  };

  const ways: Readonly<Record<Vantage, () => Verdict>> = {
    public: () => ({ resolves: 'outside', ...fromOutside() }),
    home: fromHome,
    tailnet: fromTailnet,
    taken: fromTaken,
  };
  return { verdict: ways[vantage](), heard };
}
