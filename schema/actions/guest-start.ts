import * as v from 'valibot';
import { defineAction, noParams } from './action.ts';

export const guestStart = defineAction({
  type: 'guest.start',
  title: 'Start a guest; refused while another holder of its exclusive resource runs',
  risk: 'low',
  params: noParams,
  result: v.strictObject({ already: v.boolean() }),
  doneBy: 'own relay',
  hostLock: 'shared',
  inUse: 'does not matter',
  verb: 'start',
  done: (result) => (result.already === true ? 'was running already' : 'is running'),
});
