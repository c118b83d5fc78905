import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Podman's real Quadlet generator. */
export type Generator = {
  readonly version: string;
  /** Dry run over a folder of these files. `broken` is a generator that broke down, and so made no unit. */
  judge(files: ReadonlyMap<string, string>): Verdict;
};

export type Verdict = {
  readonly broken: boolean;
  /** What it says of each file that it refuses, by the file's name without folders. */
  readonly refused: ReadonlyMap<string, string>;
  /** The services that it makes: `web.service` → its text. */
  readonly services: ReadonlyMap<string, string>;
};

const cache = process.env.WRIT_LAB_CACHE ?? '/var/cache/writ-lab';

/** The generator of this machine, or that of a root of the lab which is there already; null where there is none. */
export function findGenerator(wanted: string): Generator | null {
  const roots = existsSync(cache) ? readdirSync(cache).map((name) => join(cache, name, 'root')) : [];
  for (const path of ['', ...roots].map((root) => join(root, '/usr/libexec/podman/quadlet'))) {
    if (!existsSync(path)) continue;
    const asked = spawnSync(path, ['-version'], { encoding: 'utf8' });
    const version = asked.status === 0 ? asked.stdout.trim() : '';
    if (version.startsWith(`${wanted}.`)) return { version, judge: (files) => run(path, files) };
  }
  return null;
}

function run(path: string, files: ReadonlyMap<string, string>): Verdict {
  // Thousands of small files: in memory where that is to be had.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'writ-quadlet-'));
  try {
    for (const [name, text] of files) {
      mkdirSync(join(folder, dirname(name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const done = spawnSync(path, ['-dryrun'], {
      encoding: 'utf8',
      env: { QUADLET_UNIT_DIRS: folder },
      maxBuffer: 256 * 1024 * 1024,
    });
    const refused = new Map<string, string>();
    for (const line of done.stderr.split('\n')) {
      const converted = /converting "([^"]+)": (.*)/.exec(line);
      const loaded = /error loading "(?:[^"]*\/)?([^"/]+)", (.*)/.exec(line);
      const found = converted ?? loaded;
      if (found !== null) refused.set(found[1]!, found[2]!);
    }
    const services = new Map(
      [...done.stdout.matchAll(/^---(\S+)---\n([\s\S]*?)(?=^---\S+---\n|$(?![\s\S]))/gm)].map(
        (match) => [match[1]!, match[2]!] as const,
      ),
    );
    return { broken: done.stderr.includes('panic:'), refused, services };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
