import type { Context } from './command.ts';
import { readTextFile } from './files.ts';
import { exits, type Failure, fail } from './outcome.ts';

const leastCharacters = 12;

export const passphraseFileOption = {
  type: 'text',
  value: 'FILE',
  about: 'read the passphrase from the first line of a file instead of asking',
} as const;

const mostTries = 3;
const mistakes = new Set(['passphrase_short', 'passphrase_differs', 'passphrase_wrong']);

/** Asks again for what a person mistyped, a few times. What comes from a file is the same each time. */
export async function inTries<T>(
  context: Context,
  file: string | undefined,
  attempt: () => Promise<{ ok: true; value: T } | Failure>,
): Promise<{ ok: true; value: T } | Failure> {
  for (let tried = 1; ; tried += 1) {
    const result = await attempt();
    if (result.ok || file !== undefined || tried === mostTries || !mistakes.has(result.reason)) return result;
    context.terminal.err(`${result.detail}\n`);
  }
}

/** A passphrase for a new root: asked twice, or from a file. */
export const newPassphrase = (
  context: Context,
  file: string | undefined,
  question = 'Passphrase for the root key on this computer',
): Promise<{ ok: true; value: string } | Failure> =>
  inTries(context, file, async () => {
    const first = await passphrase(context, file, `${question} (${leastCharacters} characters or more): `);
    if (!first.ok) return first;
    if ([...first.value].length < leastCharacters) {
      return fail(
        exits.usage,
        'passphrase_short',
        `A passphrase has at least ${leastCharacters} characters. Four or five random words are good.`,
      );
    }
    if (file !== undefined) return first;
    const second = await passphrase(context, undefined, 'Once more: ');
    if (!second.ok) return second;
    return first.value === second.value
      ? first
      : fail(exits.usage, 'passphrase_differs', 'The two were not the same.');
  });

/** The passphrase that opens a root. */
export async function passphrase(
  context: Context,
  file: string | undefined,
  question = 'Passphrase of the root key: ',
): Promise<{ ok: true; value: string } | Failure> {
  if (file !== undefined) {
    const text = readTextFile(file, 4096);
    const line = text?.split(/\r?\n/)[0];
    return line === undefined || line === ''
      ? fail(exits.usage, 'passphrase_missing', `There is no passphrase in ${file}.`)
      : { ok: true, value: line };
  }
  if (!context.terminal.asks) {
    return fail(
      exits.usage,
      'no_terminal',
      'There is no terminal to ask for the passphrase: use --passphrase-file FILE.',
    );
  }
  context.progress.end();
  const line = await context.terminal.ask(question, { hidden: true });
  return line === null ? fail(exits.usage, 'given_up', 'Given up.') : { ok: true, value: line };
}

/** Asks yes or no; `yes` answers for scripts. */
export async function confirm(context: Context, question: string, yes: boolean): Promise<true | Failure> {
  if (yes) return true;
  if (!context.terminal.asks) {
    return fail(
      exits.usage,
      'no_terminal',
      `${question} There is no terminal to ask: add --yes if you agree.`,
    );
  }
  context.progress.end();
  const answer = await context.terminal.ask(`${question} [y/N] `);
  return answer !== null && /^y(es)?$/i.test(answer.trim())
    ? true
    : fail(exits.refused, 'not_confirmed', 'Nothing was done.');
}
