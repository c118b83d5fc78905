import { dirname, join } from 'node:path';
import { toBytes } from '../../schema/jose/digest.ts';
import { houseFileOf } from '../../schema/manifest/homelab.ts';
import type { HouseFile } from '../../schema/manifest/house.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { readManifest } from '../config/read/manifest.ts';
import type { RepoFiles } from '../config/repo.ts';
import { findingLine } from './findings.ts';

/** Far more than a large house; keeps a wrong file from being parsed. */
export const maxHouseFileBytes = 256 * 1024;

const mostTold = 10;

/**
 * Reads a house file, or the homelab.yaml that it grew into: of the latter what the control plane and trust are
 * told. Refuses with one line a fault, each `file:line:column: what`.
 *
 * @param runbooks files beside homelab.yaml, `runbooks/<name>.yaml`
 */
export function readHouseFile(
  name: string,
  text: string,
  runbooks: RepoFiles = new Map(),
): Result<HouseFile, 'house_invalid'> {
  const files = new Map([...runbooks, ['homelab.yaml', toBytes(text)]]);
  const { manifest, findings } = readManifest({ files, findings: [] });
  if (findings.length > 0) {
    const told = findings.slice(0, mostTold).map((finding) => {
      const file = finding.file === 'homelab.yaml' ? name : join(dirname(name), finding.file);
      return findingLine({ ...finding, file });
    });
    return refuse('house_invalid', told.join('\n'));
  }
  return ok(houseFileOf(manifest.homelab));
}
