import { type Homelab, homelabSchema } from '../../../schema/manifest/homelab.ts';
import type { Finding } from '../finding.ts';
import { findingOf } from './fault.ts';
import { findHouseFaults } from './house-faults.ts';
import { readShape } from './shape.ts';
import { readYaml, type YamlFile } from './yaml.ts';

/** Reads homelab.yaml, or a house file: its YAML, its shape, and what its hosts and guests say of each other. */
export function readHomelab(
  file: string,
  bytes: Uint8Array,
): { homelab?: Homelab; yaml?: YamlFile; findings: Finding[] } {
  const read = readYaml(file, bytes);
  if (!read.ok) return { findings: read.findings };
  const shape = readShape(homelabSchema, read.yaml);
  if (!shape.ok) return { yaml: read.yaml, findings: shape.findings };
  const findings = findHouseFaults(shape.value).map((fault) => findingOf(fault, read.yaml));
  return { homelab: shape.value, yaml: read.yaml, findings };
}
