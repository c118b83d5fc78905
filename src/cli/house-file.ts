import { toBytes } from '../../schema/jose/digest.ts';
import { houseFileOf } from '../../schema/manifest/homelab.ts';
import type { HouseFile } from '../../schema/manifest/house.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { readHomelab } from '../config/read/homelab.ts';
import { findingLine } from './findings.ts';

/** Far more than a large house; keeps a wrong file from being parsed. */
export const maxHouseFileBytes = 256 * 1024;

const mostTold = 10;

/**
 * Reads a house file, or the homelab.yaml that it grew into: of the latter what the control plane and trust are
 * told. Refuses with one line a fault, each `file:line:column: what`.
 */
export function readHouseFile(name: string, text: string): Result<HouseFile, 'house_invalid'> {
  const { homelab, findings } = readHomelab(name, toBytes(text));
  if (homelab === undefined || findings.length > 0) {
    return refuse('house_invalid', findings.slice(0, mostTold).map(findingLine).join('\n'));
  }
  return ok(houseFileOf(homelab));
}
