import { parseArgs } from 'node:util';
import { didYouMean } from '../../schema/near.ts';
import { arityOf, type Command, type Options, type Values } from './command.ts';
import { exits, type Failure, fail } from './outcome.ts';

/** Options that every command takes. */
export const commonOptions = {
  json: { type: 'flag', about: 'print one JSON value instead of text' },
  config: {
    type: 'text',
    value: 'DIR',
    about: 'where the keys are (default: $WRIT_CONFIG, or ~/.config/writ)',
  },
  help: { type: 'flag', about: 'say how the command is used' },
} as const satisfies Options;

export type Parsed = {
  readonly ok: true;
  readonly args: readonly string[];
  readonly values: Values<Options>;
  readonly common: Values<typeof commonOptions>;
};

/** Reads the words after a command's name as its arguments and options. */
export function parseCommandLine(command: Command, words: readonly string[]): Parsed | Failure {
  const declared: Options = { ...command.options, ...commonOptions };
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args: [...words],
      allowPositionals: true,
      strict: true,
      options: Object.fromEntries(
        Object.entries(declared).map(([name, option]) => [
          name,
          {
            type: option.type === 'flag' ? ('boolean' as const) : ('string' as const),
            multiple: option.type === 'list',
            ...('short' in option && option.short !== undefined && { short: option.short }),
          },
        ]),
      ),
    });
  } catch (error) {
    return usageFailure(command, explain(error, words, declared));
  }
  const given = parsed.values as Record<string, string | boolean | string[] | undefined>;
  const values = Object.fromEntries(
    Object.entries(declared).map(([name, option]) => [
      name,
      given[name] ?? (option.type === 'flag' ? false : option.type === 'list' ? [] : undefined),
    ]),
  ) as Values<Options> & Values<typeof commonOptions>;
  const { least, most } = arityOf(command.usage);
  const count = parsed.positionals.length;
  if (!values.help && (count < least || count > most)) {
    return usageFailure(command, count < least ? 'Something is missing.' : 'That is more than it takes.');
  }
  return { ok: true, args: parsed.positionals, values, common: values };
}

const usageFailure = (command: Command, what: string): Failure =>
  fail(exits.usage, 'usage', `${what}\nUsage: ${usageLine(command)}\nMore: writ ${command.name} --help`);

/** `writ relays add HOST… [options]` */
export const usageLine = (command: Command): string =>
  ['writ', command.name, command.usage, Object.keys(command.options).length > 0 ? '[options]' : '']
    .filter((part) => part !== '')
    .join(' ');

function explain(error: unknown, words: readonly string[], declared: Options): string {
  const code = (error as { code?: string }).code;
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const known = Object.keys(declared);
    const word = words.find((text) => text.startsWith('-') && !known.includes(optionName(text))) ?? '';
    const near = didYouMean(optionName(word), known).replace('mean ', 'mean --');
    return `There is no option ${word.split('=')[0]}.${near}`;
  }
  if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') return (error as Error).message.split('\n')[0]!;
  throw error;
}

const optionName = (word: string): string => word.replace(/^-+/, '').split('=')[0]!;
