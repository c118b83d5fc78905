import type { AppFile, UnitEntry } from '../../../schema/manifest/app.ts';
import type { ArtifactEntry, Update } from '../../../schema/manifest/native.ts';
import type { Derived, UseEntry } from '../../../schema/manifest/uses.ts';
import { didYouMean } from '../../../schema/near.ts';
import { whatNeeds } from '../../../schema/quadlet/needs.ts';
import type { Unit as ParsedUnit } from '../../../schema/quadlet/unit.ts';
import { unlessFile } from '../broken.ts';
import type { ConfigCode } from '../codes.ts';
import type { Finding, Place } from '../finding.ts';
import type { Instance, Unit } from '../home.ts';
import type { AppSource } from '../read/manifest.ts';
import { readText } from '../read/text.ts';
import type { Path } from '../read/yaml.ts';
import { byText } from '../repo.ts';

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

export const fault = (
  place: Place,
  code: ConfigCode,
  message: string,
  suggestion = '',
  unless: readonly string[] = [],
): Finding => ({
  ...place,
  severity: 'error',
  code,
  message,
  ...(suggestion.trim() !== '' && { suggestion: suggestion.trim() }),
  ...(unless.length > 0 && { unless }),
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

type UnitSource = { readonly path: string; readonly mode: string; readonly owner: string | number };

/** The unit files that an app names, by their final names, with their paths in its folder. */
export function unitsOf(
  { name: app, folder, yaml }: AppSource,
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
      tell(
        fault(yaml.place(at), 'unit_missing', message, didYouMean(pattern, paths), unlessFile(app, pattern)),
      );
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

export function readUnits(
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
    // Its name counts all the same.
    units.push({ name, text: text.ok ? text.text : '', ...attributes, place });
    if (!text.ok && first) tell(text.finding);
  }
  return units;
}

/** The secret that a use brings. */
export function secretOf(use: UseEntry): string | undefined {
  if (typeof use === 'string') return undefined;
  return 'postgres' in use ? use.postgres.password : 'oidc' in use ? use.oidc.secret : undefined;
}
export const derivedOf = (secrets: AppFile['secrets']): Record<string, Derived> =>
  Array.isArray(secrets)
    ? {}
    : Object.fromEntries(
        Object.entries(secrets).flatMap(([name, made]) => (made === null ? [] : [[name, made]])),
      );

/** Secrets by name: those declared, and those that uses bring. A unit that names another is told. */
export function secretsOf(
  { name: app, file, yaml }: AppSource,
  units: readonly ParsedUnit[],
  first: boolean,
  tell: Tell,
): string[] {
  const names = new Set(Array.isArray(file.secrets) ? file.secrets : Object.keys(file.secrets));
  for (const use of file.uses) {
    const name = secretOf(use);
    if (name !== undefined) names.add(name);
  }
  const unless = [`${app}.secrets`, `${app}.uses`];
  if (!Array.isArray(file.secrets)) {
    for (const [name, derived] of Object.entries(file.secrets)) {
      for (const from of derived?.from ?? []) {
        if (!names.has(from) && first) {
          const message = `${name} is derived from ${from}, which the app does not list`;
          tell(
            fault(
              yaml.place(['secrets', name]),
              'secret_undeclared',
              message,
              didYouMean(from, names),
              unless,
            ),
          );
        }
      }
    }
  }
  for (const unit of first ? units : []) {
    for (const { name, place } of whatNeeds(unit).secrets) {
      if (names.has(name) || name === '' || /[%$]/.test(name)) continue;
      const message = `the unit names the secret ${name}, which app.yaml does not list`;
      tell(fault(place, 'secret_undeclared', message, didYouMean(name, names), unless));
    }
  }
  return [...names].sort(byText);
}
