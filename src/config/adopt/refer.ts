import { whatNeeds } from '../../../schema/quadlet/needs.ts';
import { lastValue, type Unit } from '../../../schema/quadlet/unit.ts';
import { splitWords } from '../../../schema/quadlet/words.ts';
import { folderOf } from './found.ts';
import { quadletFolder } from './unit-names.ts';

/** An absolute path within a word: `-/etc/default/x`, `path:/srv/y`, `key=/etc/z`. */
const pathInWord = /(?:^|[-+!@|:=,])(\/[^\s:,;'"]+)/g;

/** Absolute paths in the values of sections that systemd reads, in the order in which they stand. */
function pathsForSystemd(unit: Unit): string[] {
  return [...unit.sections]
    .filter(([name]) => /^(Service|Socket|Path|Unit|Mount)$/.test(name))
    .flatMap(([, assigned]) => assigned)
    .flatMap(({ value }) => splitWords(value, 'arguments').words)
    .flatMap(({ text }) => [...text.matchAll(pathInWord)].map(([, path]) => path!.replace(/\/+$/, '')))
    .filter((path) => path !== '');
}

/** Paths of the machine that a unit names: mounts, files of variables, programs, the folder that an image is built of. */
export function pathsOf(unit: Unit): string[] {
  const paths = whatNeeds(unit).files.map(({ name }) => name);
  if (unit.name.kind === 'build') {
    const from = lastValue(unit, 'Build', 'SetWorkingDirectory') ?? '';
    const own = `${quadletFolder}${folderOf(unit.file.name)}`.replace(/\/$/, '');
    if (from === 'unit') paths.push(own);
    else if (from.startsWith('/')) paths.push(from.replace(/(.)\/+$/, '$1'));
  }
  return [...paths, ...pathsForSystemd(unit)];
}

/** Paths of the machine that a Kubernetes file mounts; other texts have none that is known. */
export const hostPathsIn = (text: string): string[] => [
  ...new Set(
    [...text.matchAll(/hostPath:\s*\n?\s*\{?\s*path:\s*["']?(\/[^\s"'}]+)/g)].map(([, path]) => path!),
  ),
];

/** Folders that are everybody's: a unit that mounts one owns nothing in it. */
const broad = new Set(
  (
    '/ /etc /etc/opt /opt /srv /var /var/lib /var/log /var/cache /home /root /mnt /media /usr /usr/local ' +
    '/usr/local/bin /usr/local/sbin /usr/bin /run /etc/containers /etc/containers/systemd /etc/systemd ' +
    '/etc/systemd/system /etc/ssl /etc/ssl/certs /etc/pki /etc/default'
  ).split(' '),
);
export const isBroad = (path: string): boolean => broad.has(path);
