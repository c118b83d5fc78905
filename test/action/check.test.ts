import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readOrderFile } from '../../src/cli/ci/order-file.ts';
import { runWrit } from '../src/cli/terminal-fixture.ts';
import { sha256Text } from '../support/action-home.ts';
import { runStep, type StepRan } from '../support/action-runner.ts';
import { deployHome } from '../support/deploy-repo.ts';
import { commit, git, initGit } from '../support/git-repo.ts';
import { type GithubRest, startGithubRest } from '../support/github-rest.ts';
import { writeTree } from '../support/repo-fixture.ts';

type Scene = {
  readonly repo: string;
  readonly rest: GithubRest;
  /** The step on a pull request whose merge into main is checked out. */
  pull(about?: {
    readonly token?: string;
    readonly env?: Readonly<Record<string, string>>;
  }): Promise<StepRan>;
};

const container = '[Container]\nImage=docker.io/library/nginx:1.29.2\nContainerName=web\n';

/** A pull request that changes an app, merged as GitHub checks it out: a commit on top of main with both as parents. */
async function open(
  t: TestContext,
  change: Readonly<Record<string, string>> = { 'apps/web/web.container': container },
  prefix = '',
): Promise<Scene> {
  const rest = await startGithubRest(t, prefix);
  const repo = writeTree(t, deployHome);
  initGit(repo);
  git(repo, 'checkout', '--quiet', '-b', 'change');
  const head = commit(repo, change);
  git(repo, 'checkout', '--quiet', 'main');
  const base = commit(repo, { 'README.md': 'Somebody else was quicker.\n' });
  git(repo, 'checkout', '--quiet', '--detach', 'main');
  git(repo, 'merge', '--quiet', '--no-ff', '--message', 'merge', 'change');
  return {
    repo,
    rest,
    pull: ({ token = rest.tokens.writes, env = {} } = {}) =>
      runStep(t, {
        action: 'action/check',
        with: { token },
        workspace: repo,
        event: { pull_request: { title: 'cut \ud83d', number: 7, head: { sha: head }, base: { sha: base } } },
        env: {
          GITHUB_EVENT_NAME: 'pull_request',
          GITHUB_API_URL: rest.url,
          GITHUB_REPOSITORY: 'octocat/homelab',
          ...env,
        },
      }),
  };
}

test('pull request: the plan stands in the summary and in one comment, which is kept up to date', async (t) => {
  const { rest, pull, repo } = await open(t);
  const first = await pull();
  assert.equal(first.exit, 0, first.log);
  assert.match(first.summary, /what a merge would change[\s\S]*### `websvcs`[\s\S]*nginx:1\.29\.2/);
  assert.equal(rest.comments.length, 1);
  assert.match(rest.comments[0]!.body, /^<!-- writ[^\n]*-->\n## Writ[\s\S]*nginx:1\.29\.2/);
  // Somebody's own comment with the same first line is nobody's plan.
  const [own] = rest.comments.splice(0);
  const others = Array.from({ length: 150 }, (_, id) => ({ id, body: 'Nice!', user: { login: 'octocat' } }));
  others[3]!.body = own!.body;
  rest.comments.push(...others, own!);
  writeFileSync(join(repo, 'apps/blog/blog.ini'), 'title = two\n');
  const second = await pull();
  assert.equal(second.exit, 0, second.log);
  assert.equal(rest.comments.length, 151);
  assert.match(own!.body, /blog\.ini/);
  assert.doesNotMatch(others[3]!.body, /blog\.ini/);
  assert.deepEqual(rest.requests.at(-1), `PATCH /repos/octocat/homelab/issues/comments/${own!.id}`);
});

test('fork: its token may only read, so the summary alone has the plan, and says so', async (t) => {
  const { rest, pull } = await open(t);
  const ran = await pull({ token: rest.tokens.reads });
  assert.equal(ran.exit, 0, ran.log);
  assert.equal(rest.comments.length, 0);
  assert.match(ran.summary, /nginx:1\.29\.2[\s\S]*may write no comments, as those of forks/);
  const without = await pull({ token: '' });
  assert.equal(without.exit, 0, without.log);
  assert.match(without.summary, /the plan stands here alone/);
});

test('pull_request_target: nothing is read', async (t) => {
  const { pull, rest } = await open(t);
  const ran = await pull({ env: { GITHUB_EVENT_NAME: 'pull_request_target' } });
  assert.equal(ran.exit, 3, ran.log);
  assert.match(ran.errors.join(), /use pull_request\. Nothing was built\. \(event_refused\)/);
  assert.deepEqual(rest.requests, []);
});

test('renamed repository, and an Enterprise Server: the API is asked where the runner says', async (t) => {
  const { pull, rest } = await open(t, undefined, '/api/v3');
  const ran = await pull();
  assert.equal(ran.exit, 0, ran.log);
  assert.equal(rest.requests.at(-1), 'POST /api/v3/repos/octocat/homelab/issues/7/comments');
  const old = await pull({ env: { GITHUB_REPOSITORY: 'octocat/old' } });
  // Only GitHub knows what it is called now; where it does not say, the summary has the plan.
  assert.equal(old.exit, 0, old.log);
  assert.match(old.summary, /nginx:1\.29\.2/);
});

test('what is wrong is annotated at its file and line, and told in the comment', async (t) => {
  const { pull, rest } = await open(t, {
    'apps/web/app.yaml': 'on: websvcs\nunits: [web.container]\nrouts: {}\n',
  });
  const ran = await pull();
  assert.equal(ran.exit, 1, ran.log);
  const [error] = ran.commands.filter(({ name }) => name === 'error');
  assert.deepEqual([error!.properties.file, error!.properties.line], ['apps/web/app.yaml', '3']);
  assert.match(rest.comments[0]!.body, /does not build[\s\S]*apps\/web\/app\.yaml:3/);
});

test('threat 21: what a stranger writes into a repo is no command, neither in the log nor in the summary', async (t) => {
  const bad = 'on: "::error::x\\n##[error]y"\nunits: [web.container]\n"::set-output name=digest::z": 1\n';
  const { pull } = await open(t, { 'apps/web/app.yaml': bad, 'apps/::error::/app.yaml': bad });
  const ran = await pull();
  assert.equal(ran.exit, 1, ran.log);
  assert.ok(ran.commands.length > 0);
  for (const { name, data } of ran.commands) {
    assert.ok(['error', 'warning', 'notice'].includes(name), name);
    assert.doesNotMatch(data, /::|##\[/);
  }
  assert.deepEqual(ran.outputs, {});
});

test('the pull request’s own commit is compared with what it is to be merged into', async (t) => {
  const { repo, pull } = await open(t);
  git(repo, 'checkout', '--quiet', 'change');
  const ran = await pull();
  assert.equal(ran.exit, 0, ran.log);
  assert.match(ran.summary, /nginx:1\.29\.2/);
});

test('without the commit before there is no plan, and it says why; GitHub’s API in trouble fails nothing', async (t) => {
  const { pull, rest } = await open(t);
  const env = { GITHUB_WORKSPACE: writeTree(t, deployHome) };
  const alone = await pull({ env });
  assert.equal(alone.exit, 0, alone.log);
  assert.match(alone.summary, /There is no plan[\s\S]*HEAD\^1 cannot be read/);
  for (const how of [
    { status: 500, body: 'x' },
    { status: 200, body: '<html>' },
    { status: 200, body: `[${' '.repeat(9 * 1024 * 1024)}]` },
  ]) {
    rest.answer(how);
    const ran = await pull();
    assert.equal(ran.exit, 0, ran.log);
    assert.match(ran.summary, /nginx:1\.29\.2/);
    assert.match(ran.log, /::warning title=Writ::The comment could not be written/);
  }
});

test('push: the order of the run is written, and its digest is the step’s output', async (t) => {
  const repo = writeTree(t, deployHome);
  initGit(repo);
  const sha = commit(repo, { 'apps/web/web.container': container });
  const home = 'h_01K0000000000000000000000A';
  const env = {
    GITHUB_EVENT_NAME: 'push',
    GITHUB_RUN_ID: '9000000001',
    GITHUB_RUN_ATTEMPT: '2',
    GITHUB_SHA: sha,
  };
  const inputs = { order: 'home.order', home, targets: 'websvcs  secsvcs', token: '' };
  const step = (more: object = {}) =>
    runStep(t, { action: 'action/check', with: inputs, workspace: repo, env, ...more });
  const ran = await step();
  assert.equal(ran.exit, 0, ran.log);
  const bytes = new Uint8Array(readFileSync(join(repo, 'home.order')));
  assert.deepEqual(ran.outputs, { digest: sha256Text(bytes) });
  const read = await readOrderFile(bytes);
  assert.ok(read.ok, JSON.stringify(read));
  const { order, places } = read.value;
  assert.deepEqual(order.order, { run_id: 9000000001, run_attempt: 2, desk: 0 });
  assert.deepEqual([order.home, order.commit], [home, sha]);
  assert.deepEqual(
    order.parts.map(({ target }) => target),
    ['secsvcs', 'websvcs'],
  );
  // Only web changed: a failure on websvcs is shown there.
  assert.deepEqual(places, { secsvcs: ['apps/auth/app.yaml'], websvcs: ['apps/web/app.yaml'] });

  // The command line makes the same order.
  const own = join(repo, '.git', 'own.order');
  const words = [
    'ci',
    'order',
    '--repo',
    repo,
    '--home',
    home,
    '--on',
    'websvcs',
    '--on',
    'secsvcs',
    '-o',
    own,
  ];
  const byHand = await runWrit(words, { env });
  assert.equal(byHand.exit, 0, byHand.err);
  const again = await readOrderFile(new Uint8Array(readFileSync(own)));
  assert.ok(again.ok);
  assert.deepEqual({ ...again.value.order, issued_at: 0 }, { ...order, issued_at: 0 });
  assert.deepEqual(again.value.places, places);
  const none = await runWrit(words, { env: {} });
  assert.equal(none.exit, 2);
  assert.match(none.err, /It is of no run.*Nothing was written/s);

  const refused = async (more: object, says: RegExp): Promise<void> => {
    const other = await step(more);
    assert.notEqual(other.exit, 0, other.log);
    assert.match(other.errors.join(), says);
    assert.deepEqual(other.outputs, {});
  };
  await refused({ with: { ...inputs, targets: 'nowhere' } }, /has no part for nowhere/);
  await refused({ with: { ...inputs, targets: 'switch' } }, /no relay brings anything to switch/);
  await refused({ with: { ...inputs, targets: '' } }, /targets names no target/);
  await refused({ with: { ...inputs, home: 'x' } }, /home is no id/);
  await refused({ env: { ...env, GITHUB_RUN_ID: '' } }, /does not tell which run/);
  await refused({ env: { ...env, GITHUB_SHA: 'd'.repeat(40) } }, /and the run is of dddd/);
  writeFileSync(join(repo, 'apps/blog/blog.ini'), 'title = two\n');
  await refused({}, /holds what no commit does/);
  assert.ok(existsSync(join(repo, 'home.order')));
});

test('a part, a blob or a name that is not what the order says makes the file none', async (t) => {
  const { makeTar, readTar } = await import('../../src/config/build/tar.ts');
  const repo = writeTree(t, deployHome);
  initGit(repo);
  const sha = commit(repo, {});
  const env = { GITHUB_EVENT_NAME: 'push', GITHUB_RUN_ID: '1', GITHUB_RUN_ATTEMPT: '1', GITHUB_SHA: sha };
  const inputs = { order: 'o', home: 'h_01K0000000000000000000000A', targets: 'websvcs', token: '' };
  const ran = await runStep(t, { action: 'action/check', with: inputs, workspace: repo, env });
  assert.equal(ran.exit, 0, ran.log);
  const bytes = new Uint8Array(readFileSync(join(repo, 'o')));
  const files = [...readTar(bytes)!].map(([name, file]) => ({ name, bytes: file }));
  assert.ok((await readOrderFile(makeTar(files))).ok);
  for (const [at, { name, bytes: old }] of files.entries()) {
    const without = files.filter((_, index) => index !== at);
    assert.equal((await readOrderFile(makeTar(without))).ok, false, `without ${name}`);
    if (!name.startsWith('blobs/')) continue;
    const other = { name, bytes: new Uint8Array([...old, 0x20]) };
    assert.equal((await readOrderFile(makeTar(files.with(at, other)))).ok, false, `another ${name}`);
  }
  const more = [...files, { name: `blobs/${'0'.repeat(64)}`, bytes: new Uint8Array(3) }];
  assert.equal((await readOrderFile(makeTar(more))).ok, false);
  assert.equal((await readOrderFile(bytes.subarray(0, 700))).ok, false);
});
