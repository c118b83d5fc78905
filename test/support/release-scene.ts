import assert from 'node:assert/strict';
import { readTargetState } from '../../relay/deploy/target-state.ts';
import { ok, refuse } from '../../schema/result.ts';
import { createMemoryMachine, type MemoryMachine } from './memory-machine.ts';
import { type Performed, perform, type Stage } from './perform.ts';
import { running, type Stages } from './stages.ts';
import type { TestPart } from './test-part.ts';

/** What the grant of a scene's releases covers. */
export const releasePaths = ['/etc/containers/systemd/**', '/etc/systemd/system/**', '/etc/opt/**'];
export type Scene = Stage & {
  readonly machine: MemoryMachine;
  readonly served: Map<string, Uint8Array<ArrayBuffer>>;
};

/** A tower with a running guest websvcs, and the bytes that the API has. */
export async function openScene(
  stages: Stages,
  changes: Partial<Stage> = {},
  guest: object = running,
): Promise<Scene> {
  const stage = await stages.open({ 100: guest });
  const machine = createMemoryMachine();
  const served = new Map<string, Uint8Array<ArrayBuffer>>();
  const scene: Scene = {
    ...stage,
    machine,
    served,
    paths: releasePaths,
    machineOf: () => machine,
    blob: async (digest) => {
      const found = served.get(digest);
      return found === undefined ? refuse('blob_missing', digest) : ok(found);
    },
    ...changes,
  };
  stages.time.speed = 100;
  return scene;
}
export const serve = (scene: Scene, { blobs }: TestPart): void => {
  for (const [digest, bytes] of blobs) scene.served.set(digest, bytes);
};
export const apply = (scene: Scene, part: TestPart, more: object = {}): Promise<Performed> => {
  serve(scene, part);
  return perform(scene, 'release.apply', 'websvcs', { part: part.digest, ...more });
};
export const codeOf = (done: Performed): string =>
  'refused' in done
    ? done.refused
    : 'code' in done.outcome
      ? `${done.outcome.state} ${done.outcome.code}`
      : done.outcome.state;
export const stateOf = async ({ machine }: Scene) => {
  const state = await readTargetState(machine);
  assert.ok(state.ok);
  return state.value;
};
