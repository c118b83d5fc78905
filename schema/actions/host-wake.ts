import * as v from 'valibot';
import { countSchema } from '../wire/ids.ts';
import { defineAction, noParams } from './action.ts';
import { seconds } from './sentence.ts';

export const hostWake = defineAction({
  type: 'host.wake',
  title: 'Wake a sleeping host by magic packet, repeated until it reports',
  risk: 'low',
  params: noParams,
  result: v.strictObject({ packets: countSchema, took_ms: countSchema }),
  doneBy: 'waker',
  hostLock: 'shared',
  inUse: 'does not matter',
  verb: 'wake',
  done: (result) => `is awake; it took ${seconds(result.took_ms)}`,
});
