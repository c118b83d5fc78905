import * as v from 'valibot';
import { defineAction, noParams } from './action.ts';

export const guestStop = defineAction({
  type: 'guest.stop',
  title: 'Cut the power of a guest',
  risk: 'high',
  params: noParams,
  result: v.strictObject({ already: v.boolean() }),
  doneBy: 'own relay',
  hostLock: 'shared',
  inUse: 'overrides',
  verb: 'stop',
  done: (result) => (result.already === true ? 'was off already' : 'is off'),
});
