import type { AppFile, FileEntry } from '../../../schema/manifest/app.ts';
import { didYouMean } from '../../../schema/near.ts';
import { isRun } from '../../../schema/quadlet/names.ts';
import { readUnits as parseUnits } from '../../../schema/quadlet/unit.ts';
import { unlessMachine } from '../broken.ts';
import type { Place } from '../finding.ts';
import type { AppSource, Manifest } from '../read/manifest.ts';
import { reservedIn } from '../read/manifest.ts';
import type { Path } from '../read/yaml.ts';
import { byText } from '../repo.ts';
import { buildUnits } from './builds.ts';
import { unitFileOf } from './unit-file.ts';
import {
  derivedOf,
  fault,
  type Placed,
  type RenderedUnits,
  readUnits,
  secretsOf,
  type Tell,
  unitsOf,
} from './units.ts';

/** In place of a machine for an app that has none. */
export const nowhere = '';

type On = Exclude<AppFile['on'][number], string>;
type Values = Pick<Manifest, 'homelab' | 'vars' | 'broken'>;

/**
 * Puts each app where its `on` says; what cannot be placed is told. An app that no machine takes is put `nowhere`, so
 * that what else is wrong with it can be told.
 */
export function placeApps(
  apps: readonly AppSource[],
  machines: ReadonlySet<string>,
  values: Values,
  rendered: RenderedUnits,
  tell: Tell,
): { placed: Placed[]; unplaced: Placed[] } {
  const placed: Placed[] = [];
  const unplaced: Placed[] = [];
  for (const source of apps) {
    const { file, yaml, name } = source;
    for (const finding of reservedIn(yaml, file.vars, ['vars'])) tell(finding);
    const seen = new Set<string>();
    for (const [index, given] of file.on.entries()) {
      const whole = typeof given === 'string' ? undefined : given;
      const target = typeof given === 'string' ? given : given.guest;
      const at = placeAt(source, index);
      const place = yaml.place(at);
      if (!machines.has(target)) {
        const message = `there is no guest or host ${target}`;
        tell(fault(place, 'unknown_target', message, didYouMean(target, machines), unlessMachine(target)));
        continue;
      }
      if (seen.has(target)) {
        tell(fault(place, 'placed_twice', `${name} is on ${target} already`));
        continue;
      }
      seen.add(target);
      if (whole !== undefined)
        for (const finding of reservedIn(yaml, whole.vars, [...at, 'vars'])) tell(finding);
      placed.push(placeOn(source, target, whole, at, seen.size === 1, values, rendered, tell));
    }
    // `on: []` takes an app off every machine.
    const isOff = file.on.length === 0 && !values.broken.has(`${name}.on`);
    if (seen.size > 0 || isOff) continue;
    const [given] = file.on;
    const whole = typeof given === 'object' ? given : undefined;
    unplaced.push(placeOn(source, nowhere, whole, placeAt(source, 0), true, values, rendered, tell));
  }
  return {
    placed: placed.sort((a, b) => byText(a.target, b.target) || byText(a.app, b.app)),
    unplaced,
  };
}

/** `on: x` is read as a list of one; the text has no index then. */
const placeAt = ({ yaml }: AppSource, index: number): Path =>
  Array.isArray((yaml.value as { readonly on?: unknown }).on) ? ['on', index] : ['on'];

/** @param first whether what is the same in each place is told in this one */
function placeOn(
  source: AppSource,
  target: string,
  whole: On | undefined,
  at: Path,
  first: boolean,
  { homelab, vars }: Values,
  rendered: RenderedUnits,
  tell: Tell,
): Placed {
  const { file, yaml, name } = source;
  const sources = unitsOf(
    source,
    [
      ...file.units.map((entry, i) => ({ entry, at: ['units', i] })),
      ...(whole?.units ?? []).map((entry, i) => ({ entry, at: [...at, 'units', i] })),
    ],
    first,
    tell,
  );
  const read = readUnits(source, target, sources, rendered, first, tell);
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
  return {
    app: name,
    target,
    vars: { ...vars, ...file.vars, ...whole?.vars },
    units,
    files: files.filter((entry) => isFileEntry(entry, tell)),
    uses: file.uses,
    services: [...new Set(services)].sort(byText),
    secrets: secretsOf(source, parsed, first, tell),
    place: yaml.place(at),
    source,
    parsed,
    unitSources: new Map([...sources].map(([unit, { path }]) => [unit, path])),
    routesAt: ownRoutes ? at : [],
    derived: derivedOf(file.secrets),
    artifacts: [...file.artifacts, ...(whole?.artifacts ?? [])],
    update: file.update ?? homelab.update,
  };
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
