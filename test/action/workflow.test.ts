import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ActionHome, startActionHome } from '../support/action-home.ts';
import { commit, git, initGit } from '../support/git-repo.ts';
import { startGithubRest } from '../support/github-rest.ts';
import { type Attempt, runWorkflow, type WorkflowRan } from '../support/workflow-runner.ts';

const path = '.github/workflows/deploy.yml';
const action = 'example/writ@0123456789abcdef0123456789abcdef01234567';

const results = (ran: WorkflowRan): string =>
  Object.entries(ran)
    .map(([name, { result }]) => `${name} ${result}`)
    .join(', ');
const errors = (ran: WorkflowRan): string =>
  Object.values(ran)
    .flatMap(({ steps }) => steps.flatMap((step) => step.errors))
    .join('\n');
const logs = (ran: WorkflowRan): string =>
  Object.values(ran)
    .flatMap(({ steps }) => steps.map(({ log }) => log))
    .join('\n');

const init = (scene: ActionHome, ...words: string[]) =>
  scene.home.writ(['ci', 'init', '--repo', scene.home.repo, '--origin', scene.home.server.origin, ...words]);

test('the workflow that writ ci init writes, as GitHub runs it: each event and each job as designed', async (t) => {
  const scene = await startActionHome(t);
  const { home, issuer } = scene;
  const { repo } = home;
  const rest = await startGithubRest(t);
  const written = await init(scene, '--action', action);
  assert.equal(written.exit, 0, written.err);
  const text = readFileSync(join(repo, path), 'utf8');
  const linted = await home.writ(['ci', 'check', '--repo', repo]);
  assert.equal(linted.exit, 0, linted.out);
  initGit(repo);

  let number = 9_000_000_000;
  const push = (sha: string, more: Partial<Attempt> = {}): Attempt => {
    number += 1;
    return { event: 'push', run_id: String(number), run_attempt: '1', sha, ref: 'refs/heads/main', ...more };
  };
  const run = (attempt: Attempt, workflow = text): Promise<WorkflowRan> =>
    runWorkflow(t, workflow, { repo, path, issuer, rest, attempt });
  const change = (value: string): string =>
    commit(repo, { 'apps/blog/blog.ini': `title = ${value}\n` }, value);

  // A pull request, as GitHub checks it out: merged into main.
  const base = git(repo, 'rev-parse', 'HEAD');
  git(repo, 'checkout', '--quiet', '-b', 'next');
  const head = change('next');
  git(repo, 'checkout', '--quiet', '-b', 'merged', 'main');
  git(repo, 'merge', '--quiet', '--no-ff', '--message', 'merge', 'next');
  const merged = git(repo, 'rev-parse', 'HEAD');
  git(repo, 'checkout', '--quiet', 'main');
  const pull: Attempt = {
    ...push(merged),
    event: 'pull_request',
    ref: 'refs/pull/7/merge',
    payload: { pull_request: { number: 7, head: { sha: head }, base: { sha: base } } },
  };

  await t.test('pull request: planned and commented, and no job asks for an ID token', async () => {
    const ran = await run(pull);
    assert.equal(results(ran), 'plan success, build skipped, deploy skipped', logs(ran));
    assert.match(rest.comments[0]!.body, /blog\.ini/);
    assert.equal(issuer.requests.token, 0);
  });

  await t.test('fork: planned in the summary alone', async () => {
    const ran = await run({ ...pull, fork: true });
    assert.equal(results(ran), 'plan success, build skipped, deploy skipped', logs(ran));
    assert.match(ran.plan!.steps[0]!.summary, /blog\.ini[\s\S]*the plan stands here alone/);
    assert.equal(rest.comments.length, 1);
    assert.equal(issuer.requests.token, 0);
  });

  const first = push(change('one'));
  let built: WorkflowRan = {};
  await t.test(
    'push: built without a right to ID tokens, deployed, and healthy by the relay’s word',
    async () => {
      built = await run(first);
      assert.equal(results(built), 'plan skipped, build success, deploy success', logs(built));
      assert.match(built.deploy!.steps[0]!.summary, /### Writ: deployed/);
      assert.equal(home.machine.text('/etc/opt/blog/blog.ini'), 'title = one\n');
      assert.doesNotMatch(built.build!.steps[0]!.log, /add-mask/);
    },
  );

  await t.test('re-run of failed jobs: says to run all again; of all jobs: deploys', async () => {
    const again = { ...first, run_attempt: '2' };
    const alone = await run({ ...again, kept: { build: built.build! } });
    assert.equal(results(alone), 'plan skipped, build success, deploy failure');
    assert.match(errors(alone), /Re-run all jobs/);
    const ran = await run(again);
    assert.equal(results(ran), 'plan skipped, build success, deploy success', logs(ran));
  });

  await t.test('re-run of an older run: refused, and what runs stays', async () => {
    const newer = await run(push(change('two')));
    assert.equal(results(newer), 'plan skipped, build success, deploy success', logs(newer));
    const ran = await run({ ...first, run_attempt: '3' });
    assert.equal(results(ran), 'plan skipped, build success, deploy failure');
    assert.match(errors(ran), /\(release_stale\)/);
    assert.equal(home.machine.text('/etc/opt/blog/blog.ini'), 'title = two\n');
  });

  await t.test('renamed repository: deploys', async () => {
    const ran = await run(push(change('three'), { repository: 'hubot/house' }));
    assert.equal(results(ran), 'plan skipped, build success, deploy success', logs(ran));
  });

  await t.test('wrong environment: refused', async () => {
    const other = text.replace("environment: 'home'", "environment: 'test'");
    assert.notEqual(other, text);
    const ran = await run(push(change('four')), other);
    assert.equal(results(ran), 'plan skipped, build success, deploy failure');
    assert.match(errors(ran), /its environment is not.*\(credentials_invalid\)/s);
  });

  await t.test('reusable workflow: refused', async () => {
    const claims = { job_workflow_ref: `octocat/shared/${path}@refs/heads/main` };
    const ran = await run(push(git(repo, 'rev-parse', 'HEAD'), { claims }));
    assert.equal(results(ran), 'plan skipped, build success, deploy failure');
    assert.match(errors(ran), /its job_workflow_ref is not/);
  });

  await t.test('pull_request_target: nothing is built, whatever the workflow says', async () => {
    const asked = issuer.requests.token;
    const other = text.replace('  pull_request:\n', '  pull_request_target:\n');
    const attempt: Attempt = { ...pull, event: 'pull_request_target', ref: 'refs/heads/main' };
    const ran = await run(attempt, other);
    assert.equal(results(ran), 'plan skipped, build failure, deploy skipped');
    assert.match(errors(ran), /\(event_refused\)/);
    assert.equal(issuer.requests.token, asked);
    assert.equal(home.machine.text('/etc/opt/blog/blog.ini'), 'title = three\n');
  });

  await t.test('another branch, or one that pushes there: nothing is built', async () => {
    const ran = await run(push(head, { ref: 'refs/heads/next' }));
    assert.equal(results(ran), 'plan skipped, build skipped, deploy skipped');
  });
});

test('writ ci init says what it lacks, keeps its pins, and tells when the workflow is another', async (t) => {
  const scene = await startActionHome(t, { relay: 'later' });
  const { home } = scene;
  const file = join(home.repo, path);
  const check = () => init(scene, '--check');
  const fails = (ran: { exit: number; err: string }, exit: number, says: RegExp): void => {
    assert.equal(ran.exit, exit, ran.err);
    assert.match(ran.err, says);
  };
  const bare = ['ci', 'init', '--repo', home.repo, '--action', action];
  fails(await home.writ(bare), 2, /reach none of the control plane’s addresses.*--origin/s);
  fails(
    await home.writ([...bare, '--origin', 'https://elsewhere.example']),
    2,
    /does not name https:\/\/elsewhere/,
  );
  fails(await init(scene), 2, /--action OWNER\/REPO@SHA/);
  fails(await init(scene, '--action', 'example/writ@v1'), 2, /is no commit of a repository/);
  fails(await init(scene, '--action', action, '--identity', 'other'), 2, /names no workflow other/);
  fails(await check(), 2, /--action OWNER\/REPO@SHA/);

  const ran = await init(scene, '--action', action);
  assert.equal(ran.exit, 0, ran.err);
  assert.match(ran.out, /releases to websvcs from main[\s\S]*make the environment home/);
  const text = readFileSync(file, 'utf8');
  assert.match(text, new RegExp(`trust: ${scene.pin}`));
  assert.match((await init(scene)).out, /Nothing was changed/);
  assert.equal((await check()).exit, 0);

  // A newer trust document needs no other workflow while it says the same of it.
  await scene.amend((document) => {
    document.house.hosts.pve2!.title = 'the big tower';
  });
  assert.equal((await check()).exit, 0);
  await scene.amend((document) => {
    const { deploys } = document.identities;
    if (deploys?.kind === 'github') deploys.environment = 'house';
  });
  const differs = await check();
  assert.equal(differs.exit, 1);
  assert.match(differs.out, /is not as it would be written now/);
  assert.equal((await init(scene)).exit, 0);
  assert.match(readFileSync(file, 'utf8'), /environment: 'house'/);
  assert.equal((await check()).exit, 0);

  writeFileSync(file, 'name: mine\n');
  fails(await init(scene, '--action', action), 2, /did not write it: move it away/);
  assert.equal(readFileSync(file, 'utf8'), 'name: mine\n');
});
