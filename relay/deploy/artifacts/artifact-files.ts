import * as v from 'valibot';
import { certPathsOf } from '../../../schema/change/cert-paths.ts';
import { absolutePathSchema } from '../../../schema/manifest/values.ts';
import { ok, type Result, refuse } from '../../../schema/result.ts';
import { areApart, maxPartFiles, type ReleaseFile, type ReleasePart } from '../../../schema/wire/release.ts';
import { isMachinePath, type Machine, type MachineReason } from '../../machine/machine.ts';
import { type Artifact, readArchiveList } from './archive-list.ts';

/** A part with the files that its artifacts bring, as far as it is known what those are. */
export type Fetched = {
  readonly part: ReleasePart;
  /** Archives of which nobody has looked yet what they hold: their files are not among those of `part`. */
  readonly unknown: readonly Artifact[];
};

/**
 * The part with what its artifacts bring as files of their apps, so that they are switched, undone and looked at as any
 * others. `artifact_unfit`: they cannot all be there.
 */
export async function withArtifactFiles(
  machine: Machine,
  part: ReleasePart,
): Promise<Result<Fetched, 'artifact_unfit' | MachineReason>> {
  const unknown: Artifact[] = [];
  const files: ReleaseFile[] = [...part.files];
  for (const app of part.apps) {
    for (const artifact of app.artifacts) {
      if (artifact.unpack !== artifact.to.endsWith('/')) {
        return refuse('artifact_unfit', `${artifact.to} is no place for what ${artifact.url} is`);
      }
      if (!artifact.unpack) {
        const { to: path, mode, sha256 } = artifact;
        files.push(fileOf(app.name, artifact, { path, mode, digest: `sha256:${sha256}` }));
        continue;
      }
      const list = await readArchiveList(machine, artifact);
      if (!list.ok) return list;
      if (list.value === null) unknown.push(artifact);
      for (const one of list.value ?? []) {
        files.push(fileOf(app.name, artifact, { ...one, path: `${artifact.to}${one.path}` }));
      }
    }
  }
  if (files.length === part.files.length) return ok({ part, unknown });
  if (files.length > maxPartFiles) {
    return refuse('artifact_unfit', `${files.length} files are more than ${maxPartFiles}`);
  }
  const long = files.slice(part.files.length).find(({ path }) => !isPath(path));
  if (long !== undefined) return refuse('artifact_unfit', `${long.path} is too long`);
  const certs = [...new Set(certPathsOf(part))].map((path) => ({ path }));
  if (!areApart([...files, ...certs])) {
    return refuse('artifact_unfit', 'a fetched file stands where another file is, or below one');
  }
  const taken = folderTaken(part, files);
  if (taken !== undefined)
    return refuse('artifact_unfit', `a fetched file stands where ${taken} is a folder`);
  return ok({ part: { ...part, files }, unknown });
}

/** As machines take them, and as a target's state does: what is not read again there has no way back. */
const isPath = (path: string): boolean => isMachinePath(path) && v.is(absolutePathSchema, path);

/** A folder of an app at, or below, what is a file. */
function folderTaken({ apps }: ReleasePart, files: readonly ReleaseFile[]): string | undefined {
  const paths = new Set(files.map(({ path }) => path));
  const isTaken = (path: string): boolean =>
    path !== '' && (paths.has(path) || isTaken(path.slice(0, path.lastIndexOf('/'))));
  return apps.flatMap(({ dirs }) => dirs).find(({ path }) => isTaken(path))?.path;
}

const fileOf = (
  app: string,
  { owner, on_change }: Artifact,
  file: Pick<ReleaseFile, 'path' | 'mode' | 'digest'>,
): ReleaseFile => ({
  ...file,
  ...{ app, owner, on_change },
  // Nobody asks for it: what is fetched is known by its digest alone.
  ...{ size: 0, manage: 'exact', kind: 'file' },
});
