import * as v from 'valibot';
import { defineAction, noParams } from './action.ts';

export const guestSuspendInUse = defineAction({
  type: 'guest.suspend-in-use',
  title: 'Pause a guest in memory even while somebody uses it',
  risk: 'high',
  params: noParams,
  result: v.strictObject({ already: v.boolean() }),
  doneBy: 'own relay',
  hostLock: 'shared',
  inUse: 'overrides',
  verb: 'suspend',
  done: (result) => (result.already === true ? 'was suspended already' : 'is suspended'),
});
