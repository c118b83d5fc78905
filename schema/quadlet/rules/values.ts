import type { Tell } from '../finding.ts';
import { formOf } from '../forms.ts';
import { sinceVersion } from '../keys.ts';
import type { Rule } from '../machine.ts';
import { parseMount, parseVolume } from '../mount.ts';
import { sectionOf } from '../names.ts';
import { readingOf } from '../reading.ts';
import { type Assigned, all, last, placeOf, type Unit } from '../unit.ts';
import { splitWords, type Word } from '../words.ts';

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
          const text = reading === 'last' ? one.value.replaceAll(/^"+|"+$/g, '') : one.value;
          judgeForm(section, one, text, 0, tell);
        } else judgeWords(section, one, reading, tell);
      }
    }
  }
  judgePaths(unit, sectionOf(kind), tell);
};

function judgeForm(section: string, one: Assigned, text: string, offset: number, tell: Tell): void {
  if (text === '' || isOpen(text)) return;
  const fault = formOf(section, one.key)?.(text) ?? null;
  if (fault === null) return;
  const sentence = /^is /.test(fault.message)
    ? `${one.key} ${fault.message}`
    : `${one.key}: ${fault.message}`;
  tell(placeOf(one, offset), fault.code, sentence);
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

const volumeOptions = new Set(
  (
    'ro rw z Z U O nocopy copy idmap bind rbind private rprivate shared rshared slave rslave unbindable ' +
    'runbindable nodev dev noexec exec nosuid suid upperdir workdir no-dereference'
  ).split(' '),
);
const volumeName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Sources and targets of volumes and mounts. */
function judgePaths(unit: Unit, section: string, tell: Tell): void {
  if (!/^(Container|Pod|Build)$/.test(section)) return;
  for (const one of all(unit, section, 'Volume')) {
    const { source, target, targetOffset, options } = parseVolume(one.value);
    if (!isOpen(target) && !target.startsWith('/')) {
      const alone = source === '' && targetOffset === 0;
      tell(
        placeOf(one, targetOffset),
        'bad_path',
        alone ? `${target} says no path in the container` : `${target} in the container is not absolute`,
        alone ? { suggestion: `Write ${target}:/path.` } : {},
      );
    }
    judgeSource(one, source, 0, tell);
    for (const option of options) {
      if (isOpen(option) || volumeOptions.has(option.split('=')[0]!)) continue;
      tell(placeOf(one), 'bad_value', `${option} is no option of a volume`);
    }
  }
  if (section !== 'Container') return;
  for (const one of all(unit, section, 'Mount')) {
    for (const { text, offset } of splitWords(one.value, 'arguments').words) {
      const mount = parseMount(text);
      if (mount === null || typeof mount.source === 'object') continue;
      if (mount.target === undefined) tell(placeOf(one, offset), 'bad_mount', 'the mount names no target');
      else if (!isOpen(mount.target) && !mount.target.startsWith('/')) {
        tell(placeOf(one, offset), 'bad_path', `${mount.target} in the container is not absolute`);
      }
      if (mount.type === 'bind' || mount.type === 'glob' || mount.type === 'volume') {
        judgeSource(one, mount.source ?? '', offset, tell, mount.type);
      } else if (!/^(tmpfs|image|devpts|ramfs|artifact)$/.test(mount.type)) {
        tell(placeOf(one, offset), 'bad_mount', `${mount.type} is no type of a mount`);
      }
    }
  }
}

function judgeSource(one: Assigned, source: string, offset: number, tell: Tell, type = 'any'): void {
  if (
    /\.(volume|image)$/.test(source) ||
    source === '' ||
    isOpen(source) ||
    source.startsWith('/') ||
    source.startsWith('.')
  )
    return;
  if (source.startsWith('~')) {
    tell(placeOf(one, offset), 'bad_path', `nobody expands the ~ of ${source}`, { suggestion: 'Write %h.' });
  } else if (type === 'bind' || type === 'glob' || !volumeName.test(source)) {
    const what = type === 'any' ? 'neither a name nor an absolute path' : 'no absolute path';
    tell(placeOf(one, offset), 'bad_path', `the source ${source} is ${what}`, {
      suggestion: `For a folder beside the unit write ./${source}.`,
    });
  }
}
