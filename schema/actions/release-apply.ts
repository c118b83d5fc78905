import * as v from 'valibot';
import { digestSchema } from '../jose/digest.ts';
import { countSchema } from '../wire/ids.ts';
import { defineAction } from './action.ts';

/** What came of a part that is in force. */
export const releaseResultSchema = v.strictObject({
  /** The target was as wanted already, and nothing was written. */
  already: v.boolean(),
  files: countSchema,
  started: countSchema,
  restarted: countSchema,
  reloaded: countSchema,
  stopped: countSchema,
});

export const releaseApply = defineAction({
  type: 'release.apply',
  title: 'Bring a target to its part of a release; what fails is put back',
  risk: 'medium',
  params: v.strictObject({
    /** Digest of the part's bytes. */
    part: digestSchema,
    /** A part that failed on this target before is tried anew. */
    again: v.optional(v.literal(true)),
  }),
  result: releaseResultSchema,
  doneBy: 'own relay',
  hostLock: 'shared',
  inUse: 'does not matter',
  lifetimeMs: 30 * 60_000,
  verb: 'update',
  done: (result) => (result.already === true ? 'was up to date already' : 'is up to date'),
});
