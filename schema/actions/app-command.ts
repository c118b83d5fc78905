import * as v from 'valibot';
import { countSchema } from '../wire/ids.ts';
import { maxCommandMs } from '../wire/limits.ts';
import { defineAction, noParams } from './action.ts';
import { seconds } from './sentence.ts';

/** Beyond the command's own time: to reach its guest and to find what is declared there. */
const aroundMs = 15 * 60_000;

export const appCommand = defineAction({
  type: 'app.command',
  title: 'Run a command that an app of a guest declares',
  risk: 'medium',
  params: noParams,
  result: v.strictObject({ took_ms: countSchema }),
  doneBy: 'own relay',
  hostLock: 'shared',
  inUse: 'does not matter',
  lifetimeMs: maxCommandMs + aroundMs,
  verb: 'run',
  done: (result) => `has run; it took ${seconds(result.took_ms)}`,
});
