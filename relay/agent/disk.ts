/**
 * The folder of the relay's state. Names are plain file names. Every operation rejects with an Error whose
 * `code` is the system's (`ENOSPC`, `EROFS`, `EACCES`, …) when it could not be done.
 */
export type Disk = {
  /** The file's bytes, or null when there is none. */
  read(name: string): Promise<Uint8Array | null>;
  /**
   * Adds bytes to the end of a file that exists, and returns once they are on stable storage. After a rejection
   * they may or may not be there, in part or whole: the file must be replaced before anything more is added.
   */
  append(name: string, bytes: Uint8Array): Promise<void>;
  /**
   * Sets a file's content as a whole, readable by its owner alone, and returns once it is on stable storage
   * under that name. A crash leaves the old content or the new one.
   */
  replace(name: string, bytes: Uint8Array): Promise<void>;
  /** Durably; nothing when there is no such file. */
  remove(name: string): Promise<void>;
  /** Whether others than the owner may read the file. */
  exposed(name: string): Promise<boolean>;
  close(): Promise<void>;
};

/** Why a disk operation failed, as a word for the log. */
export const diskFault = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code.slice(0, 32) : 'fault';
};
