import { createHash } from 'node:crypto';
import {
  isMachinePath,
  type Listing,
  type Machine,
  type MachineReason,
  type MachineResult,
  type Stat,
} from '../../relay/machine/machine.ts';
import { ok, refuse } from '../../schema/result.ts';

type Entry = Listing & { readonly bytes: Uint8Array<ArrayBuffer> | null };

/** A guest in memory: its files, and a systemd and a Podman that do as little as activation needs of them. */
export type MemoryMachine = Machine & {
  /** The text of a file; null where none is. */
  text(path: string): string | null;
  put(path: string, text: string): void;
  /** All files but Writ's own, by path. */
  files(): Record<string, string>;
  /** Services that run, sorted. */
  running(): string[];
  /** Programs that were run, as words; looks at states left out. */
  readonly ran: string[];
  /** Asked before each call, by its name and first path or word: why it fails; null where it does not. */
  fault: ((call: string, about: string) => MachineReason | null) | null;
  /** Awaited before each call that the fault lets through. */
  before: ((call: string, about: string) => Promise<void>) | null;
};

const state = '/var/lib/writ-target';
const numbers: Readonly<Record<string, number>> = { root: 0, grafana: 472 };
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const encode = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);

/** A unit whose text has `Fails` does not start; a Quadlet unit whose text has `Broken` cannot be read. */
export function createMemoryMachine(name = 'websvcs'): MemoryMachine {
  const entries = new Map<string, Entry>();
  const folder = { bytes: null, mode: '0755', owner: '0:0' };
  for (const path of [
    '/etc',
    '/etc/containers',
    '/etc/containers/systemd',
    '/etc/systemd',
    '/etc/systemd/system',
  ]) {
    entries.set(path, folder);
  }
  for (const path of ['', '/etc/opt', '/run', '/var', '/var/lib']) entries.set(path, folder);
  const active = new Map<string, number>();
  const failed = new Set<string>();
  let units = new Map<string, string>();
  let pids = 100;
  const ran: string[] = [];

  const idsOf = (owner: string): string | null => {
    const [user, group] = owner.split(':').map((one) => (/^\d+$/.test(one) ? Number(one) : numbers[one]));
    return user === undefined || group === undefined ? null : `${user}:${group}`;
  };
  const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
  const childrenOf = (path: string): string[] =>
    [...entries.keys()].filter((one) => parentOf(one) === path).sort();

  const enter = async <T>(
    call: string,
    about: string,
    work: () => MachineResult<T>,
  ): Promise<MachineResult<T>> => {
    const fault = machine.fault?.(call, about) ?? null;
    if (fault !== null) return refuse(fault, about);
    await machine.before?.(call, about);
    return work();
  };
  const at = <T>(call: string, path: string, work: () => MachineResult<T>): Promise<MachineResult<T>> =>
    enter(call, path, () => (isMachinePath(path) ? work() : refuse('bad_path', path)));
  const listingOf = ({ mode, owner }: Listing): Listing | null => {
    const ids = idsOf(owner);
    return ids === null ? null : { mode, owner: ids };
  };
  const place = (path: string, bytes: Uint8Array<ArrayBuffer> | null, how: Listing): MachineResult<true> => {
    if (entries.get(parentOf(path))?.bytes !== null) return refuse('not_found', path);
    const listing = listingOf(how);
    if (listing === null) return refuse('owner_unknown', how.owner);
    entries.set(path, { bytes, ...listing });
    return ok(true);
  };

  const loadUnits = (): void => {
    units = new Map();
    for (const [path, { bytes }] of entries) {
      if (bytes === null) continue;
      const quadlet = /^\/etc\/containers\/systemd\/([^/]+)\.(container|volume|network)$/.exec(path);
      const kind = quadlet?.[2] === 'container' ? '' : `-${quadlet?.[2]}`;
      if (quadlet !== null) units.set(`${quadlet[1]}${kind}.service`, text(bytes));
      const own = /^\/etc\/systemd\/system\/([^/]+\.(service|timer|socket))$/.exec(path)?.[1];
      if (own !== undefined) units.set(own, text(bytes));
    }
  };
  const start = (service: string): boolean => {
    const unit = units.get(service);
    if (unit === undefined || unit.includes('Fails')) {
      if (unit !== undefined) failed.add(service);
      active.delete(service);
      return false;
    }
    pids += 1;
    active.set(service, pids);
    failed.delete(service);
    return true;
  };
  const systemctl = (verb: string, services: readonly string[]): number => {
    switch (verb) {
      case 'daemon-reload':
        loadUnits();
        return 0;
      case 'stop':
        for (const service of services) active.delete(service);
        return 0;
      case 'start':
        return services
          .filter((one) => !active.has(one))
          .map(start)
          .includes(false)
          ? 1
          : 0;
      case 'restart':
      case 'reload-or-restart':
        return services.map(start).includes(false) ? 1 : 0;
      default:
        return 0;
    }
  };
  const show = (services: readonly string[]): string =>
    services
      .map((service) =>
        [
          `Id=${service}`,
          `LoadState=${units.has(service) ? 'loaded' : 'not-found'}`,
          `ActiveState=${active.has(service) ? 'active' : failed.has(service) ? 'failed' : 'inactive'}`,
          'Type=notify',
          `Result=${failed.has(service) ? 'exit-code' : 'success'}`,
          'NRestarts=0',
          `MainPID=${active.get(service) ?? 0}`,
          'RequiredBy=',
        ].join('\n'),
      )
      .join('\n\n');

  const copyTree = (from: string, to: string): void => {
    for (const [path, entry] of [...entries]) {
      if (path === from || path.startsWith(`${from}/`)) entries.set(to + path.slice(from.length), entry);
    }
  };
  const program = (argv: readonly string[]): { code: number; stdout?: string; stderr?: string } => {
    const [command, ...words] = argv;
    const names = words.slice(words.indexOf('--') + 1);
    switch (command) {
      case 'systemctl':
        return words[0] === 'show'
          ? { code: 0, stdout: show(names) }
          : { code: systemctl(words[0]!, words.includes('--') ? names : []), stderr: 'it failed' };
      case 'rm':
        for (const path of [...entries.keys()]) if (path.startsWith(names[0]!)) entries.delete(path);
        return { code: 0 };
      case 'mkdir':
        entries.set(words.at(-1)!, folder);
        return { code: 0 };
      case 'cp':
        copyTree(words.at(-2)!, words.at(-1)!);
        return { code: 0 };
      case '/usr/lib/systemd/system-generators/podman-system-generator': {
        const broken = [...entries].find(
          ([path, { bytes }]) =>
            path.startsWith('/run/writ-check/') && bytes !== null && /Broken/.test(text(bytes)),
        );
        return broken === undefined ? { code: 0 } : { code: 1, stderr: `converting "${broken[0]}": broken` };
      }
      default:
        return { code: 0, stdout: '' };
    }
  };

  const machine: MemoryMachine = {
    name,
    ran,
    fault: null,
    before: null,
    text: (path) => {
      const bytes = entries.get(path)?.bytes;
      return bytes == null ? null : text(bytes);
    },
    put: (path, content) => void entries.set(path, { bytes: encode(content), mode: '0644', owner: '0:0' }),
    files: () =>
      Object.fromEntries(
        [...entries]
          .filter(([path, { bytes }]) => bytes !== null && !path.startsWith(`${state}/`))
          .map(([path, { bytes }]): [string, string] => [path, text(bytes!)])
          .sort(),
      ),
    running: () => [...active.keys()].sort(),
    run: (argv) =>
      enter('run', argv.join(' '), () => {
        if (argv[1] !== 'show') ran.push(argv.join(' '));
        const { code, stdout = '', stderr = '' } = program(argv);
        return ok({ code, stdout: encode(stdout), stderr: encode(stderr) });
      }),
    read: (path, maxBytes) =>
      at('read', path, () => {
        const found = entries.get(path);
        if (found === undefined) return refuse('not_found', path);
        if (found.bytes === null) return refuse('not_a_file', path);
        return found.bytes.length > maxBytes ? refuse('too_large', path) : ok(found.bytes.slice());
      }),
    write: (path, bytes, how) => at('write', path, () => place(path, new Uint8Array(bytes), how)),
    makeFolder: (path, how) => at('makeFolder', path, () => place(path, null, how)),
    setListing: (path, how) =>
      at('setListing', path, () => {
        const found = entries.get(path);
        return found === undefined ? refuse('not_found', path) : place(path, found.bytes, how);
      }),
    rename: (from, to) =>
      at('rename', from, () => {
        const found = entries.get(from);
        if (found === undefined) return refuse('not_found', from);
        entries.delete(from);
        entries.set(to, found);
        return ok(true);
      }),
    remove: (path) =>
      at('remove', path, () => {
        if (childrenOf(path).length > 0) return refuse('not_empty', path);
        entries.delete(path);
        return ok(true);
      }),
    list: (path) =>
      at('list', path, () =>
        entries.has(path)
          ? ok(childrenOf(path).map((one) => one.slice(path.length + 1)))
          : refuse('not_found', path),
      ),
    stat: (paths) =>
      enter('stat', paths[0] ?? '', () =>
        ok(
          paths.map((path): Stat | null => {
            const found = entries.get(path);
            if (found === undefined) return null;
            const [uid, gid] = found.owner.split(':').map(Number) as [number, number];
            const kind = found.bytes === null ? 'folder' : 'file';
            return { kind, mode: found.mode, uid, gid, size: found.bytes?.length ?? 0 };
          }),
        ),
      ),
    findOwners: (owners) =>
      enter('findOwners', owners[0] ?? '', () =>
        ok(
          owners.map((owner) => {
            const [uid, gid] = idsOf(owner)?.split(':').map(Number) ?? [];
            return uid === undefined || gid === undefined ? null : { uid, gid };
          }),
        ),
      ),
    digest: (paths) =>
      enter('digest', paths[0] ?? '', () =>
        ok(
          paths.map((path) => {
            const bytes = entries.get(path)?.bytes;
            return bytes == null ? null : `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
          }),
        ),
      ),
  };
  return machine;
}
