import { type Command, defineCommand } from '../command.ts';
import { completionOf, type HouseNames, noNames, type Shell, scriptOf, shells } from '../completion.ts';
import { readHome } from '../home.ts';
import { done, exits, fail } from '../outcome.ts';
import { keptRunbooks } from '../runbooks.ts';
import { scopesOf } from '../scopes.ts';

/** The command that prints completion scripts and, for them, the words; it completes all commands, itself too. */
export const completion = (all: () => readonly Command[]): Command =>
  defineCommand({
    name: 'completion',
    summary: 'Print the completion script of a shell',
    usage: 'SHELL [WORD…]',
    more: [
      `SHELL is ${shells.join(', ')}. The script asks writ itself for the words, and so knows the hosts, guests and commands that there are. "completion words -- WORD…" is what it calls: a word and what it is on each line.`,
    ],
    examples: [
      {
        line: 'writ completion bash',
        about: 'source <(writ completion bash) in ~/.bashrc; for zsh likewise',
      },
      {
        line: 'writ completion fish > ~/.config/fish/completions/writ.fish',
        about: 'fish reads it from there',
      },
    ],
    options: {},
    async run(context, [shell = '', ...words]) {
      if (shell === 'words') {
        const found = completionOf(all(), await namesOf(context.configDir)).candidates(words);
        return done(found.map(({ word, about }) => `${word}\t${about}`).join('\n'), { words: found });
      }
      if (!shells.some((known) => known === shell)) {
        return fail(
          exits.usage,
          'shell_unknown',
          `There is no script for ${shell}. There is one for ${shells.join(', ')}.`,
        );
      }
      const script = scriptOf(shell as Shell);
      return done(script.trimEnd(), { shell, script });
    },
  });

/** What this computer knows of the house, without asking anybody. */
async function namesOf(configDir: string): Promise<HouseNames> {
  const home = await readHome(configDir);
  if (!home.ok) return noNames;
  const { document } = home.value.trust;
  const { house } = document;
  const kept = keptRunbooks(configDir);
  const runbooks = kept.ok ? Object.keys(kept.value) : [];
  const names = { hosts: Object.keys(house.hosts), guests: Object.keys(house.guests), runbooks };
  return { ...names, scopes: scopesOf(document, runbooks) };
}
