import * as v from 'valibot';
import { defineAction, noParams } from './action.ts';

export const guestResume = defineAction({
  type: 'guest.resume',
  title: 'Resume a suspended guest',
  risk: 'low',
  params: noParams,
  result: v.strictObject({ already: v.boolean() }),
  doneBy: 'own relay',
  hostLock: 'shared',
  inUse: 'does not matter',
  verb: 'resume',
  done: (result) => (result.already === true ? 'was running already' : 'is running'),
});
