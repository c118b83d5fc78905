import { withVolumePaths } from '../../schema/change/volume-paths.ts';
import { ok, type Result } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Machine, MachineReason } from '../machine/machine.ts';
import type { Artifact } from './artifacts/archive-list.ts';
import { withArtifactFiles } from './artifacts/artifact-files.ts';
import { planSecrets, type SecretPlan } from './secrets/secrets-plan.ts';
import type { SecretsRefusal } from './secrets/secrets-table.ts';

/** A part as its target is to have it: places in volumes as paths, what is fetched as files, and files of Writ's own. */
export type ExpandedPart = SecretPlan & {
  /** Archives of which it is not known yet what they hold: of theirs, no file is in the part. */
  readonly unknown: readonly Artifact[];
};

/** Says what a target is to have for a part, as far as what it has fetched tells; or why no target could have it. */
export async function expandPart(
  machine: Machine,
  part: ReleasePart,
): Promise<Result<ExpandedPart, SecretsRefusal | 'artifact_unfit' | MachineReason>> {
  const fetched = await withArtifactFiles(machine, withVolumePaths(part));
  if (!fetched.ok) return fetched;
  const secrets = await planSecrets(fetched.value.part);
  return secrets.ok ? ok({ ...secrets.value, unknown: fetched.value.unknown }) : secrets;
}
