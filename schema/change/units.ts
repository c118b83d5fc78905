import { sameJson } from '../wire/canonical.ts';
import type { ReleaseApp, ReleaseFile, ReleasePart, ReleaseUnit } from '../wire/release.ts';
import { changedFiles, type FileChange } from './files.ts';

/** What activation does to a service. */
export type Effect = 'start' | 'restart' | 'reload' | 'stop' | 'untouched';

export type UnitChange = {
  readonly app: string;
  readonly service: string;
  readonly kind: ReleaseUnit['kind'];
  readonly effect: Effect;
  /** What brings it about: paths, `secret NAME` or `certificate NAME`; empty for a start and a stop. */
  readonly because: readonly string[];
};

type Held = { readonly app: ReleaseApp; readonly unit: ReleaseUnit };

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const servicesOf = (part: ReleasePart | undefined): Map<string, Held> =>
  new Map(
    (part?.apps ?? []).flatMap((app) => app.units.map((unit) => [unit.service, { app, unit }] as const)),
  );

/** The unit file's name as units list it, or null for a path where systemd does not look. */
const unitNameOf = (path: string): string | null =>
  /^\/etc\/(?:containers\/systemd|systemd\/system)\/(.+)$/.exec(path)?.[1] ?? null;

export type SecretChange = { readonly name: string; readonly kind: 'added' | 'changed' | 'removed' };

/** Secrets of an app that a new release brings otherwise, by name. */
export function changedSecrets(
  before: ReleaseApp | undefined,
  after: ReleaseApp | undefined,
): SecretChange[] {
  const old = new Map((before?.secrets ?? []).map((secret) => [secret.name, secret]));
  const changes: SecretChange[] = [];
  for (const secret of after?.secrets ?? []) {
    const was = old.get(secret.name);
    old.delete(secret.name);
    if (was === undefined) changes.push({ name: secret.name, kind: 'added' });
    else if (!sameJson(was, secret)) changes.push({ name: secret.name, kind: 'changed' });
  }
  for (const name of old.keys()) changes.push({ name, kind: 'removed' });
  return changes.sort((a, b) => byText(a.name, b.name));
}

type Obtained = {
  readonly what: string;
  readonly on_change: ReleaseFile['on_change'];
  readonly said: object;
};

/** What an app gets on its machine that is no part of the release's bytes: fetched files, and certificates. */
const obtainedBy = ({ artifacts, certs }: ReleaseApp): Obtained[] => [
  ...artifacts.map(({ on_change, ...artifact }) => ({
    what: artifact.to,
    on_change,
    said: artifact,
  })),
  ...certs.map(({ on_change, ...cert }) => ({
    what: `certificate ${cert.name}`,
    on_change,
    said: cert,
  })),
];

/**
 * What happens to each service of a target when one part follows another; absent for a target that is new or goes.
 *
 * A service restarts when a unit file of its own has other bytes, when a file, a fetched file or a certificate of its
 * app with `on_change: restart` differs, or a secret of its app does. It reloads for `on_change: reload` alone. `none`,
 * and a file that is only seeded, touch nothing. Which app lists a service makes no difference. What a timer starts is
 * never touched, only stopped when it goes: its next run is as the new files say.
 */
export function changedUnits(before: ReleasePart | undefined, after: ReleasePart | undefined): UnitChange[] {
  const old = servicesOf(before);
  const files = changedFiles(before, after);
  const apps = new Map((after?.files ?? []).map(({ path, app }) => [unitNameOf(path), app]));
  const changes: UnitChange[] = [];
  for (const [service, { app, unit }] of servicesOf(after)) {
    const was = old.get(service);
    old.delete(service);
    const known = { app: app.name, service, kind: unit.kind };
    if (unit.kind === 'triggered') {
      changes.push({ ...known, effect: 'untouched', because: [] });
      continue;
    }
    if (was === undefined) {
      changes.push({ ...known, effect: 'start', because: [] });
      continue;
    }
    const reasons = reasonsFor(was, { app, unit }, files, apps);
    const effect =
      reasons.restart.length > 0 ? 'restart' : reasons.reload.length > 0 ? 'reload' : 'untouched';
    const because = effect === 'restart' ? reasons.restart : reasons.reload;
    changes.push({ ...known, effect, because: [...new Set(because)].sort(byText) });
  }
  for (const [service, { app, unit }] of old) {
    changes.push({ app: app.name, service, kind: unit.kind, effect: 'stop', because: [] });
  }
  return changes.sort((a, b) => byText(a.app, b.app) || byText(a.service, b.service));
}

function reasonsFor(
  was: Held,
  now: Held,
  files: readonly FileChange[],
  apps: ReadonlyMap<string | null, string>,
): { restart: string[]; reload: string[] } {
  const restart: string[] = [];
  const reload: string[] = [];
  const own = new Set([...was.unit.files, ...now.unit.files]);
  const resources = new Set(
    now.app.units.filter(({ kind }) => kind === 'resource').flatMap((unit) => unit.files),
  );
  // Who gives a unit a drop-in may join it to networks of his own.
  const joiners = new Set(
    now.unit.files.filter((name) => name.includes('.d/')).map((name) => apps.get(name)),
  );
  for (const change of files) {
    if (change.kind === 'changed' && change.what === 'listing') continue;
    const file = change.kind === 'removed' ? change.before : change.after;
    const unitName = file.kind === 'unit' ? unitNameOf(change.path) : null;
    if (unitName !== null) {
      const content = change.kind !== 'changed' || change.what === 'content';
      // A network or volume that changed is made anew, under the containers that use it.
      const isJoined = unitName.endsWith('.network') && joiners.has(file.app);
      const isBeneath = now.unit.kind === 'run' && (resources.has(unitName) || isJoined);
      const beneath = isBeneath && change.kind === 'changed';
      if (content && (own.has(unitName) || beneath)) restart.push(change.path);
      continue;
    }
    if (now.unit.kind !== 'run' || (file.app !== now.app.name && file.app !== was.app.name)) continue;
    if (file.manage === 'seed') continue;
    if (file.on_change === 'restart') restart.push(change.path);
    else if (file.on_change === 'reload') reload.push(change.path);
  }
  if (now.unit.kind === 'run') {
    for (const { name, kind } of changedSecrets(was.app, now.app)) {
      if (kind === 'changed') restart.push(`secret ${name}`);
    }
    const old = new Map(obtainedBy(was.app).map((one) => [one.what, one]));
    const differing = obtainedBy(now.app).filter(({ what, said }) => {
      const before = old.get(what);
      old.delete(what);
      return !sameJson(before?.said, said);
    });
    for (const { what, on_change } of [...differing, ...old.values()]) {
      if (on_change === 'restart') restart.push(what);
      else if (on_change === 'reload') reload.push(what);
    }
  }
  return { restart, reload };
}
