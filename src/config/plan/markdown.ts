import { isEmptyPlan } from './plan.ts';
import type { Plan } from './planned.ts';
import { fateOf, fileLine, secretLines, unitLines } from './text.ts';

/** What a comment on GitHub may hold is 65,536 characters. */
const maxCharacters = 60_000;
const maxDiffLines = 80;

/** Characters that a page would not show, or by which it would show others elsewhere: as another line, or turned round. */
const unseen =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it finds
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const seen = (text: string): string =>
  text.replace(unseen, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Text as a span of code, whatever it holds (CommonMark 6.1). */
function code(text: string): string {
  const one = seen(text.replace(/[\r\n]+/g, ' '));
  const longest = Math.max(0, ...[...one.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `\`${one}\`` : `${fence} ${one} ${fence}`;
}

/** A block of code that its own text cannot end. */
function block(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

const shortened = (diff: string): string => {
  const lines = seen(diff.trimEnd()).split('\n');
  if (lines.length <= maxDiffLines) return lines.join('\n');
  return [...lines.slice(0, maxDiffLines), `… and ${lines.length - maxDiffLines} lines more`].join('\n');
};

/** A plan as a comment on a pull request: risks first, the diffs folded, short enough to be posted. */
export function planMarkdown(plan: Plan): string {
  if (isEmptyPlan(plan)) return `**Nothing changes.** ${code(plan.after)}\n`;
  const parts: string[] = [];
  if (plan.risks.length > 0) {
    parts.push(
      ['**Look at this twice**', '', ...plan.risks.map(({ text }) => `- ⚠️ ${seen(text)}`)].join('\n'),
    );
  }
  for (const { target, relay, apps, untouched } of plan.targets) {
    const by = relay === undefined ? ' (no relay: its files are put there by hand)' : '';
    const lines = [`### ${code(target)}${by}`, ''];
    for (const app of apps) {
      lines.push(`- **${code(app.app)}**: ${fateOf(app)}`);
      for (const line of [
        ...unitLines(app),
        ...app.files.map(fileLine),
        ...secretLines(app),
        ...app.settings,
      ]) {
        lines.push(`  - ${code(line)}`);
      }
    }
    if (untouched.length > 0) lines.push('', `Untouched: ${untouched.map(code).join(', ')}.`);
    parts.push(lines.join('\n'));
  }
  if (plan.facts.length > 0) {
    parts.push(
      ['### Routes, names, access and flows', '', ...plan.facts.map(({ text }) => `- ${seen(text)}`)].join(
        '\n',
      ),
    );
  }
  const end = `${code(plan.before ?? 'nothing')} → ${code(plan.after)}`;
  let size = [...parts, end].reduce((sum, part) => sum + part.length + 2, 0);
  let left = 0;
  const diffs = plan.targets.flatMap(({ target, apps }) =>
    apps.flatMap(({ files }) =>
      files.flatMap(({ path, diff }) => (typeof diff === 'string' ? [{ target, path, diff }] : [])),
    ),
  );
  for (const { target, path, diff } of diffs) {
    const folded = `<details><summary><code>${html(`${target}:${path}`)}</code></summary>\n\n${block(shortened(diff), 'diff')}\n\n</details>`;
    if (size + folded.length > maxCharacters) {
      left += 1;
      continue;
    }
    size += folded.length + 2;
    parts.push(folded);
  }
  if (left > 0) parts.push(`${left} more diffs do not fit here; \`writ plan\` shows them.`);
  return `${cut([...parts, end].join('\n\n'))}\n`;
}

const html = (text: string): string =>
  seen(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const cut = (text: string): string =>
  text.length <= maxCharacters
    ? text
    : `${text.slice(0, maxCharacters)}\n\n… the rest does not fit here; \`writ plan\` shows it.`;
