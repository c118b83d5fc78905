import { randomBytes } from 'node:crypto';
import { ok, type Refusal, refuse } from '../../schema/result.ts';
import {
  type Change,
  isMachinePath,
  type Listing,
  type Look,
  type Machine,
  type MachineReason,
  type MachineResult,
  type Seen,
} from './machine.ts';
import { packed } from './packed.ts';
import {
  type Answer,
  readAnswer,
  readDigest,
  readOwner,
  readRan,
  readStat,
  readUnit,
} from './remote-answer.ts';
import { remoteProgram } from './remote-program.ts';

/** A way to run programs on another machine, as its root: the QEMU guest agent, `pct exec`. */
export type Exec = {
  /** The most characters of stdin that one call takes. */
  readonly maxStdin: number;
  /** The most characters of stdout that one call gives. */
  readonly maxStdout: number;
  /** Runs a program by its argv, once: what is not known to have run is `unreachable`. Only ASCII must pass whole. */
  run(
    argv: readonly string[],
    options: { readonly stdin: string; readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<MachineResult<{ readonly code: number; readonly stdout: string; readonly stderr: string }>>;
};

const plainEnv = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
};
const opMs = 60_000;
/** Each change is durable before the next, and there may be hundreds in one call. */
const changesMs = 10 * 60_000;
/** Beyond a program's own time: the way there and back. */
const wayMs = 30_000;
const maxDigestedBytes = 64 * 1024 * 1024;
/** Room for the fields beside the bytes, a path and an owner or two. */
const headBytes = 2 * 1024;
const scratchFolder = '/run';

/** Another machine, to which there is no way but running programs there. */
export function createRemoteMachine(name: string, exec: Exec): Machine {
  // Hex takes two characters a byte.
  const chunkBytes = Math.max(1024, Math.floor(exec.maxStdin / 2) - headBytes);
  const readBytes = Math.max(1024, Math.floor(exec.maxStdout / 2) - headBytes);

  const ask = async (
    fields: readonly (string | number)[],
    bytes: Uint8Array = new Uint8Array(),
    timeoutMs = opMs,
    signal?: AbortSignal,
  ): Promise<MachineResult<Answer>> => {
    const head = Buffer.from([fields.length, ...fields].map((field) => `${field}\0`).join(''));
    const ran = await exec.run(['perl', '-e', remoteProgram], {
      stdin: Buffer.concat([head, bytes]).toString('hex'),
      timeoutMs: timeoutMs + wayMs,
      ...(signal && { signal }),
    });
    if (!ran.ok) return ran;
    return ran.value.code === 0
      ? readAnswer(ran.value.stdout)
      : refuse(
          'machine_error',
          `perl on ${name} ended with ${ran.value.code}: ${ran.value.stderr.slice(0, 200)}`,
        );
  };

  const badPath = (paths: readonly string[]): Refusal<MachineReason> | null =>
    paths.every(isMachinePath)
      ? null
      : refuse('bad_path', 'a path is absolute, without "..", "//" or a slash at its end');

  const plainly = async (
    paths: readonly string[],
    fields: readonly (string | number)[],
  ): Promise<MachineResult<true>> => {
    const bad = badPath(paths);
    if (bad !== null) return bad;
    const done = await ask(fields);
    return done.ok ? ok(true) : done;
  };

  /** One field a word, in as many calls as the words need. */
  const each = async (
    op: readonly (string | number)[],
    words: readonly string[],
  ): Promise<MachineResult<string[]>> => {
    const found: string[] = [];
    for (const some of packed(words, (word) => Buffer.byteLength(word) + 1, chunkBytes)) {
      const done = await ask([...op, ...some]);
      if (!done.ok) return done;
      if (done.value.fields.length !== some.length)
        return refuse('machine_error', `${name} answered another number`);
      found.push(...done.value.fields);
    }
    return ok(found);
  };

  /** Brings bytes into a file of a name of its own beside a path. */
  const bring = async (path: string, part: string, bytes: Uint8Array): Promise<MachineResult<true>> => {
    for (let at = 0; at === 0 || at < bytes.length; at += chunkBytes) {
      const done = await ask(['append', path, part, at], bytes.subarray(at, at + chunkBytes));
      if (!done.ok) return done;
    }
    return ok(true);
  };

  const write = async (
    path: string,
    bytes: Uint8Array,
    { mode, owner }: Listing,
  ): Promise<MachineResult<true>> => {
    const bad = badPath([path]);
    if (bad !== null) return bad;
    const part = partName();
    const brought = await bring(path, part, bytes);
    const done = brought.ok ? await ask(['install', path, part, bytes.length, mode, owner]) : brought;
    if (done.ok) return ok(true);
    // What is left of it is taken away, if that can be.
    if (done.reason !== 'unreachable') await ask(['drop', path, part]);
    return done;
  };

  const run: Machine['run'] = async (
    argv,
    { stdin = new Uint8Array(), env, timeoutMs, maxBytes, signal },
  ) => {
    if (signal?.aborted === true) return refuse('aborted');
    const variables = Object.entries({ ...plainEnv, ...env });
    const words = [...variables.flat(), ...argv];
    const wordBytes = words.reduce((sum, word) => sum + Buffer.byteLength(word) + 1, 0);
    let file = '';
    if (stdin.length + wordBytes > chunkBytes) {
      file = `${scratchFolder}/.writ-${randomBytes(8).toString('hex')}`;
      const written = await write(file, stdin, { mode: '0600', owner: '0:0' });
      if (!written.ok) return written;
    }
    const most = Math.min(maxBytes, Math.floor(readBytes / 2));
    const fields = ['run', timeoutMs, most, file, variables.length, ...words];
    const done = await ask(fields, file === '' ? stdin : undefined, timeoutMs, signal);
    return done.ok ? readRan(done.value) : done;
  };

  const lookOnce = async ({ read, maxBytes, paths, owners, units }: Look): Promise<MachineResult<Seen>> => {
    const lists = [read.length, ...read, paths.length, ...paths, maxDigestedBytes, owners.length, ...owners];
    const done = await ask(['look', Math.min(maxBytes, readBytes), ...lists, ...units]);
    if (!done.ok) return done;
    const { fields, rest } = done.value;
    if (fields.length !== read.length + 2 * paths.length + owners.length + units.length)
      return refuse('machine_error', `${name} answered another number`);
    const left = [...fields];
    let byte = 0;
    const files = left.splice(0, read.length).map((size) => {
      const start = byte;
      byte += Number(size);
      return size === '' ? null : rest.slice(start, byte);
    });
    const stats = left.splice(0, paths.length);
    const sums = left.splice(0, paths.length);
    return ok({
      read: files,
      paths: stats.map((text, index) => ({ stat: readStat(text), digest: readDigest(sums[index]!) })),
      owners: left.splice(0, owners.length).map(readOwner),
      units: left.map((block, index) => readUnit(units[index]!, block)),
    });
  };

  return {
    name,
    run,
    write,
    async read(path, maxBytes) {
      const bad = badPath([path]);
      if (bad !== null) return bad;
      const parts: Uint8Array[] = [];
      let at = 0;
      for (;;) {
        const done = await ask(['read', path, at, Math.min(readBytes, maxBytes + 1 - at)]);
        if (!done.ok) return done;
        const { rest } = done.value;
        parts.push(rest);
        at += rest.length;
        if (at > maxBytes || Number(done.value.fields[0]) > maxBytes)
          return refuse('too_large', `${path} has more than ${maxBytes} bytes`);
        if (rest.length < readBytes) return ok(new Uint8Array(Buffer.concat(parts)));
      }
    },
    makeFolder: (path, { mode, owner }) => plainly([path], ['folder', path, mode, owner]),
    setListing: (path, { mode, owner }) => plainly([path], ['listing', path, mode, owner]),
    rename: (from, to) => plainly([from, to], ['rename', from, to]),
    remove: (path) => plainly([path], ['remove', path]),
    async list(path, most) {
      const bad = badPath([path]);
      if (bad !== null) return bad;
      const done = await ask(['list', path, most]);
      return done.ok ? ok([...done.value.fields].sort()) : done;
    },
    async stat(paths) {
      const bad = badPath(paths);
      if (bad !== null) return bad;
      const found = await each(['stat'], paths);
      return found.ok ? ok(found.value.map(readStat)) : found;
    },
    async findOwners(owners) {
      const found = await each(['owners'], owners);
      if (!found.ok) return found;
      return ok(found.value.map(readOwner));
    },
    async digest(paths) {
      const bad = badPath(paths);
      if (bad !== null) return bad;
      const found = await each(['digest', maxDigestedBytes], paths);
      return found.ok ? ok(found.value.map(readDigest)) : found;
    },
    async look(at) {
      const bad = badPath([...at.read, ...at.paths]);
      if (bad !== null) return bad;
      const words = (['read', 'paths', 'owners', 'units'] as const).flatMap((of) =>
        at[of].map((word) => ({ of, word })),
      );
      const seen: Seen[] = [];
      for (const some of packed(words, ({ word }) => Buffer.byteLength(word) + 1, chunkBytes)) {
        const only = (list: 'read' | 'paths' | 'owners' | 'units'): string[] =>
          some.flatMap(({ of, word }) => (of === list ? [word] : []));
        const one = await lookOnce({
          read: only('read'),
          maxBytes: at.maxBytes,
          paths: only('paths'),
          owners: only('owners'),
          units: only('units'),
        });
        if (!one.ok) return one;
        seen.push(one.value);
      }
      return ok({
        read: seen.flatMap(({ read }) => read),
        paths: seen.flatMap(({ paths }) => paths),
        owners: seen.flatMap(({ owners }) => owners),
        units: seen.flatMap(({ units }) => units),
      });
    },
    async writeAll(files) {
      const bad = badPath(files.map(({ path }) => path));
      if (bad !== null) return bad;
      const isSmall = (bytes: Uint8Array): boolean => bytes.length <= chunkBytes / 2;
      const small = files.filter(({ bytes }) => isSmall(bytes));
      for (const some of packed(small, ({ path, bytes }) => sizeOf(path) + bytes.length, chunkBytes)) {
        const fields = some.flatMap((one) => [one.path, partName(), one.bytes.length, one.mode, one.owner]);
        const done = await ask(['files', ...fields], Buffer.concat(some.map(({ bytes }) => bytes)));
        if (!done.ok) return done;
      }
      for (const { path, bytes, ...how } of files) {
        const done = isSmall(bytes) ? ok(true) : await write(path, bytes, how);
        if (!done.ok) return done;
      }
      return ok(true);
    },
    async change(steps) {
      const bad = badPath(steps.flatMap((step) => [step.path, ...otherPath(step)]));
      if (bad !== null) return bad;
      for (const some of packed(
        steps,
        (step) => sizeOf([step.path, ...otherPath(step)].join('')),
        chunkBytes,
      )) {
        const fields = some.flatMap((step) => [
          step.do,
          step.path,
          ...(step.do === 'remove' || step.do === 'link' ? ['', ''] : [step.mode, step.owner]),
          otherPath(step)[0] ?? '',
          partName(),
        ]);
        const done = await ask(['change', ...fields], undefined, changesMs);
        if (!done.ok) return done;
      }
      return ok(true);
    },
  };
}

/** The path that a change has besides its own. */
const otherPath = (step: Change): string[] =>
  step.do === 'copy' ? [step.from] : step.do === 'link' ? [step.to] : [];

const partName = (): string => `.${randomBytes(8).toString('hex')}.writ`;

/** A path with the other words that go along with it, in bytes. */
const sizeOf = (path: string): number => Buffer.byteLength(path) + 300;
