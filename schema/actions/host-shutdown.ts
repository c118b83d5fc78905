import { defineAction, noResult, patienceParams } from './action.ts';

export const hostShutdown = defineAction({
  type: 'host.shutdown',
  title: 'Shut down the guests of a host in order, then power the host off',
  risk: 'medium',
  params: patienceParams,
  result: noResult,
  doneBy: 'own relay',
  hostLock: 'exclusive',
  inUse: 'refuses',
  lifetimeMs: 60 * 60_000,
  verb: 'shut down',
  done: () => 'is off',
});
