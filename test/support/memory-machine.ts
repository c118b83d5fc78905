import { createHash } from 'node:crypto';
import { Encrypter } from 'age-encryption';
import {
  type Change,
  isMachinePath,
  type Listing,
  type Machine,
  type MachineReason,
  type MachineResult,
  type Owner,
  type Stat,
} from '../../relay/machine/machine.ts';
import { ok, refuse } from '../../schema/result.ts';
import { createMemorySystemd } from './memory-systemd.ts';

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
  /** Of the age identity that it makes; null: it has no age. */
  recipient: string | null;
  /** What programs there have logged. */
  journal: string;
  /** Asked before each call, by its name and first path or word: why it fails; null where it does not. */
  fault: ((call: string, about: string) => MachineReason | null) | null;
  /** Awaited before each call that the fault lets through. */
  before: ((call: string, about: string) => Promise<void>) | null;
};

const isQuadlet = (path: string): boolean => path.startsWith('/etc/containers/systemd/');
const state = '/var/lib/writ-target';
const numbers: Readonly<Record<string, number>> = { root: 0, _apt: 42, grafana: 472 };
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const encode = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);

/** `age -e -r RECIPIENT…` */
async function seal(argv: readonly string[], stdin: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const encrypter = new Encrypter();
  for (const word of argv.slice(1)) if (word.startsWith('age1')) encrypter.addRecipient(word);
  return new Uint8Array(await encrypter.encrypt(stdin));
}

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
  const filesOf = (): Map<string, string> =>
    new Map([...entries].flatMap(([path, { bytes }]) => (bytes === null ? [] : [[path, text(bytes)]])));
  const systemd = createMemorySystemd(filesOf);
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

  const statAt = (path: string): Stat | null => {
    const found = entries.get(path);
    if (found === undefined) return null;
    const [uid, gid] = found.owner.split(':').map(Number) as [number, number];
    const kind = found.bytes === null ? 'folder' : 'file';
    return { kind, mode: found.mode, uid, gid, size: found.bytes?.length ?? 0 };
  };
  const digestAt = (path: string): string | null => {
    const bytes = entries.get(path)?.bytes;
    return bytes == null ? null : `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  };
  const numbersOf = (owner: string): Owner | null => {
    const [uid, gid] = idsOf(owner)?.split(':').map(Number) ?? [];
    return uid === undefined || gid === undefined ? null : { uid, gid };
  };

  /** What a preview shows: the machine's files with the changes that its input names. */
  const preview = (stdin: Uint8Array): { code: number; stderr?: string } => {
    const seen = filesOf();
    for (const line of text(stdin).split('\n')) {
      const [what, path = '', blob = ''] = line.split('\t');
      if (what === 'remove') seen.delete(path);
      if (what === 'put') seen.set(path, text(entries.get(blob)!.bytes!));
    }
    const broken = [...seen].find(([path, content]) => isQuadlet(path) && content.includes('Broken'));
    return broken === undefined
      ? { code: 0 }
      : { code: 1, stderr: `quadlet-generator: converting "${broken[0].split('/').at(-1)}": broken` };
  };
  const program = (
    argv: readonly string[],
    stdin: Uint8Array,
  ): { code: number; stdout?: string; stderr?: string } => {
    if (argv[0] === 'systemctl') return systemd.ask(argv.slice(1));
    // The program of secrets, asked for the identity.
    if (argv[0] === '/bin/sh' && argv.includes('identity'))
      return machine.recipient === null
        ? { code: 1, stderr: 'writ age_missing age\n' }
        : { code: 0, stdout: `${machine.recipient}\n` };
    if (argv[0] === 'find') {
      const folders = argv.slice(1, argv.indexOf('-xdev'));
      const below = [...entries.keys()].filter((path) => folders.some((one) => path.startsWith(`${one}/`)));
      return { code: 0, stdout: below.map((path) => `${path}\0`).join('') };
    }
    if (argv[0] === 'journalctl') return { code: 0, stdout: machine.journal };
    return argv[0] === 'unshare' ? preview(stdin) : { code: 0, stdout: '' };
  };

  const machine: MemoryMachine = {
    name,
    ran,
    recipient: null,
    journal: '',
    fault: null,
    before: null,
    text: (path) => {
      const bytes = entries.get(path)?.bytes;
      return bytes == null ? null : text(bytes);
    },
    put: (path, content) => void entries.set(path, { bytes: encode(content), mode: '0644', owner: '0:0' }),
    files: () => Object.fromEntries([...filesOf()].filter(([path]) => !path.startsWith(`${state}/`)).sort()),
    running: systemd.running,
    async run(argv, { stdin = new Uint8Array() }) {
      const sealed = argv[0] === 'age' ? await seal(argv, stdin) : null;
      return enter('run', argv.join(' '), () => {
        if (argv[1] !== 'show') ran.push(argv.join(' '));
        if (sealed !== null) return ok({ code: 0, stdout: sealed, stderr: encode('') });
        const { code, stdout = '', stderr = '' } = program(argv, stdin);
        return ok({ code, stdout: encode(stdout), stderr: encode(stderr) });
      });
    },
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
    stat: (paths) => enter('stat', paths[0] ?? '', () => ok(paths.map(statAt))),
    findOwners: (owners) => enter('findOwners', owners[0] ?? '', () => ok(owners.map(numbersOf))),
    digest: (paths) => enter('digest', paths[0] ?? '', () => ok(paths.map(digestAt))),
    look: ({ read, paths, owners, units }) =>
      enter('look', read[0] ?? paths[0] ?? '', () =>
        ok({
          read: read.map((path) => entries.get(path)?.bytes?.slice() ?? null),
          paths: paths.map((path) => ({ stat: statAt(path), digest: digestAt(path) })),
          owners: owners.map(numbersOf),
          units: units.map(systemd.sight),
        }),
      ),
    async writeAll(files) {
      for (const { path, bytes, ...how } of files) {
        const written = await machine.write(path, bytes, how);
        if (!written.ok) return written;
      }
      return ok(true);
    },
    async change(steps) {
      for (const step of steps) {
        const done = await changeOne(step);
        if (!done.ok && !(step.do === 'remove' && done.reason === 'not_empty')) return done;
      }
      return ok(true);
    },
  };
  const changeOne = async (step: Change): Promise<MachineResult<true>> => {
    switch (step.do) {
      case 'folder':
        return machine.makeFolder(step.path, step);
      case 'listing':
        return machine.setListing(step.path, step);
      case 'remove':
        return machine.remove(step.path);
      case 'link':
        throw new Error('this machine has no links');
      case 'copy': {
        const bytes = await machine.read(step.from, 2 ** 24);
        return bytes.ok ? machine.write(step.path, bytes.value, step) : bytes;
      }
    }
  };
  return machine;
}
