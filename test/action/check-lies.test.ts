import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runStep, type StepRan } from '../support/action-runner.ts';
import { deployHome } from '../support/deploy-repo.ts';
import { commit, git, initGit } from '../support/git-repo.ts';
import { startGithubRest } from '../support/github-rest.ts';
import { writeTree } from '../support/repo-fixture.ts';

const image = (tag: string): string =>
  `[Container]\nImage=docker.io/library/nginx:${tag}\nContainerName=web\n`;

/** The check of a pull request that changes a homelab in the folder `house` of its repository. */
async function checkPull(
  t: TestContext,
  change: Readonly<Record<string, string>>,
  add: (folder: string) => void = () => {},
): Promise<StepRan> {
  const rest = await startGithubRest(t, '');
  const inHouse = <T>(files: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`house/${path}`, text]));
  const repo = writeTree(t, inHouse(deployHome));
  const base = initGit(repo);
  git(repo, 'checkout', '--quiet', '-b', 'change');
  add(join(repo, 'house'));
  const head = commit(repo, inHouse(change));
  git(repo, 'checkout', '--quiet', '--detach', base);
  git(repo, 'merge', '--quiet', '--no-ff', '--message', 'merge', 'change');
  return runStep(t, {
    action: 'action/check',
    with: { token: rest.tokens.writes, repo: 'house' },
    workspace: repo,
    event: { pull_request: { number: 7, head: { sha: head }, base: { sha: base } } },
    env: {
      GITHUB_EVENT_NAME: 'pull_request',
      GITHUB_API_URL: rest.url,
      GITHUB_REPOSITORY: 'octocat/homelab',
    },
  });
}

test('threat 21: a pull request that brings a repository of its own is not compared with what that says', async (t) => {
  const change = { 'apps/web/web.container': image('6.6.6') };
  const honest = await checkPull(t, change);
  assert.match(honest.summary, /nginx:6\.6\.6/);
  const own = writeTree(t, { ...deployHome, ...change });
  initGit(own);
  commit(own, {});
  const lying = await checkPull(t, change, (folder) => {
    for (const name of ['HEAD', 'config', 'objects', 'refs'])
      cpSync(join(own, '.git', name), join(folder, name), { recursive: true });
    git(folder, '--git-dir', folder, 'config', 'core.bare', 'true');
  });
  assert.doesNotMatch(lying.summary, /Nothing changes/);
  assert.match(lying.summary, /There is no plan[\s\S]*cannot use bare repository/);
});
