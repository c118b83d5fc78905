import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findInLab } from './lab-programs.ts';

/** A real program that judges configuration. */
export type Checker = {
  /** Such as `HAProxy version 3.0.11`. */
  readonly version: string;
  /** Its path and what must stand before its arguments. */
  readonly argv: readonly string[];
};

/** What one program said of a configuration. */
export type Verdict = { readonly by: string; readonly accepted: boolean; readonly said: string };

type Name = 'haproxy' | 'unbound' | 'unbound-checkconf' | 'promtool' | 'amtool' | 'vmalert' | 'vmagent';
const versionFlag: Readonly<Record<Name, string>> = {
  haproxy: '-v',
  unbound: '-V',
  // Of one package with unbound, and without a flag that tells.
  'unbound-checkconf': '-h',
  promtool: '--version',
  amtool: '--version',
  vmalert: '--version',
  vmagent: '--version',
};

/** The program as this machine has it, and as the roots of the lab do that are there already; empty where none is. */
export function findChecker(name: Name): readonly Checker[] {
  const own = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin']
    .map((folder) => join(folder, name))
    .find(existsSync);
  const inLab = ['usr/sbin', 'usr/bin'].flatMap((folder) =>
    findInLab(join(folder, name)).map(({ argv }) => argv),
  );
  return [...(own === undefined ? [] : [[own]]), ...inLab].flatMap((argv) => {
    const asked = spawnSync(argv[0]!, [...argv.slice(1), versionFlag[name]], { encoding: 'utf8' });
    if (asked.error !== undefined) return [];
    const version = /^.*?version \S+/im.exec(asked.stdout + asked.stderr)?.[0] ?? name;
    return [{ version, argv }];
  });
}

/** Asks every such program there is about files, by their names; `{}` in its words is the folder where they are. */
export const checkWith = (
  name: Name,
  words: readonly string[],
  files: Readonly<Record<string, string>>,
): Verdict[] => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-check-'));
  try {
    for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
    return findChecker(name).map((one) => judge(one, ...words.map((word) => word.replaceAll('{}', folder))));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const judge = ({ version, argv }: Checker, ...words: string[]): Verdict => {
  const done = spawnSync(argv[0]!, [...argv.slice(1), ...words], { encoding: 'utf8' });
  return { by: version, accepted: done.status === 0, said: `${done.stdout}${done.stderr}`.trim() };
};

/**
 * Asks every HAProxy there is about a machine's files.
 *
 * @param folder what the release puts below `/` on the machine: `<folder>/etc/haproxy/haproxy.cfg` and its maps
 * @param fixtures files of the machine that the configuration reads and no release brings, by path
 */
export function checkHaproxy(
  folder: string,
  {
    config = '/etc/haproxy/haproxy.cfg',
    fixtures = {},
  }: { readonly config?: string; readonly fixtures?: Readonly<Record<string, string>> } = {},
): Verdict[] {
  return inCopy(folder, fixtures, (root) => {
    const text = readFileSync(join(root, config), 'utf8');
    writeFileSync(join(root, config), rootedHaproxy(root, text));
    return findChecker('haproxy').map((one) => judge(one, '-c', '-f', join(root, config)));
  });
}

/** A configuration of HAProxy whose machine's files stand below a folder; what it needs besides is made there. */
export function rootedHaproxy(root: string, text: string): string {
  const moved = text.replaceAll(/(?<=[\s(,'"])\/(?:etc|var|run|usr|opt|srv)\/[^\s,)'"]*/g, (path) =>
    join(root, path),
  );
  for (const [, path] of moved.matchAll(/^\s*chroot (\S+)/gm)) mkdirSync(path!, { recursive: true });
  const known = readFileSync('/etc/passwd', 'utf8').includes('\nhaproxy:');
  return known ? moved : moved.replaceAll(/^\s*(user|group) haproxy$/gm, '');
}

/**
 * Asks every unbound-checkconf there is about fragments of unbound.conf.
 *
 * @param fragments paths below `/` on the machine, as `include:` names them
 */
export function checkUnbound(folder: string, fragments: readonly string[]): Verdict[] {
  return inCopy(folder, {}, (root) => {
    const config = join(root, 'unbound.conf');
    writeFileSync(
      config,
      unboundConfig(
        root,
        fragments.map((path) => join(root, path)),
      ),
    );
    return findChecker('unbound-checkconf').map((one) => judge(one, config));
  });
}

/** An unbound.conf that listens nowhere else and includes the fragments. */
export const unboundConfig = (folder: string, includes: readonly string[], more: readonly string[] = []) =>
  [
    'server:',
    `  directory: "${folder}"`,
    '  chroot: ""',
    '  username: ""',
    '  pidfile: ""',
    '  use-syslog: no',
    '  do-daemonize: no',
    '  module-config: "iterator"',
    ...more.map((line) => `  ${line}`),
    ...includes.map((path) => `include: "${path}"`),
    'remote-control:',
    '  control-enable: no',
    '',
  ].join('\n');

function inCopy<T>(folder: string, fixtures: Readonly<Record<string, string>>, work: (root: string) => T): T {
  const root = mkdtempSync(join(tmpdir(), 'writ-check-'));
  try {
    cpSync(folder, root, { recursive: true });
    for (const [path, content] of Object.entries(fixtures)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    return work(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
