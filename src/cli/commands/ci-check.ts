import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { repoOption } from '../build-folder.ts';
import { lintWorkflow } from '../ci/lint-workflow.ts';
import { defineCommand } from '../command.ts';
import { findingsJson, findingsText } from '../findings.ts';
import { done, exits, fail } from '../outcome.ts';

const maxWorkflowBytes = 512 * 1024;

export const ciCheck = defineCommand({
  name: 'ci check',
  summary: 'Say what in a repo’s workflows would let somebody else release',
  usage: '[FILE…]',
  more: [
    'Without FILE, every workflow of the repo. Actions must be pinned to commits; rights to write belong to single jobs; one job alone may ask for ID tokens, and runs nothing but what hands an order over; nothing runs at events that give strangers the rights of the branch. It exits with 1 when there is a finding.',
  ],
  examples: [
    { line: 'writ ci check', about: 'all workflows of the repo in the current folder' },
    { line: 'writ ci check .github/workflows/writ.yml', about: 'one' },
  ],
  options: { ...repoOption },
  async run(_, files, { repo = '.' }) {
    const folder = join(repo, '.github/workflows');
    const found = (existsSync(folder) ? readdirSync(folder) : [])
      .filter((name) => /\.ya?ml$/.test(name))
      .sort();
    const paths = files.length > 0 ? files : found.map((name) => `.github/workflows/${name}`);
    if (paths.length === 0) {
      return fail(
        exits.usage,
        'workflow_none',
        `There is no workflow in ${folder}. To write one: writ ci init`,
      );
    }
    const findings = [];
    for (const path of paths) {
      const place = files.length > 0 ? path : join(repo, path);
      if (!existsSync(place) || !statSync(place).isFile()) {
        return fail(exits.usage, 'workflow_none', `There is no file ${place}. Nothing was checked.`);
      }
      if (statSync(place).size > maxWorkflowBytes) {
        return fail(
          exits.usage,
          'file_too_large',
          `${place} is too large for a workflow. Nothing was checked.`,
        );
      }
      findings.push(...lintWorkflow(path, readFileSync(place, 'utf8')));
    }
    const good = findings.length === 0 ? [`No findings in ${paths.join(', ')}`] : [];
    return done(
      [...findingsText(findings), ...good].join('\n'),
      { ...findingsJson(findings), files: paths },
      findings.length === 0 ? exits.ok : exits.failed,
    );
  },
});
