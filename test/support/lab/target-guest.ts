import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions, requireShim } from '../../../debian/bundle.ts';
import type { Activation } from '../../../relay/deploy/activate.ts';
import type { Release } from '../../../schema/wire/release.ts';
import { writeReleaseFile } from '../../../src/config/build/release-file.ts';
import { type Guest, makeGuest } from './guest.ts';
import { labRoot } from './root.ts';

/** A guest that carries apps, in a network of its own, with an image `localhost/busy:1` that is busybox. */
export type TargetGuest = {
  readonly guest: Guest;
  /** The name of its network's namespace. */
  readonly netns: string;
  /** Activates the guest's part of a release, as root there. Null when the program was killed on the way. */
  activate(
    release: Release,
    stopAt?: number,
  ): Promise<(Activation & { phases: string[]; calls: number }) | null>;
  /** Goes back from what a crash left. */
  goBack(): Promise<void>;
  close(): Promise<void>;
};

/** Boots it. */
export async function startTargetGuest(name: string): Promise<TargetGuest> {
  const root = await labRoot();
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
    await guest.boot();
    await makeImage(guest);
  } catch (error) {
    await close();
    throw error;
  }
  const run = (words: readonly string[]) =>
    guest.run(['node', '/opt/activate.mjs', ...words], { timeoutMs: 120_000 });
  return {
    guest,
    netns,
    async activate(release, stopAt) {
      guest.put('/opt/release.tar', writeReleaseFile(release));
      const ran = await run(['/opt/release.tar', name, ...(stopAt === undefined ? [] : [String(stopAt)])]);
      if (ran.code === 137 || ran.code === -1) return null;
      if (ran.code !== 0) throw new Error(`${ran.out}${ran.err}`);
      return JSON.parse(ran.out);
    },
    async goBack() {
      const ran = await run(['-', '-']);
      if (ran.code !== 0 || !JSON.parse(ran.out).ok) throw new Error(`${ran.out}${ran.err}`);
    },
    close,
  };
}

/** An image without a registry: busybox, and its names for what the apps of tests need. */
async function makeImage(guest: Guest): Promise<void> {
  const names = ['sh', 'httpd', 'sleep', 'cat', 'wget', 'true', 'false', 'kill', 'echo', 'env'];
  await guest.must(['mkdir', '-p', '/tmp/image/bin', '/tmp/image/www', '/tmp/image/tmp', '/tmp/image/etc']);
  await guest.must(['cp', '/bin/busybox', '/tmp/image/bin/busybox']);
  for (const name of names) await guest.must(['ln', '-s', 'busybox', `/tmp/image/bin/${name}`]);
  await guest.must(['tar', '-C', '/tmp/image', '-cf', '/tmp/image.tar', '.']);
  await guest.must(['podman', 'import', '--quiet', '/tmp/image.tar', 'localhost/busy:1']);
}
