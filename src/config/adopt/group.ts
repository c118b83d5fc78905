import * as v from 'valibot';
import { secretNameSchema } from '../../../schema/manifest/values.ts';
import { dropInFolders, readUnitName } from '../../../schema/quadlet/names.ts';
import { whatNeeds } from '../../../schema/quadlet/needs.ts';
import { all, readUnits, type Unit } from '../../../schema/quadlet/unit.ts';
import { byText } from '../repo.ts';
import { folderOf, lastOf } from './found.ts';
import { createRings, type Rings } from './rings.ts';
import { stemOf } from './unit-names.ts';

export type GivenUnit = {
  /** As an app lists it: `grafana.container`, `media/tv.container.d/10.conf`. */
  readonly unit: string;
  readonly text: string;
  readonly hint?: string;
};

/** Units that are one app. */
export type Group = {
  readonly name: string;
  /** Sorted. */
  readonly units: readonly string[];
  /** What its units, folders and files may be called. */
  readonly stems: ReadonlySet<string>;
  /** A unit of the distribution, where it has drop-ins for one and no unit of its own. */
  readonly service?: string;
  readonly parsed: readonly Unit[];
};

type Read = {
  readonly given: readonly GivenUnit[];
  readonly units: readonly Unit[];
  /** Where a drop-in applies, or a unit is, by its name. */
  readonly hints: ReadonlyMap<string, string | undefined>;
};

const isResource = ({ name: { kind } }: Unit): boolean => /^(volume|network|image|build)$/.test(kind);
const stemNode = (stem: string): string => `stem ${stem}`;
const hintNode = (hint: string): string => `hint ${hint}`;

/**
 * Which units are one app: those of one name, of one folder where folders say so, a pod's, a timer's and its
 * service's, `paperless` and `paperless-redis`, and what one app alone uses. Networks that several use are an app.
 */
export function groupUnits(given: readonly GivenUnit[]): Group[] {
  const units = readUnits(given.map(({ unit, text }) => ({ name: unit, text, file: unit })));
  const hints = new Map(given.map(({ unit, hint }) => [unit, hint]));
  const read: Read = { given, units, hints };
  const rings = createRings();
  for (const { unit } of given) rings.add(unit);
  joinByName(read, rings);
  joinDropIns(read, rings);
  joinByReference(read, rings);
  joinByPrefix(read, rings);
  joinResources(read, rings);
  return rings
    .all()
    .map((names) => names.filter((name) => hints.has(name)).sort(byText))
    .filter((names) => names.length > 0)
    .map((names) => makeGroup(names, read))
    .sort((a, b) => byText(a.name, b.name) || byText(a.units[0]!, b.units[0]!));
}

function joinByName({ given }: Read, rings: Rings): void {
  for (const { unit, hint } of given) {
    if (hint !== undefined) {
      rings.join(unit, hintNode(hint));
      rings.join(hintNode(hint), stemNode(hint));
    } else if (!readUnitName(unit).dropIn || !readUnitName(unit).base.endsWith('-')) {
      rings.join(unit, stemNode(stemOf(unit)));
    }
  }
}

/** Drop-ins go with what takes them, though they are named by the service (`web-pod.service.d`) or by a part of it. */
function joinDropIns({ given, units }: Read, rings: Rings): void {
  for (const { unit: path } of given) {
    const { dropIn, unit: applies, base } = readUnitName(path);
    if (!dropIn) continue;
    const folder = lastOf(folderOf(path).slice(0, -1));
    const takers = units.filter(
      (unit) => unit.service === applies || dropInFolders(unit.name.unit).includes(folder),
    );
    const sets = new Set(takers.map((unit) => rings.of(unit.file.name)));
    if (sets.size === 1) rings.join(path, takers[0]!.file.name);
    else if (base.endsWith('-')) rings.join(path, stemNode(stemOf(path)));
  }
}

const wordsOf = (unit: Unit, section: string, key: string): string[] =>
  all(unit, section, key).flatMap(({ value }) => value.split(/\s+/).filter((word) => word !== ''));

/** Pods and their containers; timers, sockets and paths and what they start. */
function joinByReference({ units }: Read, rings: Rings): void {
  const byService = new Map(units.map((unit) => [unit.service, unit]));
  const byName = new Map(units.map((unit) => [unit.name.unit, unit]));
  for (const unit of units) {
    const started = [
      ...wordsOf(unit, 'Timer', 'Unit'),
      ...wordsOf(unit, 'Socket', 'Service'),
      ...wordsOf(unit, 'Path', 'Unit'),
    ].flatMap((name) => byService.get(name) ?? []);
    const pod = unit.name.kind === 'container' ? byName.get(whatNeeds(unit).pod?.name ?? '') : undefined;
    for (const other of [...started, ...(pod === undefined ? [] : [pod])])
      rings.join(unit.file.name, other.file.name);
  }
}

const firstPart = (stem: string): string => stem.split('-')[0]!;

/** `x-db` is x's, where there is an x; `x-db` and `x-web` are one app, where one of them names the other. */
function joinByPrefix({ units, hints }: Read, rings: Rings): void {
  const cores = units.filter((unit) => !isResource(unit) && hints.get(unit.file.name) === undefined);
  const stems = new Set(cores.map((unit) => stemOf(unit.name.unit)));
  for (const stem of stems) {
    const parts = stem.split('-');
    for (let count = parts.length - 1; count > 0; count -= 1) {
      const prefix = parts.slice(0, count).join('-');
      if (!stems.has(prefix)) continue;
      rings.join(stemNode(stem), stemNode(prefix));
      break;
    }
  }
  const named = new Map(
    cores.flatMap((unit) => [[unit.service, unit] as const, [unit.name.unit, unit] as const]),
  );
  for (const unit of cores) {
    const others = [
      ...['Requires', 'Requisite', 'BindsTo', 'PartOf', 'Wants', 'After', 'Before'].flatMap((key) =>
        wordsOf(unit, 'Unit', key),
      ),
      ...all(unit, 'Container', 'Network').map(({ value }) => value.split(':')[0]!),
    ].flatMap((name) => named.get(name) ?? []);
    for (const other of others) {
      const stem = stemOf(unit.name.unit);
      if (stem.includes('-') && firstPart(stem) === firstPart(stemOf(other.name.unit)))
        rings.join(unit.file.name, other.file.name);
    }
  }
}

/** `grafanadata` is grafana's, and `alpha` not a's. */
const beginsWith = (name: string, stem: string): boolean => stem.length > 2 && name.startsWith(stem);

/** A volume, network, image or build that one app alone uses is that app's. */
function joinResources({ units, hints }: Read, rings: Rings): void {
  const cores = units.filter((unit) => !isResource(unit));
  const needs = units.map((unit) => ({
    unit,
    named: new Set(whatNeeds(unit).units.map(({ name }) => name)),
  }));
  const hasCore = (unit: Unit): boolean => {
    const set = rings.of(unit.file.name);
    return cores.some((core) => rings.of(core.file.name) === set);
  };
  const order = ['volume', 'network', 'build', 'image'];
  for (const kind of order) {
    for (const unit of units) {
      if (unit.name.kind !== kind || hints.get(unit.file.name) !== undefined || hasCore(unit)) continue;
      const users = needs.filter(({ named }) => named.has(unit.name.unit));
      const sets = new Set(users.map((user) => rings.of(user.unit.file.name)));
      if (sets.size === 1) rings.join(unit.file.name, users[0]!.unit.file.name);
      else if (sets.size === 0) {
        const { base } = unit.name;
        const near = cores
          .filter(
            (core) => beginsWith(base, stemOf(core.name.unit)) && hints.get(core.file.name) === undefined,
          )
          .sort((a, b) => b.name.base.length - a.name.base.length)[0];
        if (near !== undefined) rings.join(unit.file.name, near.file.name);
      }
    }
  }
  // What is left of networks is shared.
  const shared = units.filter(
    ({ name, file }) => name.kind === 'network' && hints.get(file.name) === undefined,
  );
  const own = shared.filter((unit) => {
    const set = rings.of(unit.file.name);
    return units.every((other) => other.name.kind === 'network' || rings.of(other.file.name) !== set);
  });
  for (const unit of own) rings.join(unit.file.name, own[0]!.file.name);
}

function makeGroup(names: readonly string[], { units, hints }: Read): Group {
  const parsed = units.filter((unit) => names.includes(unit.file.name));
  const stems = new Set(names.map(stemOf));
  const own = new Set(names.flatMap((name) => hints.get(name) ?? []));
  const cores = parsed.filter((unit) => !isResource(unit));
  const service = parsed.length === 0 ? readUnitName(names[0]!).unit : undefined;
  const isOne = service !== undefined && /[^@]\.(service|socket|timer|path|mount|target)$/.test(service);
  return {
    name: nameOf(cores, parsed, own, stems),
    units: names,
    stems: new Set([...stems, ...own]),
    ...(isOne && { service }),
    parsed,
  };
}

function nameOf(
  cores: readonly Unit[],
  parsed: readonly Unit[],
  hints: ReadonlySet<string>,
  stems: ReadonlySet<string>,
): string {
  if (hints.size > 0) return [...hints].sort(byText)[0]!;
  if (parsed.length > 0 && parsed.every(({ name }) => name.kind === 'network')) return 'networks';
  const pods = cores.filter(({ name }) => name.kind === 'pod');
  const candidates = [...new Set((pods.length > 0 ? pods : cores).map(({ name }) => stemOf(name.unit)))];
  const all = candidates.length > 0 ? candidates : [...stems];
  // `x-server` and `x-db` are x.
  const common = firstPart(all[0]!);
  if (all.length > 1 && all.every((stem) => stem.startsWith(`${common}-`))) return common;
  const begun = (stem: string): number => all.filter((other) => other.startsWith(stem)).length;
  return all.sort((a, b) => begun(b) - begun(a) || a.length - b.length || byText(a, b))[0]!;
}

/** Names of Podman's secrets that the units of a group use; those that systemd fills in are not known. */
export const secretsOf = (group: Group | undefined): string[] =>
  [...new Set((group?.parsed ?? []).flatMap((unit) => whatNeeds(unit).secrets.map(({ name }) => name)))]
    .filter((name) => v.is(secretNameSchema, name))
    .sort(byText);
