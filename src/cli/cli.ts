import { join } from 'node:path';
import { didYouMean } from '../../schema/near.ts';
import { programVersion } from '../../schema/version.ts';
import type { Command, Context } from './command.ts';
import { commands } from './commands.ts';
import { helpOf, helpOfAll } from './help.ts';
import { type Done, exits, type Failure, fail } from './outcome.ts';
import { parseCommandLine } from './parse.ts';
import { createProgress, type Terminal } from './terminal.ts';
import { jsonLine, printable } from './text.ts';

export type CliDeps = {
  readonly terminal: Terminal;
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array<ArrayBuffer>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  readonly signal: AbortSignal;
};

/** Runs one command line (without the program's own name) and gives the exit code. */
export async function runCli(given: CliDeps, words: readonly string[]): Promise<number> {
  const terminal = withoutControls(given.terminal);
  const deps = { ...given, terminal };
  const [first, second] = words;
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') {
    const about = first === 'help' ? findCommand(words.slice(1)) : undefined;
    terminal.out(about === undefined ? helpOfAll(commands) : helpOf(about.command));
    return exits.ok;
  }
  if (first === '--version') {
    terminal.out(`writ ${programVersion}\n`);
    return exits.ok;
  }
  const found = findCommand(words);
  if (found === undefined) return tell(deps, words.includes('--json'), unknownCommand(first, second));
  const { command, rest } = found;
  const parsed = parseCommandLine(command, rest);
  if (!parsed.ok) return tell(deps, rest.includes('--json'), parsed);
  if (parsed.common.help) {
    terminal.out(helpOf(command));
    return exits.ok;
  }
  const progress = createProgress(given.terminal, deps.now);
  const context: Context = {
    terminal,
    progress,
    now: deps.now,
    random: deps.random,
    env: deps.env,
    json: parsed.common.json,
    configDir: configDirectory(deps, parsed.common.config),
    signal: deps.signal,
  };
  try {
    const outcome = await command.run(context, parsed.args, parsed.values);
    progress.end();
    return tell(deps, parsed.common.json, outcome, given.terminal);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    progress.end();
    const words = systemWords[error.code];
    const said = words === undefined ? error.message : `${words}: ${error.message}`;
    return tell(deps, parsed.common.json, fail(exits.failed, 'system_error', `${said}.`));
  } finally {
    progress.end();
  }
}

/** What a control plane, a relay or a file says reaches the terminal as text alone, whichever command shows it. */
const withoutControls = (terminal: Terminal): Terminal => ({
  ...terminal,
  out: (text) => terminal.out(printable(text)),
  err: (text) => terminal.err(printable(text)),
  ask: (question, options) => terminal.ask(printable(question), options),
});

/** What the system refused, such as a full disk or a folder in place of a file: no bug, and no stack is printed. */
const isSystemError = (error: unknown): error is Error & { code: string } =>
  error instanceof Error && 'syscall' in error && 'code' in error;

/** What the system's commonest refusals mean, before its own words. */
const systemWords: Readonly<Record<string, string>> = {
  EACCES: 'This user may not do that',
  EDQUOT: 'The disk quota is used up',
  ENOSPC: 'The disk is full',
  EPERM: 'This user may not do that',
  EROFS: 'The file system can only be read',
};

/** The command that the first words name, the longest name first. */
function findCommand(words: readonly string[]): { command: Command; rest: readonly string[] } | undefined {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(' ');
    const command = words.length >= length ? commands.find((one) => one.name === name) : undefined;
    if (command !== undefined) return { command, rest: words.slice(length) };
  }
  return undefined;
}

function unknownCommand(first: string, second: string | undefined): Failure {
  const names = commands.map(({ name }) => name);
  const group = names.filter((name) => name.startsWith(`${first} `));
  if (group.length > 0) {
    return fail(
      exits.usage,
      'usage',
      `writ ${first} is followed by one of: ${group.map((name) => name.split(' ')[1]).join(', ')}.`,
    );
  }
  const typed = second === undefined ? first : `${first} ${second}`;
  const near = didYouMean(typed, names) || didYouMean(first, names);
  return fail(exits.usage, 'usage', `There is no command ${first}.${near}\nwrit --help lists them.`);
}

function configDirectory({ env, homeDirectory }: CliDeps, given: string | undefined): string {
  const base = env.XDG_CONFIG_HOME;
  return (
    given ??
    env.WRIT_CONFIG ??
    join(base === undefined || base === '' ? join(homeDirectory, '.config') : base, 'writ')
  );
}

const inBold = (text: string, words: readonly string[]): string =>
  `${words.reduce((all, word) => all.replaceAll(word, `\u001b[1m${word}\u001b[22m`), printable(text))}\n`;

/** @param bare the terminal itself, for what this program alone says */
function tell({ terminal }: CliDeps, json: boolean, outcome: Done | Failure, bare = terminal): number {
  if (outcome.ok) {
    if (json) terminal.out(`${jsonLine(outcome.json)}\n`);
    else if (outcome.bold !== undefined && bare.columns > 0) bare.out(inBold(outcome.text, outcome.bold));
    else if (outcome.text !== '') terminal.out(`${outcome.text}\n`);
    return outcome.exit ?? exits.ok;
  }
  const { reason: code, detail, problem, exit } = outcome;
  if (json) terminal.out(`${jsonLine({ error: { code, detail, ...(problem && { problem }) } })}\n`);
  else terminal.err(`${detail}\n(${code})\n`);
  return exit;
}
