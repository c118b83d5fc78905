import type { UnitChange } from '../../schema/change/units.ts';
import { ok, type Result } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import { isRunning, type Systemd, type SystemdReason } from './systemd.ts';
import { isTemplate, unitsOf } from './units.ts';

/** What is asked of systemd for a release, in this order. Of a template, what is meant are its instances that run. */
export type ServiceWork = {
  /** Stopped before the files are switched: their units go away. */
  readonly stop: readonly string[];
  /** Networks that are made anew, which stops whoever needs them. */
  readonly remake: readonly string[];
  /** Networks that go away. */
  readonly drop: readonly string[];
  readonly groups: readonly WorkOfApp[];
};

/** One group an app, in the order of what they use; each is done before the next begins. */
export type WorkOfApp = {
  readonly app: string;
  readonly start: readonly string[];
  readonly restart: readonly string[];
  readonly reload: readonly string[];
};

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Apps of a part, each behind those that it is started after. Of a ring, the rest in the order of names. */
export function orderApps({ apps }: ReleasePart): string[] {
  const names = new Set(apps.map(({ name }) => name));
  const left = new Map(
    [...apps]
      .sort((a, b) => byText(a.name, b.name))
      .map(({ name, after }) => [name, new Set(after.filter((other) => other !== name && names.has(other)))]),
  );
  const ordered: string[] = [];
  while (left.size > 0) {
    const next = [...left].find(([, after]) => after.size === 0)?.[0] ?? left.keys().next().value!;
    ordered.push(next);
    left.delete(next);
    for (const after of left.values()) after.delete(next);
  }
  return ordered;
}

/** Says what is asked of systemd, and in which order. */
export function orderServices(
  before: ReleasePart | undefined,
  after: ReleasePart,
  changes: readonly UnitChange[],
): ServiceWork {
  const files = new Map([...unitsOf(before), ...unitsOf(after)].map((unit) => [unit.service, unit.files]));
  const isMadeBy = (service: string, suffix: RegExp): boolean =>
    (files.get(service) ?? []).some((name) => suffix.test(name));
  const isNetwork = ({ service }: UnitChange): boolean => isMadeBy(service, /\.network$/);
  /** Images are pulled and built anew before their users start; a volume is never made anew: it holds data. */
  const isAsked = ({ service, kind, effect }: UnitChange): boolean => {
    if (isTemplate(service)) return effect !== 'start';
    return kind === 'run' || (effect === 'restart' && isMadeBy(service, /\.(image|build)$/));
  };
  const ofApp = (app: string, effect: UnitChange['effect']): string[] =>
    changes
      .filter((change) => change.app === app && change.effect === effect && isAsked(change))
      .sort((a, b) => Number(b.kind === 'resource') - Number(a.kind === 'resource'))
      .map(({ service }) => service);
  const gone = changes.filter(({ effect }) => effect === 'stop');
  return {
    stop: gone.map(({ service }) => service),
    remake: changes
      .filter((change) => change.effect === 'restart' && isNetwork(change))
      .map(({ service }) => service),
    drop: gone.filter(isNetwork).map(({ service }) => service),
    groups: orderApps(after)
      .map((app) => ({
        app,
        start: ofApp(app, 'start'),
        restart: ofApp(app, 'restart'),
        reload: ofApp(app, 'reload'),
      }))
      .filter(({ start, restart, reload }) => start.length + restart.length + reload.length > 0),
  };
}

/**
 * Puts the instances that run in the place of their templates. A socket that restarts takes along what it has started:
 * systemd refuses to open it again while that runs.
 */
export async function resolveWork(
  systemd: Systemd,
  work: ServiceWork,
): Promise<Result<ServiceWork, SystemdReason>> {
  const all = [work.stop, ...work.groups.flatMap(({ restart, reload }) => [restart, reload])].flat();
  const templates = all.filter(isTemplate);
  const instances = await systemd.instances(templates);
  if (!instances.ok) return instances;
  const sockets = work.groups.flatMap(({ restart }) => restart.filter((name) => name.endsWith('.socket')));
  const shown = await systemd.show(sockets);
  if (!shown.ok) return shown;
  const started = new Map(shown.value.map(({ triggers }, index) => [sockets[index]!, triggers]));
  const running = await systemd.show([...new Set([...started.values()].flat())]);
  if (!running.ok) return running;
  const runs = new Set(running.value.filter(isRunning).map(({ service }) => service));
  const resolved = (names: readonly string[]): string[] => [
    ...new Set(
      names.flatMap((name) => {
        if (isTemplate(name)) {
          const [prefix, suffix] = name.split('@') as [string, string];
          return instances.value.filter((one) => one.startsWith(`${prefix}@`) && one.endsWith(suffix));
        }
        return [name, ...(started.get(name) ?? []).filter((one) => runs.has(one))];
      }),
    ),
  ];
  return ok({
    ...work,
    stop: resolved(work.stop),
    groups: work.groups.map(({ app, start, restart, reload }) => ({
      app,
      start,
      restart: resolved(restart),
      reload: resolved(reload),
    })),
  });
}
