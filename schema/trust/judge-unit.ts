import { parseMount, parseVolume } from '../quadlet/mount.ts';
import { expandSpecifiers, plainServiceName, readUnitName, type UnitName } from '../quadlet/names.ts';
import { dialectOf, parseUnit } from '../quadlet/syntax.ts';
import { splitWords, withoutQuotes } from '../quadlet/words.ts';
import { isSystemUnit, reachesNever, withoutLinks } from './paths.ts';

/** Where Podman and systemd look for what they make services of. */
const unitFolders = [
  '/etc/containers/systemd/',
  '/etc/systemd/system/',
  '/usr/local/lib/systemd/system/',
  '/usr/lib/systemd/system/',
];

/** A unit's path in its folder, `web.container.d/10-more.conf`; null for what is no unit. `/lib` is `/usr/lib`. */
export function unitNameOf(named: string): string | null {
  const path = withoutLinks(named);
  const folder = unitFolders.find((one) => path.startsWith(one));
  return folder === undefined ? null : path.slice(folder.length);
}

export type UnitFault = { readonly code: 'unit_takes_place' | 'unit_opens_never'; readonly detail: string };

/** Whether a name is one that Writ's own units have. */
export const isOwnUnit = (name: string): boolean => name.startsWith('writ');

/**
 * What names another unit and changes what becomes of it: gives it a second meaning, stops it, makes it need this one.
 * That a unit is ordered after another one or pulls it in (After, Before, Wants, Requires, BindsTo, PartOf) does not.
 */
const reaching: ReadonlySet<string> = new Set([
  ...['Alias', 'ServiceName', 'Also'],
  ...['RequiredBy', 'WantedBy', 'UpheldBy', 'Upholds'],
  ...['Conflicts', 'OnFailure', 'OnSuccess', 'JoinsNamespaceOf'],
  ...['PropagatesReloadTo', 'PropagatesStopTo', 'ReloadPropagatedFrom', 'StopPropagatedFrom'],
  ...['Unit', 'Service', 'Sockets'],
]);
/** Of these, what takes a unit's name or stops it. */
const taking: ReadonlySet<string> = new Set(['Alias', 'ServiceName', 'Also', 'Conflicts']);
/** Where a socket is made, in place of what is there. */
const sockets: ReadonlySet<string> = new Set([
  ...['ListenStream', 'ListenDatagram', 'ListenSequentialPacket', 'ListenFIFO', 'Symlinks'],
]);
/** What systemd makes for a service and gives to its user. */
const directories: Readonly<Record<string, string>> = {
  StateDirectory: '/var/lib',
  CacheDirectory: '/var/cache',
  LogsDirectory: '/var/log',
  ConfigurationDirectory: '/etc',
  RuntimeDirectory: '/run',
};

/**
 * Judges the text of a unit or drop-in by what no release may do: take the place of Writ's own units, or open to a
 * container or an unprivileged user what releases must not write. Null: neither. What a service of root does once it
 * runs is not looked at: whoever may bring units to a machine is root there.
 *
 * @param name as `unitNameOf` gives it
 */
export function judgeUnit(name: string, text: string): UnitFault | null {
  // What stands behind it is read by one program and not by another.
  if (text.includes('\0')) return takesPlace(name, 'it holds a NUL');
  const unit = readUnitName(name);
  for (const node of parseUnit(text, dialectOf(name)).nodes) {
    if (node.kind !== 'assignment') continue;
    const fault = judgeValue(name, unit, node.key, node.value);
    if (fault !== null) return fault;
  }
  return null;
}

function judgeValue(name: string, unit: UnitName, key: string, value: string): UnitFault | null {
  const own = reaching.has(key) ? wordsOf(value).find(mayBeOwn) : undefined;
  if (own !== undefined) return takesPlace(name, `${key}=${own} is a unit of Writ, or may become one`);
  const system = taking.has(key) ? wordsOf(value).find(isSystemUnit) : undefined;
  if (system !== undefined) return takesPlace(name, `${key}=${system} is a unit of the system`);
  const found = openedBy(unit, key, value).find(({ path }) => path === null || reachesNever(path));
  return found === undefined
    ? null
    : { code: 'unit_opens_never', detail: `${name}: ${key}=${value.slice(0, 200)}` };
}

/**
 * Of a word with specifiers nobody knows what stands behind its first letters; and a backslash is a letter, an escape or
 * nothing, by the key (systemd takes `Also=wr\it.service` as `writ.service`).
 */
function mayBeOwn(word: string): boolean {
  const known = word.split(/[%\\]/)[0]!;
  return isOwnUnit(known) || (known !== word && 'writ'.startsWith(known));
}

const takesPlace = (name: string, why: string): UnitFault => ({
  code: 'unit_takes_place',
  detail: `${name}: ${why.slice(0, 200)}`,
});

/** Words as systemd splits them; a value that it does not split is one word. */
function wordsOf(value: string): string[] {
  const { words, failed } = splitWords(value, 'list');
  return failed === undefined ? words.map(({ text }) => text) : [value];
}

type Opened = { readonly path: string | null };

/** Paths of the machine that others than root may write by this assignment; null where they are not known. */
function openedBy(unit: UnitName, key: string, value: string): Opened[] {
  const folder = Object.hasOwn(directories, key) ? directories[key] : undefined;
  if (folder !== undefined) {
    return wordsOf(value).flatMap((word) => word.split(':').map((part) => opened(unit, `${folder}/${part}`)));
  }
  if (sockets.has(key)) return wordsOf(value).flatMap((word) => opensPath(unit, word));
  switch (key) {
    case 'Volume': {
      const { source, options } = parseVolume(withoutQuotes(value));
      return isReadOnly(options) ? [] : opensPath(unit, source);
    }
    case 'Rootfs':
      return opensPath(unit, withoutQuotes(value).split(':')[0]!);
    case 'Mount':
      return splitWords(value, 'arguments').words.flatMap(({ text }) => opensMount(unit, text));
    case 'PodmanArgs':
    case 'GlobalArgs':
      return opensArguments(
        unit,
        splitWords(value, 'arguments').words.map(({ text }) => text),
      );
    case 'Device':
      return unit.kind === 'volume' ? opensPath(unit, withoutQuotes(value)) : [];
    case 'Where':
      return opensPath(unit, withoutQuotes(value));
    default:
      return [];
  }
}

const isReadOnly = (options: readonly string[]): boolean => options.includes('ro');

function opensMount(unit: UnitName, text: string): Opened[] {
  const mount = parseMount(text);
  if (mount === null || typeof mount.source !== 'string') return [];
  const flag = mount.options.get('ro') ?? mount.options.get('readonly');
  const closed = flag !== undefined && !/^(false|0|no)$/.test(flag);
  return closed ? [] : opensPath(unit, mount.source);
}

/** `-v`, `--volume` and `--mount` among the arguments of Podman, in either form. */
function opensArguments(unit: UnitName, words: readonly string[]): Opened[] {
  return words.flatMap((word, index) => {
    const [, option, joined] =
      /^(-[ditqP]*v|--volume|--mount)(?:=(.*))?$/s.exec(word) ?? /^(-v)(.+)$/s.exec(word) ?? [];
    const value = joined ?? words[index + 1];
    if (option === undefined || value === undefined) return [];
    if (option === '--mount') return opensMount(unit, value);
    const { source, options } = parseVolume(value);
    return isReadOnly(options) ? [] : opensPath(unit, source);
  });
}

/** A source that is no path is the name of a volume. */
const opensPath = (unit: UnitName, source: string): Opened[] =>
  /^[/%]/.test(source) ? [opened(unit, source)] : [];

/** In canonical form. Of a path that only systemd can tell, the folder that it is certainly in. */
function opened(unit: UnitName, source: string): Opened {
  const service = unit.kind === 'systemd' ? unit.base : plainServiceName(unit.base, unit.kind);
  const known = source.replace(/^%[tSCLEh]/, (one) => expandSpecifiers(one, unit, service)!);
  const [plain = ''] = known.split('%');
  const whole = plain === known ? plain : plain.slice(0, plain.lastIndexOf('/') + 1);
  if (!whole.startsWith('/')) return { path: null };
  const parts: string[] = [];
  for (const part of whole.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return { path: `/${parts.join('/')}` };
}
