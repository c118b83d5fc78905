import { defineAction, noResult, patienceParams } from './action.ts';

export const hostRebootInUse = defineAction({
  type: 'host.reboot-in-use',
  title: 'Reboot a host even while somebody uses one of its guests',
  risk: 'high',
  params: patienceParams,
  result: noResult,
  doneBy: 'own relay',
  hostLock: 'exclusive',
  inUse: 'overrides',
  lifetimeMs: 60 * 60_000,
  verb: 'reboot',
  done: () => 'has rebooted',
});
