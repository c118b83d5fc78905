import type { ReleasePart } from '../../../schema/wire/release.ts';
import type { Guest } from './guest.ts';

/** Folders that the releases of the lab's homes put files into, and where what they bring is all there is. */
const folders = [
  '/etc/containers/systemd',
  '/etc/systemd/system',
  '/etc/opt',
  '/etc/haproxy',
  '/etc/unbound',
  '/etc/headscale',
];

/** Files as `MODE OWNER DIGEST`, by path: of a guest in the release's folders, without links. */
export async function filesOf(guest: Guest): Promise<ReadonlyMap<string, string>> {
  const script =
    'find "$@" -type f -exec stat -c "%a %u:%g %n" {} + 2>/dev/null; echo --; find "$@" -type f -exec sha256sum {} + 2>/dev/null; true';
  const [stats = '', sums = ''] = (await guest.must(['sh', '-c', script, 'sh', ...folders])).split('--\n');
  const digests = new Map(lines(sums).map((line) => [line.slice(66), line.slice(0, 64)]));
  return new Map(
    lines(stats).map((line) => {
      const [, mode, owner, path] = /^(\d+) (\d+:\d+) (.*)$/.exec(line)!;
      return [path!, `${mode!.padStart(4, '0')} ${owner} ${digests.get(path!)}`];
    }),
  );
}

/** The same of what a part says, for owners that are root or numbers. */
export const filesWanted = (part: ReleasePart): ReadonlyMap<string, string> =>
  new Map(
    part.files
      .filter(({ path }) => !path.startsWith('volume:'))
      .map(({ path, mode, owner, digest }) => [
        path,
        `${mode} ${owner.replaceAll('root', '0')} ${digest.slice('sha256:'.length)}`,
      ]),
  );

/** Device, inode and time of the last change of each file: another one means that it was written. */
export async function writingsOf(guest: Guest): Promise<ReadonlyMap<string, string>> {
  const script = 'find "$@" /var/lib/writ-target -type f -exec stat -c "%i %y %z|%n" {} + 2>/dev/null; true';
  const found = await guest.must(['sh', '-c', script, 'sh', ...folders]);
  return new Map(
    lines(found).map((line) => [line.slice(line.indexOf('|') + 1), line.slice(0, line.indexOf('|'))]),
  );
}

/** The run of each unit: another one, or none, means that it was interrupted. */
export async function runsOf(guest: Guest, units: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const shown = await guest.must([
    'systemctl',
    'show',
    '-p',
    'InvocationID,MainPID,ActiveState',
    '--',
    ...units,
  ]);
  return new Map(
    shown
      .trim()
      .split('\n\n')
      .map((block, index) => [units[index]!, lines(block).sort().join(' ')]),
  );
}

/** Names whose values differ, those of one alone among them. */
export const differing = <T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): string[] =>
  [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name)).sort();

const lines = (text: string): string[] => text.split('\n').filter(Boolean);
