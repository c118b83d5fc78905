import * as v from 'valibot';
import { defineAction, noParams } from './action.ts';

export const guestSuspend = defineAction({
  type: 'guest.suspend',
  title: 'Pause a guest in memory; refused while it is in use',
  risk: 'medium',
  params: noParams,
  result: v.strictObject({ already: v.boolean() }),
  doneBy: 'own relay',
  hostLock: 'shared',
  inUse: 'refuses',
  verb: 'suspend',
  done: (result) => (result.already === true ? 'was suspended already' : 'is suspended'),
});
