import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { type ActionHome, firstRun, startActionHome } from '../support/action-home.ts';
import type { StepRan } from '../support/action-runner.ts';
import type { GithubClaims } from '../support/github-issuer.ts';

const healthy = (ran: StepRan): void => {
  assert.equal(ran.exit, 0, ran.log);
  assert.match(ran.summary, /### Writ: deployed[\s\S]*\| `websvcs` \| It is healthy\. \|/);
  assert.deepEqual(ran.errors, []);
};

/** Refused for one reason, and nothing of it is told as done. */
const refused = (ran: StepRan, says: RegExp): void => {
  assert.notEqual(ran.exit, 0, ran.log);
  assert.equal(ran.errors.length, 1, ran.log);
  assert.match(ran.errors[0]!, says);
  assert.match(ran.summary, /### Writ: not deployed/);
};

/** Every ID token that a step was given is hidden before anything else stands in its log. */
const masksAll = (ran: StepRan, { issuer }: ActionHome): void => {
  const masks = ran.commands.filter(({ name }) => name === 'add-mask').map(({ data }) => data);
  assert.equal(masks.length, issuer.requests.token);
  const shown = ran.log.split('\n').filter((line) => !line.startsWith('::add-mask::'));
  for (const token of masks) assert.ok(!shown.some((line) => line.includes(token)));
};

test('push: the step succeeds on what the relay signed, with two tokens that its log hides', async (t) => {
  const scene = await startActionHome(t);
  const ran = await scene.deploy(await scene.build());
  healthy(ran);
  // One says who asks, one is for the order's bytes.
  assert.equal(scene.issuer.requests.token, 2);
  masksAll(ran, scene);
  assert.match(ran.log, /dep_[0-9A-HJKMNP-TV-Z]{26} is accepted: websvcs/);
});

test('re-run: all jobs deploy again; the deploy job alone says what to choose; an older run is refused', async (t) => {
  const scene = await startActionHome(t);
  const first = await scene.build();
  healthy(await scene.deploy(first));
  const second = { ...firstRun, run_attempt: '2' };
  const asked = scene.issuer.requests.token;
  refused(await scene.deploy(first, { run: second }), /Re-run all jobs.*\(order_of_other_attempt\)/s);
  assert.equal(scene.issuer.requests.token, asked);
  healthy(await scene.deploy(await scene.build(second), { run: second }));
  const older = { ...firstRun, run_id: '9000000000' };
  refused(await scene.deploy(await scene.build(older), { run: older }), /\(release_stale\)/);
});

test('renamed repository: its ids are what counts', async (t) => {
  const scene = await startActionHome(t);
  const workflow = 'hubot/house/.github/workflows/deploy.yml@refs/heads/main';
  const renamed: GithubClaims = {
    repository: 'hubot/house',
    repository_owner: 'hubot',
    sub: 'repo:hubot@583231/house@1296269:environment:home',
    workflow_ref: workflow,
    job_workflow_ref: workflow,
  };
  const env = { GITHUB_REPOSITORY: 'hubot/house' };
  healthy(await scene.deploy(await scene.build(), { claims: renamed, env }));
});

/** What tokens of other jobs say, and the claim that gives them away. */
const strangers: Readonly<Record<string, { readonly claims: GithubClaims; readonly says: RegExp }>> = {
  'wrong environment': { claims: { environment: 'test' }, says: /its environment is not/ },
  'no environment': { claims: { environment: undefined }, says: /credentials_invalid/ },
  'reusable workflow': {
    claims: { job_workflow_ref: 'octocat/shared/.github/workflows/deploy.yml@refs/heads/main' },
    says: /its job_workflow_ref is not/,
  },
  'pull_request_target that says it is a push': {
    claims: { event_name: 'pull_request_target' },
    says: /its event_name is not/,
  },
  'another repository': { claims: { repository_id: '7' }, says: /trust names no such repository/ },
  'another branch': { claims: { ref: 'refs/heads/next' }, says: /its ref is not/ },
  "a runner of one's own": {
    claims: { runner_environment: 'self-hosted' },
    says: /its runner_environment is not/,
  },
};

test('other jobs are refused by the control plane, whatever their step says', async (t) => {
  const scene = await startActionHome(t, { relay: 'later' });
  const made = await scene.build();
  for (const [name, { claims, says }] of Object.entries(strangers)) {
    await t.test(name, async () => {
      const ran = await scene.deploy(made, { claims });
      refused(ran, says);
      assert.match(ran.errors[0]!, /\(credentials_invalid\)/);
    });
  }
});

test('pull requests and forks: nothing is asked for and nothing sent', async (t) => {
  const scene = await startActionHome(t, { relay: 'later' });
  const made = await scene.build();
  for (const event of ['pull_request', 'pull_request_target', 'workflow_run', 'issue_comment', '']) {
    const env = { GITHUB_EVENT_NAME: event };
    refused(await scene.deploy(made, { env }), /Nothing is deployed at the event.*\(event_refused\)/s);
  }
  // A fork's job has no endpoint to ask.
  const fork = { ACTIONS_ID_TOKEN_REQUEST_URL: '', ACTIONS_ID_TOKEN_REQUEST_TOKEN: '' };
  refused(await scene.deploy(made, { env: fork }), /id-token: write.*forks.*\(id_token_none\)/s);
  assert.equal(scene.issuer.requests.token, 0);
});

test('an order file that was changed between the jobs is refused before a token is asked for', async (t) => {
  const scene = await startActionHome(t, { relay: 'later' });
  const made = await scene.build();
  const bytes = readFileSync(made.file);
  const tries = async (file: Buffer, digest: string, says: RegExp): Promise<void> => {
    writeFileSync(made.file, file);
    refused(await scene.deploy({ file: made.file, digest }), says);
  };
  const changed = Buffer.from(bytes);
  changed[bytes.length - 2000] = 0x21;
  await tries(changed, made.digest, /is not the one that the build made.*\(order_file_changed\)/s);
  for (const other of [
    { ...firstRun, run_id: '9000000002' },
    { ...firstRun, sha: 'd'.repeat(40) },
  ]) {
    refused(await scene.deploy(await scene.build(other)), /\(order_foreign\)/);
  }
  const again = await scene.build();
  refused(await scene.deploy(again, { with: { home: `h_${'0'.repeat(26)}` } }), /\(order_foreign\)/);
  assert.equal(scene.issuer.requests.token, 0);
});

test('GitHub’s token endpoint is down: it says so, and that nothing was submitted', async (t) => {
  const scene = await startActionHome(t, { relay: 'later' });
  const made = await scene.build();
  scene.issuer.fail('down');
  const ran = await scene.deploy(made);
  refused(ran, /gave no ID token: status 503\. Nothing was submitted with it\. \(id_token_unreachable\)/);
  assert.equal(ran.exit, 4);
});

test('what does not come up is annotated at the app that changed, and the step fails', async (t) => {
  const scene = await startActionHome(t);
  healthy(await scene.deploy(await scene.build()));
  scene.home.edit(
    'apps/blog/blog.container',
    '[Container]\nImage=docker.io/library/blog:1.0.0\nEnvironment=MODE=Fails\n',
  );
  const run = { ...firstRun, run_id: '9000000002' };
  const ran = await scene.deploy(await scene.build(run), { run });
  assert.equal(ran.exit, 1, ran.log);
  const errors = ran.commands.filter(({ name }) => name === 'error');
  assert.deepEqual(
    errors.map(({ properties }) => properties),
    [{ file: 'apps/blog/app.yaml', line: '1', title: 'Writ: websvcs' }],
  );
  assert.match(errors[0]!.data, /^websvcs: What ran before runs again: service_failed/);
  assert.match(ran.summary, /not everything is deployed/);
});

test('a target whose relay does not come: the step says what waits, and does not succeed', async (t) => {
  const scene = await startActionHome(t, { relay: 'later' });
  const ran = await scene.deploy(await scene.build(), { with: { minutes: '0.01' } });
  assert.equal(ran.exit, 5, ran.log);
  assert.match(ran.errors.join(), /^websvcs: Waits for its relay\. The order stays.*No relay has signed/);
});

test('inputs that are none are refused, each by its name', async (t) => {
  const scene = await startActionHome(t, { relay: 'later' });
  const made = await scene.build();
  for (const [name, value] of Object.entries({
    origin: 'http://writ.example.net',
    home: 'h_1',
    trust: 'sha256:1',
    digest: 'latest',
    spki: 'x',
    minutes: 'forever',
  })) {
    refused(
      await scene.deploy(made, { with: { [name]: value } }),
      new RegExp(`^The input ${name} .*\\(usage\\)$`),
    );
  }
  const elsewhere = { with: { file: '/nonexistent' } };
  refused(await scene.deploy(made, elsewhere), /There is no order file/);
  assert.equal(scene.issuer.requests.token, 0);
});

test('the desk deploys after a workflow, and the workflow after the desk', async (t) => {
  const scene = await startActionHome(t);
  const { home } = scene;
  const desk = async (title: string): Promise<void> => {
    home.edit('apps/blog/blog.ini', `title = ${title}\n`);
    const ran = await home.deploy();
    assert.equal(ran.exit, 0, ran.err);
    assert.equal(home.machine.text('/etc/opt/blog/blog.ini'), `title = ${title}\n`);
  };
  await desk('one');
  healthy(await scene.deploy(await scene.build()));
  await desk('two');
  const run = { ...firstRun, run_attempt: '2' };
  home.edit('apps/blog/blog.ini', 'title = three\n');
  healthy(await scene.deploy(await scene.build(run), { run }));
  assert.equal(home.machine.text('/etc/opt/blog/blog.ini'), 'title = three\n');
  await desk('four');
});

test('the desk names no run that no relay has begun, and the control plane then takes no release of its', async (t) => {
  const scene = await startActionHome(t, { relay: 'later' });
  const ran = await scene.deploy(await scene.build(), { with: { minutes: '0.01' } });
  assert.equal(ran.exit, 5, ran.log);
  scene.home.edit('apps/blog/blog.ini', 'title = two\n');
  const refusedHere = await scene.home.writ(['deploy', '--repo', scene.home.repo, '--yes']);
  assert.equal(refusedHere.exit, 3, refusedHere.err);
  assert.match(refusedHere.err, /\(release_stale\)/);
});
