import type { Done, Failure } from './outcome.ts';
import type { Progress, Terminal } from './terminal.ts';

/** One option of a command, and how help tells it. */
export type Option =
  | { readonly type: 'flag'; readonly about: string }
  | {
      readonly type: 'text' | 'list';
      readonly value: string;
      readonly about: string;
      /** A letter that may stand for it: `-o`. */
      readonly short?: string;
    };

export type Options = { readonly [name: string]: Option };

type ValueOf<O extends Option> = O extends { type: 'flag' }
  ? boolean
  : O extends { type: 'list' }
    ? readonly string[]
    : string | undefined;

export type Values<O extends Options> = { readonly [Name in keyof O]: ValueOf<O[Name]> };

/** What every command is given. */
export type Context = {
  readonly terminal: Terminal;
  readonly progress: Progress;
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array<ArrayBuffer>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether the answer is printed as JSON. */
  readonly json: boolean;
  /** The directory with the owner's keys. */
  readonly configDir: string;
  /** Aborted when the person gives up (Ctrl-C). */
  readonly signal: AbortSignal;
};

/** A command of `writ`: one value in one file, from which parsing, help and its line in the list derive. */
export type Command = {
  /** One or two words: `init`, `relays add`. */
  readonly name: string;
  readonly summary: string;
  /** Positional arguments: `CODE`, `[ID]`, `HOST…`. */
  readonly usage: string;
  readonly examples: readonly { readonly line: string; readonly about: string }[];
  readonly options: Options;
  /** More that help tells, in paragraphs. */
  readonly more?: readonly string[];
  run(context: Context, args: readonly string[], values: Values<Options>): Promise<Done | Failure>;
};

type TypedCommand<O extends Options> = Omit<Command, 'options' | 'run'> & {
  readonly options: O;
  run(context: Context, args: readonly string[], values: Values<O>): Promise<Done | Failure>;
};

/** Types the values that `run` is given by the options that the command declares. */
export const defineCommand = <const O extends Options>(command: TypedCommand<O>): Command =>
  command as unknown as Command;

/** How many positional arguments a usage takes: `CODE [FILE]` is 1 to 2, `NAME…` is 1 to any number. */
export function arityOf(usage: string): { least: number; most: number } {
  const words = usage.split(' ').filter((word) => word !== '');
  return {
    least: words.filter((word) => !word.startsWith('[')).length,
    most: words.some((word) => word.includes('…')) ? Number.POSITIVE_INFINITY : words.length,
  };
}
