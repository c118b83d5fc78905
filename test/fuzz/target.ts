/** A reader of bytes that somebody else may have chosen, and what it may come to. */
export type Target = {
  readonly name: string;
  /** What is tried, as `path:export`, from the root. */
  readonly covers: readonly string[];
  /** Inputs that the real code made, or that it takes: where mutation begins. */
  corpus(): Promise<readonly (Uint8Array | string)[]> | readonly (Uint8Array | string)[];
  /** Makes what is used by all inputs, once, then reads one. */
  open(): Promise<Read> | Read;
  /** Words that the format knows, beside those of the corpus. */
  readonly words?: readonly string[];
  /** Inputs are no longer than this. */
  readonly maxBytes?: number;
};

/**
 * Reads one input. What it gives is a result or a refusal with a code, null for none, or a value of the reader's own; it is
 * a fault when it throws anything.
 */
export type Read = (input: Uint8Array<ArrayBuffer>) => unknown | Promise<unknown>;

/** The text of an input; what is no UTF-8 becomes U+FFFD, as it does wherever bytes are read as text. */
export const textOf = (input: Uint8Array): string => decoder.decode(input);
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Takes the errors that a reader's contract names as its answer; all others are faults. */
export function declared(read: () => unknown, isDeclared: (error: Error) => boolean): unknown {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && isDeclared(error)) return null;
    throw error;
  }
}
