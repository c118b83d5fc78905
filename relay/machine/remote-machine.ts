import { randomBytes } from 'node:crypto';
import { ok, type Refusal, refuse } from '../../schema/result.ts';
import {
  isMachinePath,
  type Listing,
  type Machine,
  type MachineReason,
  type MachineResult,
  type Ran,
  type Stat,
} from './machine.ts';
import { reasonOfCode } from './reasons.ts';
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
/** Beyond a program's own time: the way there and back. */
const wayMs = 30_000;
const maxDigestedBytes = 64 * 1024 * 1024;
/** Room for fields beside the bytes. */
const headBytes = 8 * 1024;
const scratchFolder = '/run';

type Answer = { readonly fields: readonly string[]; readonly rest: Uint8Array<ArrayBuffer> };

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
    for (let from = 0; from < words.length; ) {
      let to = from;
      for (let size = 0; to < words.length && (to === from || size < chunkBytes); to += 1) {
        size += Buffer.byteLength(words[to]!) + 1;
        if (size > chunkBytes && to > from) break;
      }
      const done = await ask([...op, ...words.slice(from, to)]);
      if (!done.ok) return done;
      if (done.value.fields.length !== to - from)
        return refuse('machine_error', `${name} answered another number`);
      found.push(...done.value.fields);
      from = to;
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
    const part = `.${randomBytes(8).toString('hex')}.writ`;
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
    let file = '';
    if (stdin.length > chunkBytes) {
      file = `${scratchFolder}/.writ-${randomBytes(8).toString('hex')}`;
      const written = await write(file, stdin, { mode: '0600', owner: '0:0' });
      if (!written.ok) return written;
    }
    const variables = Object.entries({ ...plainEnv, ...env });
    const most = Math.min(maxBytes, Math.floor(readBytes / 2));
    const fields = ['run', timeoutMs, most, file, variables.length, ...variables.flat(), ...argv];
    const done = await ask(fields, file === '' ? stdin : undefined, timeoutMs, signal);
    return done.ok ? readRan(done.value) : done;
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
    link: (path, to) => plainly([path, to], ['link', path, to, `.${randomBytes(8).toString('hex')}.writ`]),
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
      return ok(
        found.value.map((text) => {
          const [uid, gid] = text.split(' ').map(Number);
          return text === '' ? null : { uid: uid!, gid: gid! };
        }),
      );
    },
    async digest(paths) {
      const bad = badPath(paths);
      if (bad !== null) return bad;
      const found = await each(['digest', maxDigestedBytes], paths);
      return found.ok ? ok(found.value.map((hex) => (hex === '' ? null : `sha256:${hex}`))) : found;
    },
  };
}

/** What the program printed; a machine's word is no better than the machine. */
function readAnswer(hex: string): MachineResult<Answer> {
  const text = hex.trim();
  if (!/^([0-9a-f]{2})+$/.test(text)) return refuse('machine_error', 'the answer is not in hex');
  const bytes = Buffer.from(text, 'hex');
  let at = 0;
  const take = (): string | null => {
    const end = bytes.indexOf(0, at);
    if (end < 0) return null;
    const one = bytes.subarray(at, end).toString('utf8');
    at = end + 1;
    return one;
  };
  const kind = take();
  const count = Number(take());
  const fields: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const field = take();
    if (field === null) return refuse('machine_error', 'the answer is cut short');
    fields.push(field);
  }
  if (kind === 'E') return refuse(reasonOfCode(fields[0] ?? ''), fields[1] ?? '');
  if (kind !== 'K') return refuse('machine_error', 'the answer is of no known form');
  return ok({ fields, rest: new Uint8Array(bytes.subarray(at)) });
}

function readRan({ fields, rest }: Answer): MachineResult<Ran> {
  return ok({
    code: Number(fields[0]),
    stdout: rest.slice(0, Number(fields[1])),
    stderr: rest.slice(Number(fields[1])),
  });
}

function readStat(text: string): Stat | null {
  const [kind, mode, uid, gid, size, ...to] = text.split(' ');
  if (kind !== 'file' && kind !== 'folder' && kind !== 'link' && kind !== 'other') return null;
  return {
    ...{ kind, mode: mode!, uid: Number(uid), gid: Number(gid), size: Number(size) },
    ...(kind === 'link' && { to: to.join(' ') }),
  };
}
