import type { Tell } from '../finding.ts';
import { formOf } from '../forms.ts';
import { sinceVersion } from '../keys.ts';
import type { Rule } from '../machine.ts';
import { sectionOf } from '../names.ts';
import { readingOf } from '../reading.ts';
import { type Assigned, all, last, placeOf } from '../unit.ts';
import { splitWords, type Word, withoutQuotes } from '../words.ts';

/** systemd fills in what begins with % and $; nobody knows the value before. */
const isOpen = (text: string): boolean => /[%$]/.test(text);

/** Values that Podman drops without a word, or refuses when the unit starts. */
export const judgeValues: Rule = (unit, _machine, tell) => {
  const { kind } = unit.name;
  if (kind === 'systemd') return;
  for (const section of [sectionOf(kind), 'Quadlet']) {
    for (const key of new Set((unit.sections.get(section) ?? []).map((one) => one.key))) {
      if (sinceVersion(section, key) === undefined) continue;
      const reading = readingOf(section, key);
      const isLast = reading === 'last' || key === 'Exec';
      const counting = isLast ? [last(unit, section, key)!] : all(unit, section, key);
      for (const one of counting) {
        if (reading === 'last' || reading === 'each') {
          const text = reading === 'last' ? withoutQuotes(one.value) : one.value;
          judgeForm(section, one, text, 0, tell);
        } else judgeWords(section, one, reading, tell);
      }
    }
  }
};

function judgeForm(section: string, one: Assigned, text: string, offset: number, tell: Tell): void {
  if (text === '' || isOpen(text)) return;
  const fault = formOf(section, one.key)?.(text) ?? null;
  if (fault === null) return;
  const sentence = /^is /.test(fault.message)
    ? `${one.key} ${fault.message}`
    : `${one.key}: ${fault.message}`;
  tell(placeOf(one, offset), fault.code, sentence, fault.warning === true ? { warning: true } : {});
}

function judgeWords(section: string, one: Assigned, reading: 'words' | 'list' | 'pairs', tell: Tell): void {
  const { words, failed, cutAt, openQuote } = splitWords(
    one.value,
    reading === 'list' ? 'list' : 'arguments',
  );
  if (failed !== undefined) {
    const isEscape = failed.why === 'escape';
    const what = isEscape ? `the backslash begins no escape that Podman knows` : `the quote is not closed`;
    tell(
      placeOf(one, failed.offset),
      isEscape ? 'bad_escape' : 'bad_quote',
      `${what}, so it drops this ${one.key} altogether`,
      isEscape ? { suggestion: 'Write the backslash twice.' } : {},
    );
    return;
  }
  if (openQuote !== undefined) {
    tell(placeOf(one, openQuote), 'bad_quote', 'the quote is not closed: it takes the rest of the value', {
      warning: true,
    });
  }
  if (cutAt !== undefined) {
    const isEnd = one.value.slice(cutAt).trim().length <= 2;
    tell(
      placeOf(one, cutAt),
      'word_dropped',
      `Podman drops the empty word${isEnd ? '' : ' and all behind it'}`,
      {
        ...(isEnd && { warning: true }),
      },
    );
  }
  for (const word of words) {
    if (reading === 'pairs' && !word.text.includes('=')) {
      tell(
        placeOf(one, word.offset),
        'word_dropped',
        `${word.text} has no = and a value, so Podman drops it`,
        {
          suggestion: words.length > 1 ? 'Quote the whole assignment when its value has spaces.' : '',
        },
      );
    } else if (/^(PodmanArgs|GlobalArgs|Exec)$/.test(one.key)) judgeFlag(one, word, tell);
    else judgeForm(section, one, word.text, word.offset, tell);
  }
}

/** A quoted `--cpus 2` or `-a -b` reaches the program as one argument. */
function judgeFlag(one: Assigned, { text, offset }: Word, tell: Tell): void {
  const two = /^--?[\w-]+(=\S*)?\s+--?[a-zA-Z]/.test(text);
  const spaced = one.key !== 'Exec' && /^--?[\w-]+\s/.test(text);
  if (!two && !spaced) return;
  tell(placeOf(one, offset), 'two_flags', `${text} is one argument, quoted as it is`, {
    warning: true,
    suggestion: 'Take the quotes away, or put = between a flag and its value.',
  });
}
