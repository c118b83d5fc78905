import * as v from 'valibot';
import { type Homelab, homelabSchema } from '../../../schema/manifest/homelab.ts';
import { type Broken, standing } from '../broken.ts';
import type { Finding } from '../finding.ts';
import { findingOf } from './fault.ts';
import { findHouseFaults } from './house-faults.ts';
import { salvage } from './salvage.ts';
import { readShape } from './shape.ts';
import { type Path, readYaml, type YamlFile } from './yaml.ts';

/** What could be read of homelab.yaml, or of a house file. */
export type HomelabRead = {
  /** Absent where its shape is not right. */
  readonly homelab?: Homelab;
  /** What of it has the right shape; nothing where it is no YAML. */
  readonly rest: Homelab;
  readonly yaml: YamlFile;
  /** Whether anything of it is known. */
  readonly isKnown: boolean;
  readonly broken: Broken;
  readonly findings: Finding[];
};

const leastOfAll = { v: 1, hosts: {} };

/** Reads homelab.yaml, or a house file: its YAML, its shape, and what its hosts and guests say of each other. */
export function readHomelab(file: string, bytes: Uint8Array): HomelabRead {
  const read = readYaml(file, bytes);
  if (!read.ok) return unreadHomelab(file, read.findings);
  const { yaml } = read;
  const shape = readShape(homelabSchema, yaml);
  if (shape.ok) {
    const findings = findHouseFaults(shape.value, true).map((fault) => findingOf(fault, yaml));
    return { homelab: shape.value, rest: shape.value, yaml, isKnown: true, broken: new Set(), findings };
  }
  const rest = readRest(yaml.value);
  if (rest === null) return unreadHomelab(file, shape.findings);
  const missing = Object.keys(leastOfAll).filter((name) => !Object.hasOwn(yaml.value as object, name));
  const broken = new Set(['*', file, ...[...rest.cuts, ...missing.map((name) => [name])].flatMap(brokenBy)]);
  const place: YamlFile['place'] = (path) => yaml.place(rest.origin(path));
  const kept = { ...yaml, place };
  const faults = findHouseFaults(rest.value, false).map((fault) => findingOf(fault, kept));
  const findings = [...shape.findings, ...standing(faults, broken)];
  return { rest: rest.value, yaml: kept, isKnown: true, broken, findings };
}

/** A homelab.yaml of which nothing is known. */
export function unreadHomelab(file: string, findings: Finding[]): HomelabRead {
  const sections = Object.keys(homelabSchema.entries).map((name) => `homelab.${name}`);
  const yaml = { file, value: {}, place: () => ({ file, line: 1, column: 1 }) };
  return {
    rest: v.parse(homelabSchema, leastOfAll),
    yaml,
    isKnown: false,
    broken: new Set(['*', file, ...sections]),
    findings,
  };
}

const machines: ReadonlySet<unknown> = new Set(['hosts', 'guests', 'devices']);
/** Sections whose members are named in other places. */
const named: ReadonlySet<unknown> = new Set([...machines, 'networks', 'access', 'storage']);

/** A member of a machine, any other thing whole. */
function readRest(value: unknown) {
  const piece = (path: Path): Path =>
    path.slice(0, machines.has(path[0]) || path[0] === 'notifications' ? 3 : 2);
  return salvage(homelabSchema, value, piece, leastOfAll);
}

function brokenBy([section, name, member]: Path): string[] {
  if (name === undefined) return [`homelab.${section}`];
  if (section === 'generators') return [`generators.${name}`];
  if (section === 'notifications' && member !== undefined) return [String(member)];
  if (!named.has(section)) return [`homelab.${section}`];
  return [member === undefined ? String(name) : `${name}.${member}`];
}
