import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

type Attributes = { readonly mode?: number; readonly uid?: number; readonly gid?: number };

/** What git does not keep of a machine's files: by the longest path that is theirs or above them. */
export type Attributed = Readonly<Record<string, Attributes>>;

export type CopiedFile = {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly attributes: Required<Attributes>;
};

/** A machine as a folder of the repo holds it, with what git cannot hold. */
export type Machine = {
  readonly folder: string;
  readonly attributes: Attributed;
  /** Links, by where they lead; folders without files. */
  readonly links: Readonly<Record<string, string>>;
  readonly folders: readonly string[];
};

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;

function record(
  path: string,
  type: string,
  size: number,
  { mode, uid, gid }: Required<Attributes>,
  link = '',
): Buffer {
  const head = Buffer.alloc(512);
  const put = (text: string, at: number): void => void head.write(text, at, 'utf8');
  if (Buffer.byteLength(path) > 100) throw new Error(`${path} is too long for this little tar`);
  put(path, 0);
  put(octal(mode, 8), 100);
  put(octal(uid, 8), 108);
  put(octal(gid, 8), 116);
  put(octal(size, 12), 124);
  put(octal(1_700_000_000, 12), 136);
  put('        ', 148);
  put(type, 156);
  put(link, 157);
  put('ustar\0' + '00', 257);
  put(
    `${octal(
      head.reduce((sum, byte) => sum + byte, 0),
      7,
    )} `,
    148,
  );
  return head;
}

function attributesOf(path: string, given: Attributed, plain: number): Required<Attributes> {
  const fitting = Object.keys(given)
    .filter((one) => path === one || (one.endsWith('/') && path.startsWith(one)))
    .sort((a, b) => b.length - a.length)[0];
  return { mode: plain, uid: 0, gid: 0, ...(fitting === undefined ? {} : given[fitting]) };
}

/** Every file of the machine. A file that may be run in the folder may be run there. */
export function filesOf({ folder, attributes }: Machine): CopiedFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(folder, path)).isFile())
    .sort()
    .map((path) => ({
      path,
      bytes: readFileSync(join(folder, path)),
      attributes: attributesOf(path, attributes, 0o644),
    }));
}

/** What `sudo tar -C / -c PATHS` prints on the machine. */
export function tarOf(machine: Machine, paths: readonly string[] = ['']): Buffer {
  const isGiven = (path: string): boolean =>
    paths.some((one) => one === '' || path === one || path.startsWith(`${one}/`));
  const files = filesOf(machine).filter(({ path }) => isGiven(path));
  const inside = files.flatMap(({ path }) =>
    path
      .split('/')
      .slice(0, -1)
      .map((_, index, parts) => parts.slice(0, index + 1).join('/')),
  );
  const folders = [...new Set([...inside, ...machine.folders.filter(isGiven)])].sort();
  return Buffer.concat([
    ...folders.map((path) => record(`${path}/`, '5', 0, attributesOf(`${path}/`, machine.attributes, 0o755))),
    ...files.flatMap(({ path, bytes, attributes }) => [
      record(path, '0', bytes.length, attributes),
      bytes,
      Buffer.alloc((512 - (bytes.length % 512)) % 512),
    ]),
    ...Object.entries(machine.links)
      .filter(([path]) => isGiven(path))
      .map(([path, to]) => record(path, '2', 0, { mode: 0o777, uid: 0, gid: 0 }, to)),
    Buffer.alloc(1024),
  ]);
}
