import { systemClock } from '../agent/clock.ts';
import { nodeDisk } from '../agent/node-disk.ts';
import { openState, type RelayState } from '../agent/state-files.ts';
import { lockState } from '../agent/state-lock.ts';
import { createLog } from '../log.ts';
import { startSentences } from './sentences.ts';
import { type ExitCode, type Terminal, tellRefusal } from './terminal.ts';

export type StateArguments = { readonly stateDir: string; readonly json: boolean };

/** Opens the state of a relay that does not run, for one piece of work. */
export async function withState(
  { stateDir, json }: StateArguments,
  terminal: Terminal,
  options: { readonly exclusive: boolean },
  work: (state: RelayState) => Promise<ExitCode>,
): Promise<ExitCode> {
  const held = options.exclusive ? await lockState(stateDir) : null;
  if (held !== null && !held.ok) {
    const sentence = 'The relay is running: stop it first (systemctl stop writ-relay).';
    tellRefusal(
      terminal,
      json,
      held,
      held.reason === 'state_in_use' ? sentence : startSentences[held.reason],
    );
    return 1;
  }
  const clock = systemClock();
  const log = createLog({ now: clock.now, write: () => {} });
  const disk = nodeDisk(stateDir);
  try {
    const state = await openState({ disk, clock, log });
    if (!state.ok) {
      tellRefusal(terminal, json, state, startSentences[state.reason]);
      return 3;
    }
    const code = await work(state.value);
    await state.value.journal.close();
    return code;
  } finally {
    await disk.close();
    await held?.value.release();
  }
}
