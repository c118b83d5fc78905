import { defineAction, noResult, patienceParams } from './action.ts';

export const guestReboot = defineAction({
  type: 'guest.reboot',
  title: 'Reboot a guest gracefully; refused while it is in use',
  risk: 'medium',
  params: patienceParams,
  result: noResult,
  doneBy: 'own relay',
  hostLock: 'shared',
  inUse: 'refuses',
  verb: 'reboot',
  done: () => 'has rebooted',
});
