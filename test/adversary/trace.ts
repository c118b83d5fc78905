import type { Judge } from '../../relay/agent/executor-contract.ts';
import type { Counts } from './counts.ts';
import { createForger } from './forger.ts';
import { laws } from './law.ts';
import type { Op } from './moves.ts';
import { createOrders } from './orders.ts';
import { settleRun, sleepTick, startRun } from './relay-run.ts';
import { minute, openScene, passTime } from './scene.ts';
import { createWorkflows } from './workflows.ts';
import type { World } from './world.ts';

/** Plays one trace against a real executor. Gives the first deed that was not allowed; null when there is none. */
export async function playTrace(
  world: World,
  ops: readonly Op[],
  judge: Judge,
  counts: Counts,
): Promise<string | null> {
  const scene = openScene(world, judge, counts);
  let run = await startRun(scene);
  const workflows = createWorkflows(scene);
  const orders = createOrders(scene, createForger(scene), () => run);

  const crash = async (reboot: boolean): Promise<void> => {
    run.life.alive = false;
    const survived = scene.disk.clone();
    survived.fault = scene.disk.fault;
    await run.executor.close();
    scene.disk = survived;
    scene.lastSession = run.session;
    if (reboot) scene.clock.reboot();
    run = await startRun(scene);
  };

  const play = async (entry: Op): Promise<void> => {
    switch (entry.op) {
      case 'order':
        return orders.order(entry);
      case 'mint':
        return orders.mint(entry);
      case 'release':
        return orders.release(entry);
      case 'releases':
        return orders.releaseTwo(entry);
      case 'spree':
        return orders.spree(entry);
      case 'replay':
        return orders.replay(entry);
      case 'mutate':
        return orders.mutate(entry);
      case 'run':
        return workflows.run(entry);
      case 'attest':
        return workflows.attest(entry.token);
      case 'late':
        return orders.late(entry);
      case 'next':
        return orders.next(entry);
      case 'issuers':
        scene.issuersAreUp = entry.up;
        return;
      case 'trust':
        // Versions are followed one by one; anything else is not in force.
        if (entry.version !== laws.indexOf(scene.law) + 1) return;
        scene.law = laws[entry.version]!;
        scene.trust = world.trusts[entry.version]!;
        return;
      case 'time':
        passTime(scene, entry.minutes);
        return sleepTick();
      case 'clock':
        scene.clock.set(scene.clock.now() + entry.minutes * minute);
        return;
      case 'crash':
        return crash(entry.reboot);
      case 'outcome':
        scene.outcome = entry.next;
        return;
      case 'disk':
        scene.disk.fault = entry.full ? 'ENOSPC' : null;
        scene.disk.tornBytes = entry.full ? 40 : 0;
        if (!entry.full) passTime(scene, 1);
        return;
    }
  };

  for (const entry of ops) {
    await play(entry);
    await settleRun(scene, run);
    if (scene.violation !== null) break;
  }
  run.life.alive = false;
  await run.executor.close();
  return scene.violation;
}
