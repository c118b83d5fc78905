import type { AppFile, FileEntry, UnitEntry } from '../../../schema/manifest/app.ts';
import type { ArtifactEntry, Update } from '../../../schema/manifest/native.ts';
import type { Derived, UseEntry } from '../../../schema/manifest/uses.ts';
import { didYouMean } from '../../../schema/near.ts';
import { isRun } from '../../../schema/quadlet/names.ts';
import { whatNeeds } from '../../../schema/quadlet/needs.ts';
import { type Unit as ParsedUnit, readUnits as parseUnits } from '../../../schema/quadlet/unit.ts';
import type { ConfigCode } from '../codes.ts';
import type { Finding, Place } from '../finding.ts';
import type { Instance, Unit } from '../home.ts';
import type { AppSource, Manifest } from '../read/manifest.ts';
import { reservedIn } from '../read/manifest.ts';
import { readText } from '../read/text.ts';
import type { Path } from '../read/yaml.ts';
import { byText } from '../repo.ts';
import { buildUnits } from './builds.ts';
import { unitFileOf } from './unit-file.ts';

/** Rendered texts of unit templates, by `target app name`; empty before they are rendered. */
export type RenderedUnits = ReadonlyMap<string, string>;
export const unitKey = (target: string, app: string, name: string): string => `${target} ${app} ${name}`;

/** An app in one place, with the file of the repo that each unit comes from. */
export type Placed = Instance & {
  readonly source: AppSource;
  /** Its unit files read, each with the drop-ins of the app that apply to it. */
  readonly parsed: readonly ParsedUnit[];
  readonly unitSources: ReadonlyMap<string, string>;
  readonly routesAt: Path;
  /** Secrets that are made of others on the target, by name. */
  readonly derived: Readonly<Record<string, Derived>>;
  /** What is fetched from elsewhere, that of this place alone among it. */
  readonly artifacts: readonly ArtifactEntry[];
  readonly update: Update | undefined;
};

/** The instance as templates and generators read it. */
export const instanceOf = ({
  source: _,
  parsed: __,
  unitSources: ___,
  routesAt: ____,
  derived: _____,
  artifacts: ______,
  update: _______,
  ...instance
}: Placed): Instance => instance;

export type Tell = (finding: Finding) => void;

export const fault = (place: Place, code: ConfigCode, message: string, suggestion = ''): Finding => ({
  ...place,
  severity: 'error',
  code,
  message,
  ...(suggestion.trim() !== '' && { suggestion: suggestion.trim() }),
});

/** Turns `*` and `?` of a pattern into what they match within one folder; `**` crosses folders. */
export function matcher(pattern: string): (path: string) => boolean {
  if (!/[*?]/.test(pattern)) return (path) => path === pattern;
  const source = pattern
    .split(/(\*\*\/?|\*|\?)/)
    .map((part) =>
      part.startsWith('**')
        ? '.*'
        : part === '*'
          ? '[^/]*'
          : part === '?'
            ? '[^/]'
            : part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'),
    )
    .join('');
  const regex = new RegExp(`^${source}$`);
  return (path) => regex.test(path);
}

/** Puts each app where its `on` says; what cannot be placed is told. */
export function placeApps(
  apps: readonly AppSource[],
  machines: ReadonlySet<string>,
  { homelab, vars, broken }: Pick<Manifest, 'homelab' | 'vars' | 'broken'>,
  rendered: RenderedUnits,
  tell: Tell,
): Placed[] {
  const placed: Placed[] = [];
  for (const source of apps) {
    const { file, yaml, name } = source;
    for (const finding of reservedIn(yaml, file.vars, ['vars'])) tell(finding);
    const seen = new Set<string>();
    for (const [index, given] of file.on.entries()) {
      const whole = typeof given === 'string' ? undefined : given;
      const target = typeof given === 'string' ? given : given.guest;
      // `on: x` is read as a list of one; the text has no index then.
      const at: Path = Array.isArray((yaml.value as { on: unknown }).on) ? ['on', index] : ['on'];
      const place = yaml.place(at);
      if (!machines.has(target)) {
        if (broken.has(target)) continue;
        tell(
          fault(place, 'unknown_target', `there is no guest or host ${target}`, didYouMean(target, machines)),
        );
        continue;
      }
      if (seen.has(target)) {
        tell(fault(place, 'placed_twice', `${name} is on ${target} already`));
        continue;
      }
      seen.add(target);
      if (whole !== undefined)
        for (const finding of reservedIn(yaml, whole.vars, [...at, 'vars'])) tell(finding);
      const sources = unitsOf(
        source,
        [
          ...file.units.map((entry, i) => ({ entry, at: ['units', i] })),
          ...(whole?.units ?? []).map((entry, i) => ({ entry, at: [...at, 'units', i] })),
        ],
        seen.size === 1,
        tell,
      );
      const read = readUnits(source, target, sources, rendered, seen.size === 1, tell);
      const units = [...read, ...buildUnits(source)].sort((a, b) => byText(a.name, b.name));
      const files = [
        ...file.files.map((entry, i) => ({
          ...entry,
          place: yaml.place(['files', i]),
          at: ['files', i] as Path,
        })),
        ...(whole?.files ?? []).map((entry, i) => ({
          ...entry,
          place: yaml.place([...at, 'files', i]),
          at: [...at, 'files', i] as Path,
        })),
      ];
      const parsed = parseUnits(units.map(unitFileOf));
      const services = parsed.filter((unit) => isRun(unit.name)).map(({ service }) => service);
      if (file.service !== undefined) services.push(file.service);
      const ownRoutes = whole?.route !== undefined || whole?.routes !== undefined;
      placed.push({
        app: name,
        target,
        vars: { ...vars, ...file.vars, ...whole?.vars },
        units,
        files: files.filter((entry) => isFileEntry(entry, tell)),
        uses: file.uses,
        services: [...new Set(services)].sort(byText),
        secrets: secretsOf(source, parsed, seen.size === 1, tell),
        place,
        source,
        parsed,
        unitSources: new Map([...sources].map(([unit, { path }]) => [unit, path])),
        routesAt: ownRoutes ? at : [],
        derived: derivedOf(file.secrets),
        artifacts: [...file.artifacts, ...(whole?.artifacts ?? [])],
        update: file.update ?? homelab.update,
      });
    }
  }
  return placed.sort((a, b) => byText(a.target, b.target) || byText(a.app, b.app));
}

function isFileEntry(entry: FileEntry & { readonly place: Place }, tell: Tell): boolean {
  if ((entry.from === undefined) === (entry.generate === undefined)) {
    tell(fault(entry.place, 'file_source', 'a file has either from or generate'));
    return false;
  }
  if (entry.raw && entry.from === undefined) {
    tell(fault(entry.place, 'file_source', 'raw goes with from: what is generated has no name in the repo'));
    return false;
  }
  return true;
}

type UnitSource = { readonly path: string; readonly mode: string; readonly owner: string | number };

/** The unit files that an app names, by their final names, with their paths in its folder. */
function unitsOf(
  { folder, yaml }: AppSource,
  entries: readonly { readonly entry: UnitEntry; readonly at: Path }[],
  first: boolean,
  tell: Tell,
): Map<string, UnitSource> {
  const sources = new Map<string, UnitSource>();
  const paths = [...folder.keys()];
  for (const { entry, at } of entries) {
    const { unit: pattern, ...attributes } =
      typeof entry === 'string' ? { unit: entry, mode: '0644', owner: 'root:root' } : entry;
    const matches = matcher(pattern);
    const found = paths.filter(matches);
    if (found.length === 0 && first) {
      const message = `there is no ${pattern} in the app's folder`;
      tell(fault(yaml.place(at), 'unit_missing', message, didYouMean(pattern, paths)));
    }
    for (const path of found) {
      const name = path.replace(/\.j2$/, '');
      const other = sources.get(name)?.path ?? path;
      if (other !== path && first) {
        tell(fault(yaml.place(at), 'unit_twice', `${name} is there twice, as ${path} and ${other}`));
      }
      sources.set(name, { path, ...attributes });
    }
  }
  return new Map([...sources].sort(([a], [b]) => byText(a, b)));
}

function readUnits(
  { folder, name: app }: AppSource,
  target: string,
  sources: ReadonlyMap<string, UnitSource>,
  rendered: RenderedUnits,
  first: boolean,
  tell: Tell,
): Unit[] {
  const units: Unit[] = [];
  for (const [name, { path, ...attributes }] of sources) {
    const file = `apps/${app}/${path}`;
    const place = { file, line: 1, column: 1 };
    if (path.endsWith('.j2')) {
      const text = rendered.get(unitKey(target, app, name)) ?? '';
      units.push({ name, text, ...attributes, place });
      continue;
    }
    const text = readText(file, folder.get(path)!);
    if (text.ok) units.push({ name, text: text.text, ...attributes, place });
    else if (first) tell(text.finding);
  }
  return units;
}

/** The secret that a use brings. */
export function secretOf(use: UseEntry): string | undefined {
  if (typeof use === 'string') return undefined;
  return 'postgres' in use ? use.postgres.password : 'oidc' in use ? use.oidc.secret : undefined;
}
const derivedOf = (secrets: AppFile['secrets']): Record<string, Derived> =>
  Array.isArray(secrets)
    ? {}
    : Object.fromEntries(
        Object.entries(secrets).flatMap(([name, made]) => (made === null ? [] : [[name, made]])),
      );

/** Secrets by name: those declared, and those that uses bring. A unit that names another is told. */
function secretsOf(
  { file, yaml }: AppSource,
  units: readonly ParsedUnit[],
  first: boolean,
  tell: Tell,
): string[] {
  const names = new Set(Array.isArray(file.secrets) ? file.secrets : Object.keys(file.secrets));
  for (const use of file.uses) {
    const name = secretOf(use);
    if (name !== undefined) names.add(name);
  }
  if (!Array.isArray(file.secrets)) {
    for (const [name, derived] of Object.entries(file.secrets)) {
      for (const from of derived?.from ?? []) {
        if (!names.has(from) && first) {
          const message = `${name} is derived from ${from}, which the app does not list`;
          tell(fault(yaml.place(['secrets', name]), 'secret_undeclared', message, didYouMean(from, names)));
        }
      }
    }
  }
  for (const unit of first ? units : []) {
    for (const { name, place } of whatNeeds(unit).secrets) {
      if (names.has(name) || name === '' || /[%$]/.test(name)) continue;
      const message = `the unit names the secret ${name}, which app.yaml does not list`;
      tell(fault(place, 'secret_undeclared', message, didYouMean(name, names)));
    }
  }
  return [...names].sort(byText);
}
