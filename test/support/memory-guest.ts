import type {
  Change,
  Machine,
  MachineReason,
  MachineResult,
  Stat,
  UnitSight,
} from '../../relay/machine/machine.ts';
import { remoteProgram } from '../../relay/machine/remote-program.ts';
import { ok, refuse } from '../../schema/result.ts';
import type { MemoryMachine } from './memory-machine.ts';
import type { ExecEnd } from './proxmox/options.ts';

/** What a program in a guest was told to do, in words: the operation, and paths or the argv that it names. */
export type GuestCall = {
  /** An operation of the relay's own program; `exec` for any other program. */
  readonly op: string;
  readonly words: readonly string[];
};

type Answer = { readonly fields: readonly (string | number)[]; readonly rest?: Uint8Array };
type Ask = { readonly words: readonly string[]; readonly rest: Uint8Array<ArrayBuffer> };

const largest = 2 ** 26;
const far = { timeoutMs: 60_000, maxBytes: largest };

/**
 * Runs programs in a guest that is a machine in memory, as its agent does: the relay's own program is understood by what
 * it is asked for (remote-program.ts), and nothing else is there.
 */
export function runInside(
  machine: MemoryMachine,
  tell: (call: GuestCall) => void,
): (argv: readonly string[], stdin: string) => Promise<ExecEnd> {
  const ops = operationsOn(machine);
  return async (argv, stdin) => {
    if (argv.length !== 3 || argv[0] !== 'perl' || argv[1] !== '-e' || argv[2] !== remoteProgram) {
      tell({ op: 'exec', words: argv });
      return { code: 127, stdout: '', stderr: 'not found' };
    }
    const { op, ask } = readAsk(Buffer.from(stdin, 'hex'));
    tell({ op, words: ask.words });
    const answer = await (ops[op]?.(ask) ?? Promise.resolve(refuse('machine_error' as const, op)));
    const said = answer.ok
      ? packed('K', answer.value.fields, answer.value.rest)
      : packed('E', [answer.reason satisfies MachineReason, answer.detail ?? '']);
    return { code: 0, stdout: said.toString('hex'), stderr: '' };
  };
}

const packed = (kind: string, fields: readonly (string | number)[], rest: Uint8Array = new Uint8Array()) =>
  Buffer.concat([Buffer.from([kind, fields.length, ...fields].map((one) => `${one}\0`).join('')), rest]);

/** The number of fields, the fields, each ended by NUL, and the rest as bytes. */
function readAsk(bytes: Buffer): { op: string; ask: Ask } {
  let at = 0;
  const take = (): string => {
    const end = bytes.indexOf(0, at);
    const one = bytes.subarray(at, end).toString('utf8');
    at = end + 1;
    return one;
  };
  const [op = '', ...words] = Array.from({ length: Number(take()) }, take);
  return { op, ask: { words, rest: new Uint8Array(bytes.subarray(at)) } };
}

function operationsOn(machine: Machine): Record<string, (ask: Ask) => Promise<MachineResult<Answer>>> {
  /** What was brought so far, by path and the name beside it. */
  const brought = new Map<string, Uint8Array>();
  const plainly = async (work: Promise<MachineResult<unknown>>): Promise<MachineResult<Answer>> => {
    const done = await work;
    return done.ok ? ok({ fields: [] }) : done;
  };
  const fieldsOf = async <T>(
    work: Promise<MachineResult<readonly T[]>>,
    field: (one: T) => string,
  ): Promise<MachineResult<Answer>> => {
    const done = await work;
    return done.ok ? ok({ fields: done.value.map(field) }) : done;
  };
  return {
    stat: ({ words }) => fieldsOf(machine.stat(words), statText),
    owners: ({ words }) => fieldsOf(machine.findOwners(words), ownerText),
    digest: ({ words }) => fieldsOf(machine.digest(words.slice(1)), digestText),
    list: ({ words }) => fieldsOf(machine.list(words[0]!, Number(words[1])), (name) => name),
    async look({ words }) {
      const left = words.slice(1);
      const list = (): string[] => left.splice(0, Number(left.shift()));
      const read = list();
      const paths = list();
      left.shift();
      const owners = list();
      const seen = await machine.look({ read, paths, owners, units: left, maxBytes: largest });
      if (!seen.ok) return seen;
      const fields = [
        ...seen.value.read.map((bytes) => bytes?.length ?? ''),
        ...seen.value.paths.map(({ stat }) => statText(stat)),
        ...seen.value.paths.map(({ digest }) => digestText(digest)),
        ...seen.value.owners.map(ownerText),
        ...seen.value.units.map(unitText),
      ];
      return ok({ fields, rest: Buffer.concat(seen.value.read.map((bytes) => bytes ?? new Uint8Array())) });
    },
    async read({ words: [path, from, most] }) {
      const bytes = await machine.read(path!, largest);
      if (!bytes.ok) return bytes;
      const rest = bytes.value.subarray(Number(from), Number(from) + Number(most));
      return ok({ fields: [bytes.value.length], rest });
    },
    files({ words, rest }) {
      let at = 0;
      const files = groupsOf(words, 5).map(([path, , size, mode, owner]) => {
        const bytes = rest.slice(at, at + Number(size));
        at += Number(size);
        return { path: path!, bytes, mode: mode!, owner: owner! };
      });
      return plainly(machine.writeAll(files));
    },
    change: ({ words }) => plainly(machine.change(groupsOf(words, 6).map(changeOf))),
    async append({ words: [path, name, from], rest }) {
      const before =
        Number(from) === 0 ? new Uint8Array() : (brought.get(`${path}\0${name}`) ?? new Uint8Array());
      brought.set(`${path}\0${name}`, Buffer.concat([before, rest]));
      return ok({ fields: [] });
    },
    async drop({ words: [path, name] }) {
      brought.delete(`${path}\0${name}`);
      return ok({ fields: [] });
    },
    install({ words: [path, name, , mode, owner] }) {
      const bytes = brought.get(`${path}\0${name}`) ?? new Uint8Array();
      brought.delete(`${path}\0${name}`);
      return plainly(machine.write(path!, bytes, { mode: mode!, owner: owner! }));
    },
    folder: ({ words: [path, mode, owner] }) =>
      plainly(machine.makeFolder(path!, { mode: mode!, owner: owner! })),
    listing: ({ words: [path, mode, owner] }) =>
      plainly(machine.setListing(path!, { mode: mode!, owner: owner! })),
    rename: ({ words: [from, to] }) => plainly(machine.rename(from!, to!)),
    remove: ({ words: [path] }) => plainly(machine.remove(path!)),
    async run({ words, rest }) {
      const [, , file, count, ...more] = words;
      const env = Object.fromEntries(groupsOf(more.splice(0, 2 * Number(count)), 2)) as Record<
        string,
        string
      >;
      let stdin = rest;
      if (file !== undefined && file !== '') {
        const read = await machine.read(file, largest);
        if (!read.ok) return read;
        stdin = read.value;
        await machine.remove(file);
      }
      const ran = await machine.run(more as [string, ...string[]], { stdin, env, ...far });
      if (!ran.ok) return ran;
      const { code, stdout, stderr } = ran.value;
      return ok({ fields: [code, stdout.length], rest: Buffer.concat([stdout, stderr]) });
    },
  };
}

const groupsOf = (words: readonly string[], size: number): string[][] =>
  Array.from({ length: Math.floor(words.length / size) }, (_, at) => words.slice(at * size, (at + 1) * size));

function changeOf([what, path, mode, owner, source]: readonly string[]): Change {
  const listing = { mode: mode!, owner: owner! };
  switch (what) {
    case 'remove':
      return { do: 'remove', path: path! };
    case 'link':
      return { do: 'link', path: path!, to: source! };
    case 'copy':
      return { do: 'copy', from: source!, path: path!, ...listing };
    default:
      return { do: what === 'folder' ? 'folder' : 'listing', path: path!, ...listing };
  }
}

const statText = (stat: Stat | null): string =>
  stat === null ? '' : `${stat.kind} ${stat.mode} ${stat.uid} ${stat.gid} ${stat.size}`;
const ownerText = (owner: { uid: number; gid: number } | null): string =>
  owner === null ? '' : `${owner.uid} ${owner.gid}`;
const digestText = (digest: string | null): string => digest?.slice('sha256:'.length) ?? '';
const unitText = ({ load, active, ended }: UnitSight): string =>
  `LoadState=${load}\nActiveState=${active}\nType=${ended ? 'oneshot' : 'simple'}\nResult=success\n`;
