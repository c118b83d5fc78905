import type { Tell } from '../finding.ts';
import type { Rule } from '../machine.ts';
import { parseMount, parseVolume } from '../mount.ts';
import { sectionOf } from '../names.ts';
import { type Assigned, all, placeOf } from '../unit.ts';
import { splitWords } from '../words.ts';

/** systemd fills in what begins with % and $; nobody knows the value before. */
const isOpen = (text: string): boolean => /[%$]/.test(text);

const volumeOptions = new Set(
  (
    'ro rw z Z U O nocopy copy idmap bind rbind private rprivate shared rshared slave rslave unbindable ' +
    'runbindable nodev dev noexec exec nosuid suid upperdir workdir no-dereference'
  ).split(' '),
);
const volumeName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Sources and targets of volumes and mounts. */
export const judgeMounts: Rule = (unit, _machine, tell) => {
  if (unit.name.kind === 'systemd') return;
  const section = sectionOf(unit.name.kind);
  if (!/^(Container|Pod|Build)$/.test(section)) return;
  const targets = new Set<string>();
  const claim = (target: string, one: Assigned, offset: number): void => {
    const path = target.length > 1 && target.endsWith('/') ? target.slice(0, -1) : target;
    if (targets.has(path) && !isOpen(path)) {
      tell(placeOf(one, offset), 'target_twice', `something is mounted at ${path} in the container already`);
    }
    targets.add(path);
  };
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
    claim(target, one, targetOffset);
    for (const option of options) {
      if (isOpen(option) || volumeOptions.has(option.split('=')[0]!)) continue;
      tell(placeOf(one), 'bad_value', `${option} is no option of a volume`);
    }
  }
  if (section !== 'Container') return;
  for (const one of all(unit, section, 'Tmpfs')) claim(one.value.split(':')[0]!, one, 0);
  for (const one of all(unit, section, 'Mount')) {
    for (const { text, offset } of splitWords(one.value, 'arguments').words) {
      const mount = parseMount(text);
      if (mount === null || typeof mount.source === 'object') continue;
      if (mount.target !== undefined) claim(mount.target, one, offset);
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
};

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
