import { ok, type Result } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Machine, MachineReason } from '../machine/machine.ts';
import { networkNames } from './networks.ts';
import type { ServiceWork } from './order-services.ts';
import type { Switch } from './plan-switch.ts';
import { isRunning, type Systemd, type SystemdReason } from './systemd.ts';
import type { Pending } from './target-state.ts';
import { isNative, unitsOf } from './units.ts';

/** Says what to remember before anything changes: files, services as they run, and what starts with the machine. */
export async function findWayBack(
  machine: Machine,
  systemd: Systemd,
  given: {
    readonly before: ReleasePart | undefined;
    readonly after: ReleasePart;
    readonly moves: Switch;
    readonly work: ServiceWork;
    readonly digest: string;
  },
): Promise<Result<Pending, MachineReason | SystemdReason>> {
  const { before, after, moves, work, digest } = given;
  const changing = [...work.remake, ...work.drop];
  const networks = before === undefined ? ok([]) : await networkNames(machine, before, changing);
  if (!networks.ok) return networks;
  const users = await systemd.show(changing);
  if (!users.ok) return users;
  const started = work.groups.flatMap(({ start, restart }) => [...start, ...restart]);
  const reloaded = new Set(work.groups.flatMap(({ reload }) => reload));
  const names = [
    ...new Set([
      ...work.stop,
      ...changing,
      ...started,
      ...reloaded,
      ...users.value.flatMap(({ requiredBy }) => requiredBy.filter((name) => name.endsWith('.service'))),
    ]),
  ];
  const shown = await systemd.show(names);
  if (!shown.ok) return shown;
  const native = new Set(
    [...unitsOf(before), ...unitsOf(after)].filter(isNative).map(({ service }) => service),
  );
  const files = new Map(shown.value.map(({ file }, index) => [names[index]!, file]));
  const touched = names.filter((name) => native.has(name) && !reloaded.has(name));
  return ok({
    part: digest,
    undo: [...moves.undo],
    services: shown.value.map((unit, index) => ({
      name: names[index]!,
      ran: isRunning(unit),
      invocation: isRunning(unit) ? unit.invocation : '',
      reload: reloaded.has(names[index]!),
    })),
    enabled: touched.filter((name) => files.get(name) === 'enabled'),
    disabled: touched.filter((name) => files.get(name) !== 'enabled'),
    networks: networks.value,
  });
}
