import { buildRepos, readRepoFrom, repoOption } from '../build-folder.ts';
import { defineCommand } from '../command.ts';
import { findingsJson, findingsText } from '../findings.ts';
import { done, exits } from '../outcome.ts';

export const configCheck = defineCommand({
  name: 'config check',
  summary: "Say everything that is wrong with a homelab's repo",
  usage: '',
  more: [
    'Every file is read and the whole release is made, in memory alone. Each finding has its file, line and column, and a code that docs/configuration.md explains. It exits with 1 when there is an error, with 0 when there are warnings alone.',
  ],
  examples: [
    { line: 'writ config check', about: 'checks the repo in the current folder' },
    { line: 'writ config check --repo ~/homelab --json', about: 'the findings as JSON, for a program' },
  ],
  options: { ...repoOption },
  async run(_, __, { repo = '.' }) {
    const read = readRepoFrom(repo);
    if (!read.ok) return read;
    const [built] = await buildRepos([read.value]);
    const { findings, home, release } = built!;
    const apps = Object.keys(home?.apps ?? {}).length;
    const good =
      release === undefined
        ? []
        : [`No errors: ${apps} apps on ${release.manifest.parts.length} machines, ${release.digest}`];
    return done(
      [...findingsText(findings), ...good].join('\n'),
      { ...findingsJson(findings), digest: release?.digest ?? null },
      release === undefined ? exits.failed : exits.ok,
    );
  },
});
