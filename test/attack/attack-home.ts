import type { Attack } from './attack.ts';
import { bringUp, type Scene } from './home/bring-up.ts';
import { type Outcome, runAttacks } from './run.ts';
import { type Thief, takeOver } from './thief/thief.ts';
import { watchWorld } from './world.ts';

export type AttackOptions = {
  readonly seed: number;
  readonly keep: boolean;
  /** Hears what is going on until the thief is there, and where the folder is that was kept. */
  say(text: string): void;
  /** Hears each outcome. */
  tell(outcome: Outcome): void;
  readonly signal?: AbortSignal;
};

/** Brings up a home, gives its control plane to a thief, lets the thief attack, and takes the home down again. */
export async function attackHome(
  attacks: readonly Attack[],
  options: AttackOptions,
): Promise<readonly Outcome[]> {
  let scene: Scene | null = null;
  let thief: Thief | null = null;
  const leave = async (): Promise<void> => {
    thief?.close();
    await scene?.close();
    if (options.keep && scene !== null) options.say(`Kept: ${scene.home.directory}`);
  };
  const cut = new Promise<never>((_, reject) => {
    options.signal?.addEventListener('abort', () => reject(new Error('it was interrupted')), { once: true });
  });
  // Nobody may be waiting for it any more.
  cut.catch(() => {});
  try {
    scene = await Promise.race([bringUp(options.say, options.keep), cut]);
    options.say('The thief takes the control plane, its database, its keys and the relay of cloud');
    thief = await takeOver(scene, options.seed);
    const { line } = thief;
    const world = watchWorld(scene, () => line.sent);
    return await Promise.race([runAttacks({ scene, thief, world }, attacks, options.tell), cut]);
  } finally {
    await leave();
  }
}
