import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { migrateRepo } from '../../config/migrate.ts';
import { readRepoFrom, repoOption } from '../build-folder.ts';
import { defineCommand } from '../command.ts';
import { findingsText } from '../findings.ts';
import { done, exits, fail } from '../outcome.ts';

export const configMigrate = defineCommand({
  name: 'config migrate',
  summary: "Bring a repo's files to the version that this program reads",
  usage: '',
  examples: [{ line: 'writ config migrate', about: 'makes homelab.yaml of the house.yaml in this folder' }],
  options: { ...repoOption },
  async run(_, __, { repo = '.' }) {
    const read = readRepoFrom(repo);
    if (!read.ok) return read;
    const migration = migrateRepo(read.value.files);
    if (!migration.ok) {
      const lines = [...findingsText(migration.findings ?? []), `${migration.detail}. Nothing was changed.`];
      return fail(exits.usage, migration.reason, lines.join('\n'));
    }
    const { moves, notes } = migration.value;
    for (const { from, to } of moves) renameSync(join(repo, from), join(repo, to));
    const lines = [...moves.map(({ from, to }) => `${from} is ${to} now.`), ...notes];
    return done(
      lines.length > 0 ? lines.join('\n') : 'Nothing to do: every file is of the current version.',
      { moves, notes },
    );
  },
});
