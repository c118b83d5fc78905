import type { Tell } from '../finding.ts';
import type { Machine, Needing } from '../machine.ts';
import { sectionOf } from '../names.ts';
import { all, isTrue, lastValue, type Unit, unitPlace } from '../unit.ts';
import { splitWords } from '../words.ts';

/**
 * Units that wait for each other by After and Before, those that Podman adds among them: a unit starts after the
 * files that it names, a pod before its containers. systemd would break the ring by leaving one out.
 */
export function judgeCycles(needing: Needing, machine: Machine, tell: Tell): void {
  const known = new Map(needing.map(({ unit }) => [unit.service, unit]));
  const waits = new Map<Unit, Set<Unit>>();
  const add = (from: Unit | undefined, to: Unit | undefined): void => {
    if (from === undefined || to === undefined) return;
    waits.set(from, (waits.get(from) ?? new Set()).add(to));
  };
  for (const { unit, needs } of needing) {
    for (const key of ['After', 'Before'] as const) {
      for (const one of all(unit, 'Unit', key)) {
        for (const { text } of splitWords(one.value, 'list').words) {
          if (key === 'After') add(unit, known.get(text));
          else add(known.get(text), unit);
        }
      }
    }
    for (const { name } of needs.units) add(unit, machine.units.get(name));
    const { kind } = unit.name;
    if (kind === 'container' || kind === 'pod' || kind === 'kube') {
      for (const one of all(unit, sectionOf(kind), 'Network')) {
        const name = one.value.split(':')[0]!;
        if (name.endsWith('.container')) add(unit, machine.units.get(name));
      }
    }
    const pod = needs.pod === undefined ? undefined : machine.units.get(needs.pod.name);
    // Before= of the pod says the same as After= of the container, unless the pod does not start it.
    if (pod !== undefined && isTrue(lastValue(unit, 'Container', 'StartWithPod') ?? 'true')) add(unit, pod);
  }
  for (const ring of findRings(waits)) {
    const first = ring[0]!;
    const names = [...ring, first].map(({ name }) => name.unit).join(' → ');
    tell(unitPlace(first), 'dependency_cycle', `units wait for each other: ${names}`, {
      suggestion: 'Take one of the dependencies away.',
    });
  }
}

/** Each ring once, found without recursion: chains may be long. */
function findRings(waits: ReadonlyMap<Unit, ReadonlySet<Unit>>): Unit[][] {
  const rings: Unit[][] = [];
  const state = new Map<Unit, 'open' | 'done'>();
  for (const root of waits.keys()) {
    const trail: { unit: Unit; left: Unit[] }[] = [];
    const enter = (unit: Unit): void => {
      state.set(unit, 'open');
      trail.push({ unit, left: [...(waits.get(unit) ?? [])] });
    };
    if (!state.has(root)) enter(root);
    while (trail.length > 0) {
      const top = trail.at(-1)!;
      const next = top.left.pop();
      if (next === undefined) {
        state.set(top.unit, 'done');
        trail.pop();
      } else if (state.get(next) === 'open') {
        rings.push(trail.slice(trail.findIndex(({ unit }) => unit === next)).map(({ unit }) => unit));
      } else if (!state.has(next)) enter(next);
    }
  }
  return rings;
}
