import * as v from 'valibot';
import { digestSchema } from '../jose/digest.ts';
import { defineAction } from './action.ts';
import { releaseResultSchema } from './release-apply.ts';

export const releaseHeal = defineAction({
  type: 'release.heal',
  title: 'Put back what of a release was changed by hand',
  risk: 'medium',
  params: v.strictObject({
    /** Digest of the part that is in force: nothing else is brought. */
    part: digestSchema,
  }),
  result: releaseResultSchema,
  doneBy: 'own relay',
  hostLock: 'shared',
  inUse: 'does not matter',
  byItself: true,
  lifetimeMs: 30 * 60_000,
  verb: 'put right',
  done: () => 'is as its release says again',
});
