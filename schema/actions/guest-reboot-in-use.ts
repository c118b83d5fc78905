import { defineAction, noResult, patienceParams } from './action.ts';

export const guestRebootInUse = defineAction({
  type: 'guest.reboot-in-use',
  title: 'Reboot a guest gracefully even while somebody uses it',
  risk: 'high',
  params: patienceParams,
  result: noResult,
  doneBy: 'own relay',
  hostLock: 'shared',
  inUse: 'overrides',
  verb: 'reboot',
  done: () => 'has rebooted',
});
