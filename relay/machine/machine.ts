import type { Result } from '../../schema/result.ts';

/**
 * A machine that files are brought to and services run on: this host, or a guest of it. Paths are absolute, in
 * canonical form (no `.`, `..`, `//` or slash at the end); a path of another form is `bad_path`, and nothing happens.
 *
 * No method follows a symbolic link in any part of a path: what a link stands for is not what trust was asked about.
 * A link on the way is `symlink`. Methods never throw for what a machine can do; they throw for bugs.
 */
export type Machine = {
  /** For logs: `pve1`, `secsvcs`. */
  readonly name: string;
  /**
   * Runs a program by its argv, without a shell, in `/`, with a plain environment (PATH, LANG=C.UTF-8) and `env`.
   * Resolves when it has ended, whatever its exit code. Killed with its whole group at `timeoutMs`, when `signal` is
   * aborted, or when it prints more than `maxBytes` on one stream: `timeout`, `aborted`, `too_large`.
   */
  run(argv: readonly [string, ...string[]], options: RunOptions): Promise<MachineResult<Ran>>;
  /** The bytes of a regular file. Over `maxBytes`: `too_large`. */
  read(path: string, maxBytes: number): Promise<MachineResult<Uint8Array<ArrayBuffer>>>;
  /**
   * Puts a regular file there with these bytes, mode and owner: it appears whole, durably, or not at all; what stood
   * there as a file or link is replaced. The folder must exist.
   */
  write(path: string, bytes: Uint8Array, how: Listing): Promise<MachineResult<true>>;
  /** Makes a folder, or gives one that is there this mode and owner. Its parent must exist. */
  makeFolder(path: string, how: Listing): Promise<MachineResult<true>>;
  /** Gives a file or folder another mode and owner. */
  setListing(path: string, how: Listing): Promise<MachineResult<true>>;
  /** Renames, durably. A file or link at `to` is replaced; a folder there is `exists`. */
  rename(from: string, to: string): Promise<MachineResult<true>>;
  /** Removes a file, a link or an empty folder, durably. What is not there is no error; a full folder is `not_empty`. */
  remove(path: string): Promise<MachineResult<true>>;
  /** Names in a folder, sorted. More than `most`: `too_large`. */
  list(path: string, most: number): Promise<MachineResult<readonly string[]>>;
  /** What is at each of the paths, in their order, looked at without following; null where nothing is. */
  stat(paths: readonly string[]): Promise<MachineResult<readonly (Stat | null)[]>>;
  /** The numbers of owners such as `root:root` or `472:33`, in their order; null where the machine knows no such name. */
  findOwners(owners: readonly string[]): Promise<MachineResult<readonly (Owner | null)[]>>;
  /** SHA-256 of each file, `sha256:<hex>`, in their order; null where no regular file is. Larger than 64 MiB: null. */
  digest(paths: readonly string[]): Promise<MachineResult<readonly (string | null)[]>>;
  /**
   * Looks at all that is asked for at once, and changes nothing: where every call is a program that is run there, this
   * is one, as long as the names are not too many; on this host no program is started.
   */
  look(at: Look): Promise<MachineResult<Seen>>;
  /** Several `write`s, in few programs where each call is one: every file appears whole or not at all. */
  writeAll(files: readonly NewFile[]): Promise<MachineResult<true>>;
  /**
   * Makes changes one after the other, and stops at the first that fails; each is durable before the next begins. Where
   * every call is a program, this is one for many of them.
   */
  change(steps: readonly Change[]): Promise<MachineResult<true>>;
};

export type Look = {
  /** Files whose bytes are wanted. All together over `maxBytes`: `too_large`. */
  readonly read: readonly string[];
  readonly maxBytes: number;
  /** Of which `stat` and `digest` are wanted. A link on the way is no fault here: nothing is there. */
  readonly paths: readonly string[];
  readonly owners: readonly string[];
  /** Names of units of systemd. */
  readonly units: readonly string[];
};

/** What was seen, each in the order in which it was asked for. */
export type Seen = {
  /** Null where there is no regular file. */
  readonly read: readonly (Uint8Array<ArrayBuffer> | null)[];
  readonly paths: readonly Sight[];
  readonly owners: readonly (Owner | null)[];
  readonly units: readonly UnitSight[];
};

/** What is at a path. */
export type Sight = { readonly stat: Stat | null; readonly digest: string | null };

/** What systemd says of a unit (org.freedesktop.systemd1(5)). */
export type UnitSight = {
  readonly name: string;
  /** `loaded`, `not-found`, `masked`, `bad-setting`, … */
  readonly load: string;
  /** `active`, `reloading`, `activating`, `deactivating`, `inactive`, `failed`, … */
  readonly active: string;
  /** Whether it is a oneshot that is not running, and whose last run was no failure. */
  readonly ended: boolean;
};

export type NewFile = Listing & { readonly path: string; readonly bytes: Uint8Array };

/** One change of a machine's files. */
export type Change =
  | ({ readonly do: 'folder' | 'listing'; readonly path: string } & Listing)
  /** As `write` of what a file of the machine holds. */
  | ({ readonly do: 'copy'; readonly from: string; readonly path: string } & Listing)
  /**
   * A symbolic link to `to`, an absolute path in canonical form too, which need not be anything. It appears as `write`
   * makes a file appear.
   */
  | { readonly do: 'link'; readonly path: string; readonly to: string }
  /** A full folder stays, and is no failure. */
  | { readonly do: 'remove'; readonly path: string };

/** Mode and owner: `0640`; `root:root`, names or numbers. A name that the machine does not know is `owner_unknown`. */
export type Listing = { readonly mode: string; readonly owner: string };

export type Owner = { readonly uid: number; readonly gid: number };

export type Stat = {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  /** Four octal digits. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  /** Of a link: what it says. */
  readonly to?: string;
};

export type RunOptions = {
  readonly stdin?: Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Of stdout and stderr each. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
};

export type Ran = {
  /** The exit code; 128 and more: ended by that signal. */
  readonly code: number;
  readonly stdout: Uint8Array<ArrayBuffer>;
  readonly stderr: Uint8Array<ArrayBuffer>;
};

export type MachineReason =
  | 'bad_path'
  | 'symlink'
  | 'not_found'
  | 'not_a_file'
  | 'not_a_folder'
  | 'not_empty'
  | 'exists'
  | 'not_permitted'
  | 'owner_unknown'
  | 'too_large'
  | 'no_space'
  | 'read_only'
  | 'timeout'
  | 'aborted'
  | 'program_missing'
  /** The way to the machine, or the machine itself, is gone: whether it was done is not known. */
  | 'unreachable'
  | 'machine_error';

export type MachineResult<T> = Result<T, MachineReason>;

/** Whether a path has the one form in which machines take paths. */
export function isMachinePath(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
  if (path === '/' || !path.startsWith('/') || path.length > 1024 || /[\u0000-\u001f\u007f]/.test(path)) {
    return false;
  }
  return path
    .slice(1)
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..' && part.length <= 255);
}
