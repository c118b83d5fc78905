import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const cache = process.env.WRIT_LAB_CACHE ?? '/var/cache/writ-lab';
const library = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
const loader = process.arch === 'arm64' ? 'ld-linux-aarch64.so.1' : 'ld-linux-x86-64.so.2';

/** A program in a root of the lab, to be run without entering it. */
export type LabProgram = {
  readonly root: string;
  /** Its path and what must stand before its arguments. */
  readonly argv: readonly string[];
};

/**
 * A program as the roots of the lab have it that are there already, with its own libraries: without a chroot, which
 * would need root and would not see this machine's files.
 *
 * @param path in the root: `usr/sbin/haproxy`
 * @param folders of libraries beside the common ones: `systemd`
 */
export function findInLab(path: string, folders: readonly string[] = []): readonly LabProgram[] {
  const roots = existsSync(cache) ? readdirSync(cache).map((key) => join(cache, key, 'root')) : [];
  return roots.flatMap((root) => {
    const program = join(root, path);
    if (!existsSync(program)) return [];
    const libraries = join(root, 'usr/lib', library);
    const searched = [...folders.map((name) => join(libraries, name)), libraries].join(':');
    return [{ root, argv: [join(libraries, loader), '--library-path', searched, program] }];
  });
}
