import { commandActionType } from '../../schema/wire/ids.ts';
import type { Command, Options } from './command.ts';
import { commonOptions } from './parse.ts';

/** What may come next on a command line, from what stands on it already. */
export type Completion = {
  /** Words that go on after those before the cursor, each with a few words of help. */
  candidates(words: readonly string[]): readonly { readonly word: string; readonly about: string }[];
};

/** Names of the house that a command's argument is one of. */
export type HouseNames = {
  readonly hosts: readonly string[];
  readonly guests: readonly string[];
  readonly runbooks: readonly string[];
  /** What a token may do here. */
  readonly scopes: readonly string[];
};

export const noNames: HouseNames = { hosts: [], guests: [], runbooks: [], scopes: [] };

/** Completes command lines of the registry's commands; arguments are names of the house where their usage says so. */
export function completionOf(commands: readonly Command[], names: HouseNames): Completion {
  return {
    candidates(words) {
      const before = words.slice(0, -1);
      const typed = words.at(-1) ?? '';
      const plain = before.filter((word) => !word.startsWith('-'));
      const command = [2, 1]
        .map((length) => commands.find(({ name }) => name === plain.slice(0, length).join(' ')))
        .find((found) => found !== undefined);
      const fits = ({ word }: { word: string }): boolean => word.startsWith(typed);
      if (typed.startsWith('-')) return optionsOf(command, before).filter(fits);
      const valued = valueAfter(command, before.at(-1));
      if (valued !== null) {
        const scopes = valued === 'SCOPE' ? names.scopes : [];
        const rights = valued === 'ACTION@TARGET[,LIMIT]' ? names.scopes.filter(isRight) : [];
        const targets = valued === 'TARGET|APP' ? targetsOf(names) : [];
        const guests = valued === 'GUEST' ? names.guests : [];
        return [...wordsOf([...scopes, ...rights], 'scope'), ...targets, ...wordsOf(guests, 'guest')].filter(
          fits,
        );
      }
      const next = nextWords(commands, plain);
      const given = command === undefined ? [] : argumentsOf(command, names);
      const used = new Set(plain);
      return [...next, ...given.filter(({ word }) => !used.has(word))].filter(fits);
    },
  };
}

/** The words of commands that go on after the given ones. */
function nextWords(
  commands: readonly Command[],
  plain: readonly string[],
): { word: string; about: string }[] {
  const found = new Map<string, string>();
  for (const { name, summary } of commands) {
    const parts = name.split(' ');
    if (parts.length <= plain.length || plain.some((word, index) => parts[index] !== word)) continue;
    const word = parts[plain.length]!;
    const isLast = parts.length === plain.length + 1;
    if (!found.has(word) || isLast) found.set(word, isLast ? summary : `writ ${name.split(' ')[0]} …`);
  }
  return [...found].map(([word, about]) => ({ word, about }));
}

function optionsOf(
  command: Command | undefined,
  before: readonly string[],
): { word: string; about: string }[] {
  const declared: Options = { ...command?.options, ...commonOptions };
  return Object.entries(declared)
    .map(([name, option]) => ({ word: `--${name}`, about: option.about, again: option.type === 'list' }))
    .filter(({ word, again }) => again || !before.includes(word))
    .map(({ word, about }) => ({ word, about }));
}

/** What the word after an option is, such as `SCOPE`; null where it is no option's value. */
function valueAfter(command: Command | undefined, word: string | undefined): string | null {
  const declared: Options = { ...command?.options, ...commonOptions };
  const name = word?.startsWith('--') === true ? word.slice(2) : '';
  const option = Object.hasOwn(declared, name) ? declared[name] : undefined;
  return option === undefined || option.type === 'flag' ? null : option.value;
}

/** Whether a scope is of an action: `host.wake@pve2`, and no runbook's. */
const isRight = (scope: string): boolean => /^[a-z]+\.[^@]+@/.test(scope);

const wordsOf = (all: readonly string[], about: string): { word: string; about: string }[] =>
  all.map((word) => ({ word, about }));
const targetsOf = ({ hosts, guests }: HouseNames): { word: string; about: string }[] => [
  ...wordsOf(hosts, 'host'),
  ...wordsOf(guests, 'guest'),
];

/** Commands of apps, as far as trust grants them. */
const commandsOf = ({ scopes }: HouseNames): { word: string; about: string }[] =>
  scopes.flatMap((scope) => {
    const [action, word = ''] = scope.split('@');
    return action === commandActionType ? [{ word, about: 'command' }] : [];
  });

/** Which names a usage takes: `HOST`, `GUEST`, `HOST|GUEST`, `TARGET`, `COMMAND`, `RUNBOOK|COMMAND`. */
function argumentsOf({ usage }: Command, names: HouseNames): { word: string; about: string }[] {
  const word = usage.replace(/[[\]…]/g, '').split(' ')[0];
  switch (word) {
    case 'HOST':
    case 'RELAY':
      return wordsOf(names.hosts, 'host');
    case 'GUEST':
      return wordsOf(names.guests, 'guest');
    case 'HOST|GUEST':
    case 'TARGET':
      return targetsOf(names);
    case 'COMMAND':
      return commandsOf(names);
    case 'RUNBOOK|COMMAND':
      return [...wordsOf(names.runbooks, 'runbook'), ...commandsOf(names)];
    default:
      return [];
  }
}

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/**
 * The script that a shell reads to complete `writ`. It asks `writ completion words` with the words so far, so that
 * it needs no renewal when commands are added.
 */
export function scriptOf(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return `# writ completion bash
# A scope is one word: host.wake@pve2.
COMP_WORDBREAKS=\${COMP_WORDBREAKS//@}
_writ() {
  local IFS=$'\\n'
  COMPREPLY=($(writ completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
  [ \${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _writ writ
`;
    case 'zsh':
      return `#compdef writ
# writ completion zsh
_writ() {
  local -a found
  local line
  while IFS= read -r line; do
    found+=("\${line%%$'\\t'*}:\${line#*$'\\t'}")
  done < <(writ completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then _describe 'writ' found; else _files; fi
}
if [ "$funcstack[1]" = "_writ" ]; then _writ "$@"; else compdef _writ writ; fi
`;
    case 'fish':
      return `# writ completion fish
function __writ_words
  set -l words (commandline -opc) (commandline -ct)
  writ completion words -- $words[2..-1] 2>/dev/null
end
complete -c writ -f -a '(__writ_words)'
`;
  }
}
