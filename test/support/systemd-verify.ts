import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type AssignmentNode, parseUnit } from '../../schema/quadlet/syntax.ts';
import { findInLab } from './lab-programs.ts';

/** A systemd that judges unit files. */
export type SystemdVerifier = {
  /** `257`, of Debian 13. */
  readonly version: string;
  /**
   * What it says against the units of one machine, one line each; nothing for none.
   *
   * @param files texts by their path in /etc/systemd/system, drop-ins among them
   */
  judge(files: ReadonlyMap<string, string>): readonly string[];
};

/** The systemd of a root of the lab which is there already; null where there is none. */
export function findSystemd(wanted: string): SystemdVerifier | null {
  for (const { root, argv } of findInLab('usr/bin/systemd-analyze', ['systemd'])) {
    const asked = spawnSync(argv[0]!, [...argv.slice(1), '--version'], { encoding: 'utf8' });
    const version = /^systemd (\d+)/.exec(asked.stdout ?? '')?.[1];
    if (version !== wanted) continue;
    const system = join(root, 'usr/lib/systemd/system');
    return { version, judge: (files) => judge(argv, system, files) };
  }
  return null;
}

function judge(
  [program = '', ...words]: readonly string[],
  system: string,
  files: ReadonlyMap<string, string>,
): readonly string[] {
  const root = mkdtempSync(join(tmpdir(), 'writ-systemd-'));
  try {
    cpSync(system, join(root, 'usr/lib/systemd/system'), { recursive: true, verbatimSymlinks: true });
    const put = (path: string, text: string, mode = 0o644): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text, { mode });
    };
    const units = new Set([...files.keys()].map((path) => path.replace(/\.d\/.*$/, '')));
    const texts = [...files.values()];
    for (const [path, text] of files) put(`etc/systemd/system/${path}`, text);
    for (const unit of units) {
      if (files.has(unit)) continue;
      const own = join(system, unit);
      // A drop-in of a unit that a package would bring.
      if (existsSync(own)) texts.push(readFileSync(own, 'utf8'));
      else put(`usr/lib/systemd/system/${unit}`, '[Service]\nExecStart=/bin/true\n');
    }
    // Programs need not be here, only their names have to be those of programs.
    for (const executable of texts.flatMap(executablesOf)) put(executable, '', 0o755);
    put('bin/true', '', 0o755);
    const verify = ['verify', '--man=no', '--recursive-errors=no', `--root=${root}`, ...units];
    const done = spawnSync(program, [...words, ...verify], { encoding: 'utf8' });
    if (done.status === 0) return [];
    const said = done.stderr.replaceAll(`${root}/`, '/').trim();
    return said === '' ? [`systemd-analyze ended with ${done.status ?? done.signal}`] : said.split('\n');
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const executablesOf = (text: string): string[] =>
  parseUnit(text, 'systemd')
    .nodes.filter((node): node is AssignmentNode => node.kind === 'assignment' && node.key.startsWith('Exec'))
    .flatMap(({ value }) => /^[-@:+!]*(\/[^\s;]+)/.exec(value)?.[1] ?? []);
