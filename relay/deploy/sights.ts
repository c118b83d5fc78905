import { ok, type Result } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Look, Machine, MachineReason, Seen, Sight, Stat } from '../machine/machine.ts';
import { pathsToLookAt } from './plan-switch.ts';

/** What a target has where two parts of releases put files, and whose the owners are that the second names. */
export type Sights = {
  readonly paths: ReadonlyMap<string, Sight>;
  /** An owner that the machine does not know. */
  readonly unknownOwner: string | undefined;
  /** Whether the owner of what is there is the wanted one, by name or number. */
  sameOwner(stat: Stat, owner: string): boolean;
};

const ownersOf = ({ files, apps }: ReleasePart): string[] => [
  ...new Set([...files, ...apps.flatMap(({ dirs }) => dirs)].map(({ owner }) => owner)),
];

/** Looks at a target once: at all that a switch may change, and at what else is asked for. */
export async function lookAtPaths(
  machine: Machine,
  parts: {
    readonly before: ReleasePart | undefined;
    readonly after: ReleasePart;
    readonly folders: readonly string[];
    readonly strangers?: readonly string[];
  },
  also: Partial<Pick<Look, 'read' | 'maxBytes' | 'units'>> = {},
): Promise<Result<{ readonly sights: Sights; readonly seen: Seen }, MachineReason>> {
  const { files, folders } = pathsToLookAt(parts.before, parts.after, parts.folders, parts.strangers);
  const paths = [...files, ...folders];
  const owners = ownersOf(parts.after);
  const seen = await machine.look({ read: [], maxBytes: 0, units: [], ...also, paths, owners });
  if (!seen.ok) return seen;
  const ids = seen.value.owners;
  const sights: Sights = {
    paths: new Map(paths.map((path, index) => [path, seen.value.paths[index]!])),
    unknownOwner: owners.find((_, index) => ids[index] === null),
    sameOwner({ uid, gid }, owner) {
      const id = ids[owners.indexOf(owner)];
      return id?.uid === uid && id.gid === gid;
    },
  };
  return ok({ sights, seen: seen.value });
}
