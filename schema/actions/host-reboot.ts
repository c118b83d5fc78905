import { defineAction, noResult, patienceParams } from './action.ts';

export const hostReboot = defineAction({
  type: 'host.reboot',
  title: 'Shut down the guests of a host in order, then reboot the host',
  risk: 'medium',
  params: patienceParams,
  result: noResult,
  doneBy: 'own relay',
  hostLock: 'exclusive',
  inUse: 'refuses',
  lifetimeMs: 60 * 60_000,
  verb: 'reboot',
  done: () => 'has rebooted',
});
