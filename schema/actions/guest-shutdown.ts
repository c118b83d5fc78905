import * as v from 'valibot';
import { defineAction, patienceParams } from './action.ts';

export const guestShutdown = defineAction({
  type: 'guest.shutdown',
  title: 'Shut a guest down gracefully; refused while it is in use',
  risk: 'medium',
  params: patienceParams,
  result: v.strictObject({ already: v.boolean() }),
  doneBy: 'own relay',
  hostLock: 'shared',
  inUse: 'refuses',
  verb: 'shut down',
  done: (result) => (result.already === true ? 'was off already' : 'is off'),
});
