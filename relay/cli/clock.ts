import { ok } from '../../schema/result.ts';
import { systemClock } from '../agent/clock.ts';
import { acceptClock } from '../agent/state-files.ts';
import { acceptHelperClock, helperOf } from './helper.ts';
import { helperSentences } from './sentences.ts';
import { type ExitCode, type Terminal, tell, tellRefusal } from './terminal.ts';
import { withState } from './with-state.ts';

/** `writ-relay clock accept`, with the relay stopped. */
export const clockAcceptCommand = (
  args: { readonly stateDir: string; readonly json: boolean },
  terminal: Terminal,
): Promise<ExitCode> =>
  withState(args, terminal, { exclusive: true }, async ({ journal }) => {
    const accepted = await acceptClock(journal, systemClock());
    if (!accepted.ok) {
      tellRefusal(terminal, args.json, accepted, 'The journal cannot be written. Nothing was changed.');
      return 1;
    }
    const { before, now } = accepted.value;
    const helper = helperOf(args.stateDir) === 'root' ? await acceptHelperClock(now) : ok(true);
    if (!helper.ok) {
      tellRefusal(terminal, args.json, helper, helperSentences.clock_kept);
      return 1;
    }
    const text = (ms: number): string => (ms === 0 ? 'none' : new Date(ms).toISOString());
    tell(terminal, args.json, { ok: true, before, now }, [
      `Taken as right: ${text(now)} (journalled before: ${text(before)}).`,
      'Orders that were signed before this moment are refused from now on.',
    ]);
    return 0;
  });
