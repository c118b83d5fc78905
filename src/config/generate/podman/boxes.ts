import { sectionOf } from '../../../../schema/quadlet/names.ts';
import { all, lastValue, readUnits, type Unit } from '../../../../schema/quadlet/unit.ts';
import { unitFileOf } from '../../compile/unit-file.ts';
import type { Home, Target } from '../../home.ts';

/** A network as a unit names it: `home.network` or `home`, and what stands behind the colon. */
export type Joined = { readonly name: string; readonly options: readonly string[] };

/** Whether two lists of networks are one and the same. */
export const isSame = (a: readonly Joined[], b: readonly Joined[]): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

/** A container, pod or Kubernetes file of a machine whose networks can be told. */
export type Box = {
  readonly app: string;
  readonly unit: Unit;
  readonly networks: readonly Joined[];
};

/** Forms of Network= that are no network of Podman's: the container then has none of its own, or the machine's. */
const modes = /^(host|none|bridge|private|pasta|slirp4netns|default|ns|container)$/;

/** What a machine runs, read with the drop-ins that its apps bring. */
export type Boxes = {
  readonly boxes: readonly Box[];
  /** Networks that the machine's own units make, by the unit's name, with the app that brings it. */
  readonly networks: ReadonlyMap<string, string>;
  readonly units: readonly Unit[];
};

/**
 * Boxes whose networks somebody may say anew. Left out is what is in a pod, has the network of the machine or of
 * another container, or is told its network by an argument of Podman.
 */
export function boxesOn(home: Home, target: Target): Boxes {
  const own = home.instances.filter((instance) => instance.target === target.name);
  const appOf = new Map(own.flatMap(({ app, units }) => units.map(({ name }) => [name, app] as const)));
  const units = readUnits(own.flatMap((instance) => instance.units.map(unitFileOf)));
  const networks = new Map<string, string>();
  const boxes: Box[] = [];
  for (const unit of units) {
    const { kind } = unit.name;
    const app = appOf.get(unit.file.name)!;
    if (kind === 'network') networks.set(unit.file.name, app);
    if (kind !== 'container' && kind !== 'pod' && kind !== 'kube') continue;
    const section = sectionOf(kind);
    if ((lastValue(unit, section, 'Pod') ?? '') !== '') continue;
    const joined = all(unit, section, 'Network').map(({ value }): Joined => {
      const [name = '', ...rest] = value.split(':');
      return { name, options: rest.length === 0 ? [] : rest.join(':').split(',') };
    });
    if (joined.some(({ name }) => modes.test(name) || name.endsWith('.container'))) continue;
    if (all(unit, section, 'PodmanArgs').some(({ value }) => /--net(work)?\b/.test(value))) continue;
    boxes.push({ app, unit, networks: joined });
  }
  return { boxes, networks, units };
}
