import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lintWorkflow } from '../../src/cli/ci/lint-workflow.ts';
import { startDeployHome } from '../support/deploy-home.ts';
import { shellLines } from '../support/doc-lines.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/github-actions.md'), 'utf8');

test('docs/github-actions.md: its lines name a workflow in trust, and write one that passes the lint', async (t) => {
  const home = await startDeployHome(t, { relay: 'later' });
  const lines = shellLines(page);
  assert.equal(lines.length, 4, 'every line of the page is played');
  const [numbers, add, init, check] = lines as [string, string, string, string];
  // What GitHub's own program prints, a person copies.
  assert.match(numbers, /^gh api repos\/OWNER\/REPO /);
  const words = (line: string): string[] =>
    line
      .replace('OWNER/REPO@COMMIT', `example/writ@${'0123456789'.repeat(4)}`)
      .split(' ')
      .slice(1);
  const does = async (line: string, ...more: string[]): Promise<string> => {
    const ran = await home.writ([...words(line), ...more]);
    assert.equal(ran.exit, 0, `${line}: ${ran.out}${ran.err}`);
    return ran.out;
  };
  await does(add, '--yes');
  await does(init, '--repo', home.repo, '--origin', home.server.origin);
  assert.match(await does(check, '--repo', home.repo), /No findings in \.github\/workflows\/writ\.yml/);
  const text = readFileSync(join(home.repo, '.github/workflows/writ.yml'), 'utf8');
  assert.deepEqual(lintWorkflow('writ.yml', text), []);
  assert.match(text, /targets: websvcs\n/);

  // The page's table of jobs is the workflow's.
  const rows = [...page.matchAll(/^\| `([a-z]+)` \| .*$/gm)].map(([, name]) => name);
  assert.deepEqual(
    rows,
    [...text.matchAll(/^ {2}([a-z]+):\n {4}(?:if|needs):/gm)].map(([, name]) => name),
  );
});
