import type { Rule } from '../machine.ts';
import { sectionOf } from '../names.ts';
import { readingOf } from '../reading.ts';
import { all, placeOf, type Unit } from '../unit.ts';
import { splitWords } from '../words.ts';

/**
 * Variables that systemd fills in before Podman sees them: `${NAME}` anywhere, `$NAME` as a word of its own. They come
 * from the service's environment, not from the container's, and are empty where it does not set them.
 */
export const judgeVariables: Rule = (unit, _machine, tell) => {
  const { kind } = unit.name;
  if (kind === 'systemd') return;
  const set = serviceVariables(unit);
  if (set === undefined) return;
  const section = sectionOf(kind);
  for (const one of unit.sections.get(section) ?? []) {
    const found = [...one.value.matchAll(/\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g)].flatMap((match) =>
      match[1] === undefined ? [] : [{ name: match[1], offset: match.index, text: match[0] }],
    );
    const reading = readingOf(section, one.key);
    if (reading === 'words') {
      for (const { text, offset, quoted } of splitWords(one.value, 'arguments').words) {
        const name = /^\$([A-Za-z_][A-Za-z0-9_]*)$/.exec(text)?.[1];
        if (name !== undefined) found.push({ name, offset: offset + (quoted ? 1 : 0), text });
      }
    }
    for (const { name, offset, text } of found) {
      if (set.has(name) || name.endsWith('_DIRECTORY')) continue;
      const message = `systemd fills in ${text} from the service, which does not set it: nothing is left of it`;
      const suggestion = `Write $${text} for the container to see it.`;
      tell(placeOf(one, offset), 'variable_unset', message, { warning: true, suggestion });
    }
  }
};

/** What systemd sets for every service; HOME and USER only for those with User. */
const always = ['PATH', 'LANG', 'INVOCATION_ID', 'NOTIFY_SOCKET', 'JOURNAL_STREAM', 'PODMAN_SYSTEMD_UNIT'];

/** What [Service] sets; undefined where a file or the manager adds more. */
function serviceVariables(unit: Unit): ReadonlySet<string> | undefined {
  const more = ['EnvironmentFile', 'PassEnvironment'].some((key) => all(unit, 'Service', key).length > 0);
  if (more) return undefined;
  const set = new Set(always);
  for (const one of all(unit, 'Service', 'Environment')) {
    for (const { text } of splitWords(one.value, 'arguments').words) set.add(text.split('=')[0]!);
  }
  return set;
}
