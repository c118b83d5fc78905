import type { NoteCode } from './notes.ts';

type Attributes = {
  /** Permission bits, those above 0777 among them. */
  readonly mode: number;
  /** Absent where nobody can know: a folder that was copied without its owners. */
  readonly uid?: number;
  readonly gid?: number;
};

/** One thing of a folder or an archive, by its path in there. */
export type Entry =
  | ({ readonly kind: 'file'; readonly path: string; readonly bytes: Uint8Array<ArrayBuffer> } & Attributes)
  | ({ readonly kind: 'folder'; readonly path: string } & Attributes)
  | {
      readonly kind: 'left';
      readonly path: string;
      readonly code: NoteCode;
      readonly message: string;
    };

/** What came from one folder or archive. */
export type Source = { readonly name: string; readonly entries: readonly Entry[] };

/** A file as it lies on the machine. */
export type MachineFile = {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** `0644` */
  readonly mode: string;
  /** `472:472`; root's where it is not known. */
  readonly owner: string;
  /** The folder that its owner keeps it in together with others, where that says what belongs together. */
  readonly hint?: string;
};

export type MachineFolder = Pick<MachineFile, 'path' | 'mode' | 'owner' | 'hint'>;

/** Something that a person is told of one path: of the machine, or of what was given where it has no place there. */
export type Note = { readonly path: string; readonly code: NoteCode; readonly message: string };

export const rootOwner = 'root:root';

/** The owner as a release has it, `root:root` for 0:0. */
export const ownerOf = ({ uid, gid }: Pick<Attributes, 'uid' | 'gid'>): string =>
  uid === undefined || gid === undefined || (uid === 0 && gid === 0) ? rootOwner : `${uid}:${gid}`;

/**
 * The mode as a release has it. Where owners are not known, what others than the owner may write is the doing of
 * whoever copied the file, and is taken away.
 */
export const modeOf = ({ mode, uid }: Attributes): string =>
  `0${(uid === undefined ? mode & 0o755 : mode & 0o777).toString(8).padStart(3, '0')}`;

export const lastOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
/** With its slash; of a name alone, nothing. */
export const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);
