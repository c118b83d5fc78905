import { didYouMean } from '../../../../schema/near.ts';
import { unlessMachine } from '../../broken.ts';
import { isStraight } from '../../compile/ingress.ts';
import { machineOf, wholeName } from '../../compile/routes.ts';
import type { Home, Route, Target } from '../../home.ts';
import { byText } from '../../repo.ts';
import type { Tell } from '../generator.ts';
import type { HaproxyOptions } from './options.ts';

/** Where HAProxy passes connections on to. */
export type Backend = {
  readonly name: string;
  /** What it is called in HAProxy's logs. */
  readonly server: string;
  readonly address: string;
  readonly port: number;
  /** Whether it takes a PROXY header. */
  readonly proxied: boolean;
  readonly sleeps: boolean;
};

/** What one public machine passes on, and where to. */
export type Edge = {
  /** Sorted by name. */
  readonly backends: readonly Backend[];
  /** Whole names and their backends, sorted. */
  readonly names: readonly (readonly [name: string, backend: string])[];
  /** Ends of names with the dot before them, the longest first: HAProxy takes the first that fits. */
  readonly suffixes: readonly (readonly [suffix: string, backend: string])[];
  /** The backend that answers for those that sleep. */
  readonly waking?: string;
};

/** In place of a backend: a name of the home alone that a public wildcard would cover. */
export const closed = 'closed';

/** What `target` passes on. Names of the home alone are in it only to be refused. */
export function edgeOf(
  home: Home,
  target: Target,
  { catch_all: catchAll }: Pick<HaproxyOptions, 'catch_all'>,
  tell: Tell,
): Edge {
  const backends = new Map<string, Backend>();
  const add = (backend: Backend): string => {
    backends.set(backend.name, backend);
    return backend.name;
  };
  /** The backend of a machine's proxy; null, and told, where it cannot be reached. */
  const proxyAt = (name: string): string | null => {
    const machine = machineOf(home, name)!;
    // On the machine itself no network lies between.
    const address = name === target.name ? '127.0.0.1' : (machine.tailnet ?? machine.address);
    if (address === undefined) {
      tell({
        severity: 'error',
        code: 'address_missing',
        message: `${target.name} cannot reach the proxy of ${name}, which states no address in homelab.yaml`,
        suggestion: `Give ${name} a tailnet address.`,
        unless: [`${name}.tailnet`, `${name}.address`],
      });
      return null;
    }
    const sleeps = machine.kind === 'host' ? machine.sleeps : machine.may_sleep;
    const port = home.ingress.ports.public;
    return add({ name: `be_${name}`, server: name, address, port, proxied: true, sleeps });
  };
  const backendOf = (route: Route): string | null => {
    if (!isStraight(target.name, route)) return proxyAt(route.proxy);
    const { port } = route.upstream!;
    const name = `local_${port}`;
    return add({ name, server: route.app, address: '127.0.0.1', port, proxied: false, sleeps: false });
  };

  const names = new Map<string, string>();
  const suffixes = new Map<string, string>();
  for (const route of home.routes) {
    const backend = route.public ? backendOf(route) : null;
    if (backend === null) continue;
    for (const host of route.hosts) {
      if (host.startsWith('*.')) suffixes.set(host.slice(1), backend);
      else names.set(host, backend);
    }
  }
  const own = new Set(home.names.filter((one) => !one.public).map(({ name }) => name));
  if (catchAll !== undefined) {
    const domain = home.site.domain;
    if (machineOf(home, catchAll) === undefined) {
      const all = [...Object.keys(home.guests), ...Object.keys(home.hosts)];
      const suggestion = didYouMean(catchAll, all).trim();
      const message = `options.catch_all: there is no guest or host ${catchAll}`;
      tell({
        severity: 'error',
        code: 'unknown_target',
        message,
        ...(suggestion !== '' && { suggestion }),
        unless: unlessMachine(catchAll),
      });
    } else {
      const backend = proxyAt(catchAll);
      if (backend !== null) {
        if (!names.has(domain) && !own.has(domain)) names.set(domain, backend);
        if (!suffixes.has(`.${domain}`) && !own.has(`*.${domain}`)) suffixes.set(`.${domain}`, backend);
      }
    }
  }
  closeHomeNames(own, names, suffixes);
  const waking = home.ingress.waking === undefined ? null : backendOf(home.ingress.waking);
  return {
    backends: [...backends.values()].sort((a, b) => byText(a.name, b.name)),
    names: [...names].sort(([a], [b]) => byText(a, b)),
    suffixes: [...suffixes].sort(([a], [b]) => b.length - a.length || byText(a, b)),
    ...(waking !== null && { waking }),
  };
}

/** A wildcard is public for what nobody named, not for what is the home's alone. */
function closeHomeNames(own: ReadonlySet<string>, names: Map<string, string>, suffixes: Map<string, string>) {
  const open = [...suffixes.keys()];
  for (const name of own) {
    const [ends, list] = name.startsWith('*.') ? [name.slice(1), suffixes] : [name, names];
    if (open.some((suffix) => ends.endsWith(suffix))) list.set(ends, closed);
  }
}

/** A name of a list as options write it, whole. */
export const wholeNames = (home: Home, names: readonly string[]): string[] =>
  [...new Set(names.map((name) => wholeName(name, home.site.domain)))].sort(byText);
