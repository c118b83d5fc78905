import * as v from 'valibot';
import { defineAction, noParams } from './action.ts';

export const guestPrepare = defineAction({
  type: 'guest.prepare',
  title: 'Install what a guest lacks for releases, from its own Debian',
  risk: 'high',
  params: noParams,
  result: v.strictObject({ already: v.boolean() }),
  doneBy: 'own relay',
  hostLock: 'shared',
  inUse: 'does not matter',
  lifetimeMs: 30 * 60_000,
  verb: 'prepare',
  done: (result) => (result.already === true ? 'was prepared already' : 'is prepared'),
});
