import { blobPath, stateFile } from '../../relay/deploy/target-state.ts';
import { canonicalJson } from '../../schema/wire/canonical.ts';
import type { ReleaseApp } from '../../schema/wire/release.ts';
import type { MemoryMachine } from './memory-machine.ts';
import { makePart, type TestPart } from './test-part.ts';

/** The command that the house of tests lets its operator order: of the app `web`, on every guest. */
export const reindex = { name: 'reindex', exec: ['wiki-reindex', '--all'], timeout: '5m' } as const;
export const reindexOn = (guest: string): string => `${guest}/web/reindex`;

export type Declared = readonly {
  name: string;
  exec: readonly string[];
  container?: string;
  timeout: string;
}[];

/** A part whose app `web` has a container and these commands. */
export const partWith = (commands: Declared, target = 'websvcs'): Promise<TestPart> =>
  makePart({
    target,
    units: [{ service: 'web.service', files: ['web.container'], kind: 'run' }],
    app: { commands: commands as unknown as ReleaseApp['commands'] },
  });

/** Makes a part the one that runs on a machine, as an activation leaves it. */
export function putInForce(machine: Pick<MemoryMachine, 'put'>, part: TestPart, more: object = {}): void {
  for (const [digest, bytes] of part.blobs) machine.put(blobPath(digest), new TextDecoder().decode(bytes));
  const state = {
    v: 1,
    current: part.digest,
    kept: [part.digest],
    quarantined: [],
    folders: [],
    pending: null,
  };
  machine.put(stateFile, canonicalJson({ ...state, ...more }));
}
