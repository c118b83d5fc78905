import { readFileSync, statSync } from 'node:fs';
import { maxReleaseBytes, type Release } from '../../../schema/wire/release.ts';
import { readReleaseFile } from '../../config/build/release-file.ts';
import { planMarkdown } from '../../config/plan/markdown.ts';
import { makePlan } from '../../config/plan/plan.ts';
import { planText } from '../../config/plan/text.ts';
import { buildRepos, readRepoFrom, repoOption } from '../build-folder.ts';
import { defineCommand } from '../command.ts';
import { findingsJson, findingsText } from '../findings.ts';
import { readRepoAt } from '../git.ts';
import { type Done, done, exits, type Failure, fail } from '../outcome.ts';
import { jsonLine } from '../text.ts';

const formats = ['text', 'markdown', 'json'];

async function readAgainst(path: string): Promise<{ ok: true; value: Release } | Failure> {
  const refused = (detail: string): Failure =>
    fail(exits.usage, 'release_invalid', `${path} is no release: ${detail}. Nothing was compared.`);
  // A header of 512 bytes and at most as much padding for each of its files.
  if (statSync(path).size > 2 * maxReleaseBytes)
    return refused(`it has more than ${2 * maxReleaseBytes} bytes`);
  const read = await readReleaseFile(new Uint8Array(readFileSync(path)));
  return read.ok ? read : refused(read.detail ?? read.reason);
}

const broken = (what: string, findings: Parameters<typeof findingsText>[0]): Done =>
  done(
    [...findingsText(findings), `${what} does not build, so there is no plan.`].join('\n'),
    { ...findingsJson(findings), plan: null },
    exits.failed,
  );

export const plan = defineCommand({
  name: 'plan',
  summary: 'Say what a change of the repo would do',
  usage: '',
  more: [
    'Two releases are made and compared on this computer: no network, no keys. Without --against, the repo’s folder is compared with what its last commit has. Secrets are told by name.',
  ],
  examples: [
    { line: 'writ plan', about: 'what is not committed yet would do' },
    { line: 'writ plan --base origin/main --format markdown', about: 'for a comment on a pull request' },
    { line: 'writ plan --against home.tar', about: 'compared with a release that writ config build wrote' },
  ],
  options: {
    ...repoOption,
    base: { type: 'text', value: 'REV', about: 'the commit to compare with (default: HEAD)' },
    against: { type: 'text', value: 'FILE', about: 'the release file to compare with' },
    format: { type: 'text', value: 'FORMAT', about: 'text, markdown or json (default: text)' },
  },
  async run(_, __, { repo = '.', base, against, format = 'text' }) {
    if (!formats.includes(format)) {
      return fail(exits.usage, 'usage', `The format is one of ${formats.join(', ')}, not ${format}.`);
    }
    if (base !== undefined && against !== undefined) {
      return fail(exits.usage, 'usage', 'It is compared with either --base or --against.');
    }
    const read = readRepoFrom(repo);
    if (!read.ok) return read;
    let before: Release | null = null;
    let after: Release;
    if (against !== undefined) {
      const given = await readAgainst(against);
      if (!given.ok) return given;
      before = given.value;
      const [built] = await buildRepos([read.value]);
      if (built!.release === undefined) return broken('The repo', built!.findings);
      after = built!.release;
    } else {
      const revision = base ?? 'HEAD';
      const old = await readRepoAt(repo, revision);
      if (!old.ok) return old;
      // A commit from before there was a homelab.yaml: all is new.
      const known = old.value.files.has('homelab.yaml');
      const built = await buildRepos(known ? [read.value, old.value] : [read.value]);
      if (built[0]!.release === undefined) return broken('The repo', built[0]!.findings);
      after = built[0]!.release;
      if (known && built[1]!.release === undefined)
        return broken(`The repo at ${revision}`, built[1]!.findings);
      before = built[1]?.release ?? null;
    }
    const made = makePlan(before, after);
    const text =
      format === 'markdown'
        ? planMarkdown(made).trimEnd()
        : format === 'json'
          ? jsonLine(made)
          : planText(made);
    return done(text, made);
  },
});
