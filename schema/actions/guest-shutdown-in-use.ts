import * as v from 'valibot';
import { defineAction, patienceParams } from './action.ts';

export const guestShutdownInUse = defineAction({
  type: 'guest.shutdown-in-use',
  title: 'Shut a guest down gracefully even while somebody uses it',
  risk: 'high',
  params: patienceParams,
  result: v.strictObject({ already: v.boolean() }),
  doneBy: 'own relay',
  hostLock: 'shared',
  inUse: 'overrides',
  verb: 'shut down',
  done: (result) => (result.already === true ? 'was off already' : 'is off'),
});
