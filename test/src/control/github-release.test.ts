import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import { type DeployHome, type DeployHomeOptions, startDeployHome } from '../../support/deploy-home.ts';
import { type GithubIssuer, startGithubIssuer } from '../../support/github-issuer.ts';
import { githubJob, orderOfRun, type Run } from '../../support/github-run.ts';
import { issuedWorkflow } from '../../support/workflow-pins.ts';

const run: Run = { run_id: '9000000001', run_attempt: '1', sha: 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00' };
const paths = ['/etc/containers/systemd/**', '/etc/opt/**'];

type Scene = {
  readonly home: DeployHome;
  readonly issuer: GithubIssuer;
  readonly id: string;
  readonly job: ReturnType<typeof githubJob>;
  amend(change: (document: TrustDocument) => void): Promise<void>;
};

/** A home whose trust lets a workflow of GitHub release to websvcs. */
async function start(t: TestContext, options: DeployHomeOptions = {}): Promise<Scene> {
  const issuer = await startGithubIssuer();
  t.after(() => issuer.close());
  const home = await startDeployHome(t, options);
  const amend = async (change: (document: TrustDocument) => void): Promise<void> => {
    const shown = await home.writ(['trust', 'show', '--json']);
    const { document } = JSON.parse(shown.out) as { document: TrustDocument };
    change(document);
    const file = join(home.configDir, 'amended.json');
    writeFileSync(file, JSON.stringify(document));
    const signed = await home.writ(['trust', 'sign', '--document', file, '--yes']);
    assert.equal(signed.exit, 0, signed.err);
  };
  await amend((document) => {
    document.identities.deploys = issuedWorkflow(paths, issuer.url);
  });
  const shown = await home.writ(['trust', 'show', '--json']);
  const { document } = JSON.parse(shown.out) as { document: TrustDocument };
  const job = githubJob(home.server, document.home, issuer);
  return { home, issuer, id: document.home, job, amend };
}

const stateOf = (body: Record<string, unknown>): unknown =>
  (body.targets as { state: string; code: string | null }[]).map(({ state, code }) => code ?? state).join();

test('a run of a workflow releases by its tokens alone, and its relay verifies them itself', async (t) => {
  const { home, issuer, id, job } = await start(t);
  const made = await orderOfRun(id, home.repo, run);
  await job.upload(made);
  const sent = await job.submit(made, await job.releaseToken(made.digest));
  assert.equal(sent.status, 202, JSON.stringify(sent.body));
  const ended = await job.follow(String(sent.body.id));
  assert.equal(stateOf(ended.body), 'healthy');
  assert.equal(ended.body.principal, 'github:deploys');
  // The control plane and the relay each asked for the keys, once.
  assert.equal(issuer.requests.jwks, 2);

  const again = await job.submit(made, await job.releaseToken(made.digest));
  assert.deepEqual([again.status, again.body.id], [200, sent.body.id]);
  const older = await orderOfRun(id, home.repo, { ...run, run_id: '9000000000' });
  await job.upload(older);
  const stale = await job.submit(older, await job.releaseToken(older.digest, { run_id: '9000000000' }));
  assert.deepEqual([stale.status, stale.body.code], [409, 'release_stale']);
});

test('a token of another run, commit or workflow authorises nothing', async (t) => {
  const { home, id, job } = await start(t, { relay: 'later' });
  const made = await orderOfRun(id, home.repo, run);
  await job.upload(made);
  for (const claims of [
    { run_id: '9000000002' },
    { run_attempt: '2' },
    { sha: 'd'.repeat(40) },
    { repository_id: '1' },
    { environment: undefined },
    { event_name: 'pull_request' },
    { ref: 'refs/heads/other' },
  ]) {
    const sent = await job.submit(made, await job.releaseToken(made.digest, claims));
    assert.deepEqual([sent.status, sent.body.code], [403, 'authorisation_invalid'], JSON.stringify(claims));
  }
  const other = await job.submit(made, await job.statusToken());
  assert.equal(other.body.code, 'authorisation_invalid');
  const stranger = await job.call('GET', '/v1/trust', await job.statusToken({ repository_id: '1' }));
  assert.deepEqual([stranger.status, stranger.body.code], [401, 'credentials_invalid']);
  // A token that authorises bytes is no credential.
  const release = await job.call('GET', '/v1/trust', await job.releaseToken(made.digest));
  assert.equal(release.status, 401);
});

test('threat 17: a workflow reads its deployment and trust, and nothing else of the home', async (t) => {
  const { home, job } = await start(t, { relay: 'later' });
  void home;
  const trust = await job.call('GET', '/v1/trust', await job.statusToken());
  assert.equal(trust.status, 200);
  for (const [method, url] of [
    ['GET', '/v1/status'],
    ['GET', '/v1/deployments'],
    ['GET', '/v1/targets'],
    ['GET', '/v1/commands'],
    ['GET', '/v1/audit'],
    ['GET', '/v1/tokens'],
    ['POST', '/v1/hosts/pve2/shutdown'],
    ['GET', `/v1/blobs/${'0'.repeat(64)}`],
  ] as const) {
    const body = method === 'POST' ? '{}' : undefined;
    const answer = await job.call(method, url, await job.statusToken(), body);
    assert.deepEqual([answer.status, answer.body.code], [403, 'forbidden'], url);
  }
});

/** Claims of a token that its verifiers take for another 20 s, the clocks' skew included. */
const nearItsEnd = (): { iat: number; exp: number; takenUntil: number } => {
  const iat = Math.floor(Date.now() / 1000) - 310;
  return { iat, exp: iat + 300, takenUntil: (iat + 330) * 1000 };
};

/** Orders a release while the relay of its target is away, until nobody takes its token any more. */
async function orderAndWait(scene: Scene): Promise<string> {
  const { home, id, job } = scene;
  const made = await orderOfRun(id, home.repo, run);
  await job.upload(made);
  const { takenUntil, ...times } = nearItsEnd();
  const sent = await job.submit(made, await job.releaseToken(made.digest, times));
  assert.equal(sent.status, 202, JSON.stringify(sent.body));
  while (Date.now() < takenUntil) await job.call('GET', '/v1/trust', await job.statusToken());
  return String(sent.body.id);
}

test('a host that slept takes a release whose token has expired, where a notary saw it in time', async (t) => {
  const scene = await start(t, { tower: 'silent' });
  await scene.amend((document) => {
    const { pve1 } = document.identities;
    assert.ok(pve1?.kind === 'relay');
    document.identities.pve1 = { ...pve1, attests: ['time'] };
  });
  const deployment = await orderAndWait(scene);
  await scene.home.startRelay();
  assert.equal(stateOf((await scene.job.follow(deployment)).body), 'healthy');
});

test('without a notary it does not, and says why', async (t) => {
  const scene = await start(t, { tower: 'silent' });
  const deployment = await orderAndWait(scene);
  const relay = await scene.home.startRelay();
  await relay.until('job_dropped', ({ fields }) => fields.code === 'github_token_expired');
  assert.equal(
    stateOf(
      (await scene.job.call('GET', `/v1/deployments/${deployment}`, await scene.job.statusToken())).body,
    ),
    'pending',
  );
});
