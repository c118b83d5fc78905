import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Result } from '../../schema/result.ts';
import type { Trust } from '../../schema/trust/read.ts';
import type { TrustJws } from '../../schema/wire/relay-api.ts';
import {
  type ActStateRefusal,
  acceptActClock,
  actFolder,
  openActState,
  seedActState,
  type Unwritable,
} from '../act/act-state.ts';
import { systemClock } from '../agent/clock.ts';
import type { Disk } from '../agent/disk.ts';
import { nodeDisk } from '../agent/node-disk.ts';

const run = promisify(execFile);

/** Where the packaged relay has its state: that one alone has a helper as root. */
export const packagedState = '/var/lib/writ-relay';
export const helperSocket = 'writ-relay-act.socket';
export const helperService = 'writ-relay-act.service';

/** `root`: it can be told now; `not_root`: there is one, and root alone may; `none`: this relay has none. */
export function helperOf(stateDir: string): 'root' | 'not_root' | 'none' {
  if (resolve(stateDir) !== packagedState) return 'none';
  return process.geteuid?.() === 0 ? 'root' : 'not_root';
}

/** Tells the helper of this host whom to obey from now on, in place of whatever it obeyed. */
export const seedHelper = (made: {
  readonly relay: string;
  readonly trust: Trust;
}): Promise<Result<true, Unwritable>> =>
  whileItRests((disk) => seedActState(disk, { ...made, now: systemClock().now() }));

/**
 * The same of one that may have obeyed and done something before: the document is never older than the one that it
 * obeys, and what it was ordered is not forgotten.
 */
export const reseedHelper = (made: {
  readonly relay: string;
  readonly trust: Trust;
}): Promise<Result<true, Unwritable | 'trust_version'>> =>
  whileItRests(async (disk) => {
    const before = await openActState(disk);
    const { home, version } = made.trust.document;
    const isSame = before.ok && before.value.home === home && before.value.relay === made.relay;
    if (isSame && before.value.trust().document.version > version)
      return { ok: false, reason: 'trust_version' };
    const now = systemClock().now();
    return seedActState(disk, { ...made, now, ...(isSame && { before: before.value }) });
  });

/** Hands the helper versions of trust, which it follows by their chain. False: its state cannot be read or written. */
export const handToHelper = (versions: readonly TrustJws[]): Promise<boolean> =>
  whileItRests(async (disk) => {
    const state = await openActState(disk);
    if (!state.ok) return state.reason === 'act_not_seeded';
    return (await state.value.follow(versions)).ok;
  });

/** The helper's part in `clock accept`. */
export const acceptHelperClock = (now: number): Promise<Result<true, Unwritable | ActStateRefusal>> =>
  whileItRests((disk) => acceptActClock(disk, now));

/** A helper that runs has its state in memory, so it is ended before that is changed, and nobody starts it meanwhile. */
async function whileItRests<T>(work: (disk: Disk) => Promise<T>): Promise<T> {
  const systemctl = (...words: string[]): Promise<boolean> =>
    run('systemctl', ['--quiet', ...words]).then(
      () => true,
      () => false,
    );
  const listened = await systemctl('is-active', helperSocket);
  await systemctl('stop', helperSocket, helperService);
  const disk = nodeDisk(actFolder);
  try {
    return await work(disk);
  } finally {
    await disk.close();
    if (listened) await systemctl('start', helperSocket);
  }
}
