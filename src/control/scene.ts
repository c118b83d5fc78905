import type { HouseFile } from '../../schema/manifest/house.ts';
import type { Trust } from '../../schema/trust/read.ts';
import type { Names } from '../domain/sentence.ts';
import { type World, worldOf } from '../domain/world.ts';
import type { ControlDeps } from './deps.ts';
import type { TrustKeeper } from './trust-keeper.ts';

/** What most use cases look at: trust, runbooks, and how the house stands. */
export type Scene = {
  readonly now: number;
  readonly trust: Trust;
  readonly runbooks: HouseFile['runbooks'];
  readonly names: Names;
  readonly world: World;
};

/** The scene as it is now; null before an owner claimed this instance. */
export async function readScene(deps: ControlDeps, keeper: TrustKeeper): Promise<Scene | null> {
  const [trust, file, relays] = await Promise.all([
    keeper.current(),
    deps.store.house.file(),
    deps.store.relays.all(),
  ]);
  if (trust === null) return null;
  const now = deps.clock.now();
  const runbooks = file?.runbooks ?? {};
  return {
    now,
    trust,
    runbooks,
    names: { house: trust.document.house, runbooks },
    world: worldOf(trust, relays, now),
  };
}

/** What sentences are made with, without reading how the house stands. */
export async function readNames(deps: ControlDeps, keeper: TrustKeeper): Promise<Names> {
  const [trust, file] = await Promise.all([keeper.current(), deps.store.house.file()]);
  return {
    house: trust?.document.house ?? { hosts: {}, guests: {} },
    runbooks: file?.runbooks ?? {},
  };
}
