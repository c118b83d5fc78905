import { gather, type QuadletFinding } from './finding.ts';
import type { Machine, Rule } from './machine.ts';
import { isUnitFile, readUnitName } from './names.ts';
import { whatNeeds } from './needs.ts';
import { judgeAddresses } from './rules/addresses.ts';
import { judgeCycles } from './rules/cycles.ts';
import { judgeImages } from './rules/images.ts';
import { judgeKeys } from './rules/keys.ts';
import { judgeKind } from './rules/kinds.ts';
import { judgeStrays, judgeTogether } from './rules/machine-wide.ts';
import { judgeMounts } from './rules/mounts.ts';
import { judgeReferences } from './rules/references.ts';
import { judgeService } from './rules/service.ts';
import { judgeSyntax } from './rules/syntax.ts';
import { judgeValues } from './rules/values.ts';
import { judgeVariables } from './rules/variables.ts';
import { isReadable } from './syntax.ts';
import { readUnits, type Unit, type UnitFile, unitPlace } from './unit.ts';

export type JudgeOptions = {
  /** The version of Podman on the machine: `5.4`. */
  readonly podman: string;
  /** Names of secrets that units may use; absent where nobody knows them. */
  readonly secrets?: ReadonlySet<string>;
  /** Networks and volumes that are made by other means. */
  readonly networks?: ReadonlySet<string>;
  readonly volumes?: ReadonlySet<string>;
};

/** In which order the generator converts kinds: who is named comes before who names. */
const order: Readonly<Record<string, number>> = {
  ...{ artifact: 1, image: 1, volume: 2, network: 2, build: 3, container: 4, kube: 4, pod: 5, systemd: 6 },
};

const unitRules: readonly Rule[] = [
  judgeKeys,
  judgeKind,
  judgeReferences,
  judgeValues,
  judgeVariables,
  judgeMounts,
  judgeImages,
  judgeService,
];

/**
 * Judges all unit files of one machine: each by itself as Podman's generator does, and what it does not look at.
 * Files beside them that are no units are passed over.
 * A finding says by `generator` whether the generator refuses the unit, too.
 */
export function judgeUnits(given: readonly UnitFile[], options: JudgeOptions): QuadletFinding[] {
  const files = given.filter(({ name }) => isUnitFile(name));
  const findings: QuadletFinding[] = [];
  const tell = gather(findings);
  const all = readUnits(files);
  const units = new Map<string, Unit>();
  for (const unit of all) {
    judgeSyntax(unit, tell);
    if (unit.name.kind === 'systemd') continue;
    if (!isReadable(unit.texts[0]!.text)) continue;
    const other = units.get(unit.name.unit);
    if (other === undefined) units.set(unit.name.unit, unit);
    else {
      const message = `${other.file.file} is a ${unit.name.unit}, too; Podman reads one of them alone`;
      tell(unitPlace(unit), 'unit_twice', message);
    }
  }
  const refused = new Set<string>();
  const machine: Machine = {
    podman: options.podman,
    units,
    refused,
    secrets: options.secrets,
    networks: options.networks ?? new Set(),
    volumes: options.volumes ?? new Set(),
  };
  const sorted = all
    .filter((unit) => unit.name.kind === 'systemd' || units.get(unit.name.unit) === unit)
    .sort((a, b) => order[a.name.kind]! - order[b.name.kind]!);
  for (const unit of sorted) {
    const before = findings.length;
    for (const rule of unitRules) rule(unit, machine, tell);
    if (findings.slice(before).some(({ generator }) => generator))
      refused.add(readUnitName(unit.file.name).unit);
  }
  const needing = sorted.map((unit) => ({ unit, needs: whatNeeds(unit) }));
  judgeTogether(needing, machine, tell);
  judgeAddresses(machine, tell);
  judgeCycles(needing, machine, tell);
  judgeStrays(files, all, tell);
  return findings.sort(
    (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column,
  );
}
