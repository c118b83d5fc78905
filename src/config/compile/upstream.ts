import type { RouteEntry } from '../../../schema/manifest/route.ts';
import { didYouMean } from '../../../schema/near.ts';
import { whatNeeds } from '../../../schema/quadlet/needs.ts';
import { all, lastValue, resourceName, type Unit } from '../../../schema/quadlet/unit.ts';
import type { Place } from '../finding.ts';
import type { Target } from '../home.ts';
import { fault, type Tell } from './units.ts';

type Reached = Partial<Pick<RouteEntry, 'port' | 'container' | 'service'>>;

export type Way = {
  readonly app: string;
  /** The units that the app brings to its machine. */
  readonly units: readonly Unit[];
  /** The machine of the app, and the one whose proxy answers. */
  readonly machine: Target;
  readonly proxy: string;
  /** Whether that proxy is one that Writ configures. */
  readonly known: boolean;
  /** Where the route says its port. */
  readonly portPlace: Place;
};

/** How a proxy names an app: by its container or pod on the same machine, else by the machine's address. */
export function upstreamHost(way: Way, entry: Reached, place: Place, tell: Tell): string | null {
  const { app, units, machine, proxy, known } = way;
  if (entry.service !== undefined) return '';
  const containers = units.filter(({ name }) => name.kind === 'container');
  const local = proxy === machine.name && known;
  if (local && containers.length > 0) {
    const named = containers.map((unit) => ({ unit: unit.name.base, ...nameOf(unit, units) }));
    const wanted = entry.container;
    const isOne = new Set(named.map(({ host }) => host)).size === 1;
    const found =
      wanted === undefined
        ? (named.find(({ unit }) => unit === app) ?? (isOne ? named[0] : undefined))
        : named.find(({ unit, own }) => unit === wanted || own === wanted);
    if (found === undefined) {
      const names = named.map(({ unit }) => unit);
      const message =
        wanted === undefined
          ? `the app has several containers; which one answers? (container: ${names.join(' or ')})`
          : `the app has no container ${wanted}`;
      const near = wanted === undefined ? '' : didYouMean(wanted, names);
      tell(fault(place, 'route_container', message, near, [`${app}.units`, `apps/${app}/*`]));
      return null;
    }
    if (found.plain) return found.host;
  }
  if (known && proxy !== machine.name) judgePublished(entry, way, tell);
  if (machine.address === undefined) {
    if (proxy === machine.name) return '127.0.0.1';
    const message = `${proxy} cannot reach the app: ${machine.name} states no address in homelab.yaml`;
    tell(fault(place, 'address_missing', message, '', [`${machine.name}.address`]));
    return null;
  }
  return machine.address;
}

const isOnMachine = (unit: Unit, section: string): boolean =>
  all(unit, section, 'Network').some(({ value }) => value === 'host');

/** Podman's DNS knows what is in a pod by the name of the pod alone. */
function nameOf(unit: Unit, units: readonly Unit[]): { own: string; host: string; plain: boolean } {
  const own = resourceName(unit) ?? `systemd-${unit.name.base}`;
  const said = lastValue(unit, 'Container', 'Pod') ?? '';
  if (said === '') return { own, host: own, plain: !isOnMachine(unit, 'Container') };
  const pod = units.find(({ file }) => file.name === said);
  if (pod === undefined) return { own, host: `systemd-${said.replace(/\.pod$/, '')}`, plain: true };
  return { own, host: resourceName(pod)!, plain: !isOnMachine(pod, 'Pod') };
}

/** From another machine the app is reached at a port that is published, which often is not the container's. */
function judgePublished({ port }: Reached, { app, units, machine, proxy, portPlace }: Way, tell: Tell): void {
  const boxes = units.filter(({ name }) => name.kind === 'container' || name.kind === 'pod');
  const isOtherwise = units.some(
    (unit) =>
      unit.name.kind === 'kube' ||
      isOnMachine(unit, 'Container') ||
      isOnMachine(unit, 'Pod') ||
      [...all(unit, 'Container', 'PodmanArgs'), ...all(unit, 'Pod', 'PodmanArgs')].length > 0,
  );
  if (port === undefined || boxes.length === 0 || isOtherwise) return;
  const published = boxes
    .flatMap((unit) => whatNeeds(unit).ports)
    .filter(({ protocol, ip }) => protocol === 'tcp' && ip !== '127.0.0.1' && ip !== '::1');
  // Where Podman picks the port, or the pod is another app's, it is not known.
  if (published.some(({ host }) => host === undefined || (host[0] <= port && port <= host[1]))) return;
  if (published.length === 0 && boxes.some((unit) => (lastValue(unit, 'Container', 'Pod') ?? '') !== ''))
    return;
  const inside = published.find(({ container }) => container[0] <= port && port <= container[1]);
  const meant = inside === undefined ? undefined : inside.host![0] + port - inside.container[0];
  tell({
    ...fault(
      portPlace,
      'route_port_unpublished',
      `${proxy} reaches the app at a port of ${machine.name}, where no unit of it publishes ${port}`,
      meant === undefined ? `PublishPort=${port}:${port} in the unit does.` : `Did you mean port: ${meant}?`,
      [`${app}.units`, `apps/${app}/*`],
    ),
    severity: 'warning',
  });
}
