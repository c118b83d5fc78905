import { defineAction, noResult, patienceParams } from './action.ts';

export const hostShutdownInUse = defineAction({
  type: 'host.shutdown-in-use',
  title: 'Shut a host down even while somebody uses one of its guests',
  risk: 'high',
  params: patienceParams,
  result: noResult,
  doneBy: 'own relay',
  hostLock: 'exclusive',
  inUse: 'overrides',
  lifetimeMs: 60 * 60_000,
  verb: 'shut down',
  done: () => 'is off',
});
