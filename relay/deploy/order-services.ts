import type { UnitChange } from '../../schema/change/units.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';

/** What is asked of systemd for a release, in this order. */
export type ServiceWork = {
  /** Stopped before the files are switched: their units go away. */
  readonly stop: readonly string[];
  /** Networks that are made anew, which stops whoever needs them. */
  readonly remake: readonly string[];
  /** One group an app, in the order of what they use; each is done before the next begins. */
  readonly groups: readonly {
    readonly app: string;
    readonly start: readonly string[];
    readonly restart: readonly string[];
    readonly reload: readonly string[];
  }[];
};

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Apps of a part, each behind those that it is started after. Of a ring, the rest in the order of names. */
function orderApps({ apps }: ReleasePart): string[] {
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

/** Whether a service is started with its app; a template has no instance, and all but `run` is pulled in by others. */
const isStarted = ({ service, kind }: UnitChange): boolean => kind === 'run' && !service.includes('@.');

/** Says what is asked of systemd, and in which order. */
export function orderServices(after: ReleasePart, changes: readonly UnitChange[]): ServiceWork {
  const ofApp = (app: string, effect: UnitChange['effect']): string[] =>
    changes
      .filter((change) => change.app === app && change.effect === effect && isStarted(change))
      .map(({ service }) => service);
  return {
    stop: changes.filter(({ effect }) => effect === 'stop').map(({ service }) => service),
    remake: changes
      .filter(
        ({ kind, effect, service }) =>
          kind === 'resource' && effect === 'restart' && /-network\.service$/.test(service),
      )
      .map(({ service }) => service),
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
