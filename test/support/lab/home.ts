import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Guest, makeGuest } from './guest.ts';
import { type HomeNetwork, makeHomeNetwork, type Place } from './network.ts';
import { labRoot } from './root.ts';

/** Guests of the lab in the networks of the example home. */
export type LabHome = {
  readonly network: HomeNetwork;
  readonly guests: Readonly<Record<'cloud' | 'desk' | 'pve1' | 'pve2', Guest>>;
  /** Cuts all power and leaves nothing behind. */
  close(): Promise<void>;
};

const machines = ['cloud', 'desk', 'pve1', 'pve2'] as const satisfies readonly Place[];

/** Makes the networks and the guests, all of them off. */
export async function makeLabHome(tell: (line: string) => void): Promise<LabHome> {
  const root = await labRoot(tell);
  const folder = mkdtempSync(join(process.env.WRIT_LAB_DIR ?? tmpdir(), 'writ-lab-'));
  const mark = randomBytes(3).toString('hex');
  const network = makeHomeNetwork();
  const guests = Object.fromEntries(
    machines.map((name) => {
      const own = join(folder, name);
      mkdirSync(join(own, 'upper'), { recursive: true });
      return [
        name,
        makeGuest({
          name,
          netns: network.netns(name),
          root,
          folder: own,
          cgroup: `writ-lab-${mark}-${name}`,
        }),
      ];
    }),
  ) as LabHome['guests'];
  const close = async (): Promise<void> => {
    for (const guest of Object.values(guests)) await guest.cut();
    network.remove();
    rmSync(folder, { recursive: true, force: true });
  };
  return { network, guests, close };
}
