import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions, requireShim } from '../../../debian/bundle.ts';
import type { TargetSight } from '../../../relay/deploy/look-target.ts';
import type { Release } from '../../../schema/wire/release.ts';
import { writeReleaseFile } from '../../../src/config/build/release-file.ts';
import { makeBusyImage } from './busy-image.ts';
import type { EngineAnswer, EngineRequest } from './engine-request.ts';
import { hangs } from './faulty-machine.ts';
import { type Guest, makeGuest } from './guest.ts';
import { labRoot } from './root.ts';

/** A guest that carries apps, in a network of its own, with an image `localhost/busy:1` that is busybox. */
export type TargetGuest = {
  readonly guest: Guest;
  /** The name of its network's namespace. */
  readonly netns: string;
  /** Lets the engine do something, as root there. Null when it was killed on the way. */
  ask(request: EngineRequest): Promise<EngineAnswer | null>;
  /** Activates the guest's part of a release. Null when the program was killed on the way. */
  activate(release: Release, more?: Partial<EngineRequest>): Promise<(EngineAnswer & Activated) | null>;
  /** Starts to activate, until the fault `hang`, and pulls the plug; the guest is off. False where it ended before. */
  activateAndCut(release: Release, more: Partial<EngineRequest>): Promise<boolean>;
  /** Goes back from what a crash left. */
  goBack(): Promise<NonNullable<EngineAnswer['back']>>;
  look(): Promise<TargetSight>;
  close(): Promise<void>;
};

type Activated = Required<Pick<EngineAnswer, 'activation' | 'progress'>>;

/** What a guest has that is not as usual. */
export type TargetGuestOptions = {
  /** Its root, below what it writes; the lab's own. */
  readonly root?: string;
  /** A folder that its /var/lib/containers is a copy of, and no image is made. */
  readonly containers?: string;
};

/** Boots it. */
export async function startTargetGuest(
  name: string,
  { root: otherRoot, containers }: TargetGuestOptions = {},
): Promise<TargetGuest> {
  const root = otherRoot ?? (await labRoot());
  const folder = mkdtempSync(join(process.env.WRIT_LAB_DIR ?? tmpdir(), 'writ-target-'));
  const mark = randomBytes(3).toString('hex');
  const netns = `w${mark}-${name}`;
  execFileSync('ip', ['netns', 'add', netns]);
  execFileSync('ip', ['-n', netns, 'link', 'set', 'lo', 'up']);
  mkdirSync(join(folder, 'guest/upper'), { recursive: true });
  const guest = makeGuest({
    name,
    netns,
    root,
    folder: join(folder, 'guest'),
    cgroup: `writ-lab-${mark}-${name}`,
  });
  const close = async (): Promise<void> => {
    await guest.cut();
    execFileSync('ip', ['netns', 'del', netns]);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await build({
      ...bundleOptions,
      entryPoints: [join(import.meta.dirname, 'activate-main.ts')],
      outfile: join(folder, 'activate.mjs'),
      banner: { js: requireShim },
    });
    guest.put('/opt/activate.mjs', readFileSync(join(folder, 'activate.mjs')));
    if (containers !== undefined)
      execFileSync('cp', ['-a', '--reflink=auto', containers, join(folder, 'guest/containers')]);
    await guest.boot();
    if (containers === undefined) await makeBusyImage(guest.must);
  } catch (error) {
    await close();
    throw error;
  }
  const programOf = (request: EngineRequest): string[] => [
    ...['node', '/opt/activate.mjs', JSON.stringify(request)],
  ];
  const ask: TargetGuest['ask'] = async (request) => {
    const ran = await guest.run(programOf(request), { timeoutMs: 300_000 });
    if (ran.code === 137 || ran.code === -1) return null;
    // Of a bundle, the line that failed is very long.
    if (ran.code !== 0) throw new Error(`${ran.out}${ran.err.slice(-2000)}`);
    return JSON.parse(ran.out) as EngineAnswer;
  };
  const activation = (release: Release, more: Partial<EngineRequest>): EngineRequest => {
    guest.put('/opt/release.tar', writeReleaseFile(release));
    return { do: 'activate', release: '/opt/release.tar', target: name, ...more };
  };
  return {
    guest,
    netns,
    ask,
    activate: async (release, more = {}) =>
      (await ask(activation(release, more))) as (EngineAnswer & Activated) | null,
    async activateAndCut(release, more) {
      const program = guest.converse(programOf(activation(release, more)));
      const stopped = await program.until(new RegExp(hangs)).then(
        () => true,
        () => false,
      );
      if (stopped) await guest.cut();
      return stopped;
    },
    async goBack() {
      const answer = await ask({ do: 'go-back' });
      return answer!.back!;
    },
    look: async () => (await ask({ do: 'look' }))!.sight!,
    close,
  };
}
