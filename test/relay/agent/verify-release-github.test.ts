import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type JudgeContext, judgeAgain, judgeJob } from '../../../relay/agent/verify-job.ts';
import { releaseAudience } from '../../../schema/github/audience.ts';
import { createGithubKeys } from '../../../schema/github/keys.ts';
import { toBytes } from '../../../schema/jose/digest.ts';
import { ok } from '../../../schema/result.ts';
import { githubClaims, githubJwk, githubKey, githubToken } from '../../support/github-issuer.ts';
import { makeTestHome, type TestRelease } from '../../support/relay-home.ts';
import { issuedWorkflow } from '../../support/workflow-pins.ts';
import { allowedOrder, type Bench, nowMs, openBench, wordOf } from './judge-fixture.ts';

const paths = ['/etc/opt/**'];
const key = githubKey();

let bench: Bench;
let release: TestRelease;

before(async () => {
  bench = await openBench(await makeTestHome({ origins: [{ url: 'https://writ.example.net' }] }));
  await bench.home.amend((document) => ({
    ...document,
    identities: {
      ...document.identities,
      deploys: issuedWorkflow(paths),
    },
  }));
  const claims = githubClaims(nowMs);
  const written = await bench.home.release([{}], {
    issuedAt: nowMs,
    order: { run_id: Number(claims.run_id), run_attempt: 1, desk: 0 },
    commit: String(claims.sha),
  });
  const aud = releaseAudience(bench.home.id, written.digest);
  release = { ...written, authorisation: githubToken(key, { ...claims, aud }) };
});

/** As a relay that has GitHub's keys at hand. */
const context = (now: number, seenMs?: number): JudgeContext => {
  const load = async () => ok(toBytes(JSON.stringify({ keys: [githubJwk(key)] })));
  const keys = createGithubKeys({ uptimeMs: () => 0, load, warn: () => {} });
  return bench.context({ now, github: { keys, seenAt: () => seenMs } });
};
const jobAt = (now: number) => bench.job(release, { exp: now + 60_000 });

describe('a release’s order by a workflow of GitHub', () => {
  test('is allowed by its token alone, while that lives', async () => {
    const order = await allowedOrder(context(nowMs), jobAt(nowMs));
    assert.deepEqual([order.identity, order.kind === 'release' && order.paths], ['deploys', paths]);
    const late = nowMs + 15 * 60_000;
    assert.equal(wordOf(await judgeJob(context(late), jobAt(late))), 'github_token_expired');
    assert.equal(wordOf(await judgeJob(context(late, nowMs), jobAt(late))), 'allowed');
    assert.equal(wordOf(await judgeJob(bench.context(), jobAt(nowMs))), 'github_not_here');
  });

  test('is judged again by what was verified: it may have waited for longer than its token lives', async () => {
    const order = await allowedOrder(context(nowMs), jobAt(nowMs + 30 * 60_000));
    const again = judgeAgain(context(nowMs + 30 * 60_000), order);
    assert.deepEqual(again, { kind: 'allowed', order });
  });
});
