import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { releaseAudience, statusAudience } from '../../../schema/github/audience.ts';
import { type Digest, digestBytes, digestOf, toBytes } from '../../../schema/jose/digest.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import { verifyOrder, verifyWorkflow } from '../../../schema/trust/verify-order.ts';
import { testDigest } from '../../support/relay-home.ts';
import { githubsKeys, goodToken, issuer, nowMs, strangersKey, tokenOf } from '../github/fixture.ts';
import { type GithubHome, openGithubHome } from './verify-order-fixture.ts';

let bench: GithubHome;
let bytes: Uint8Array<ArrayBuffer>;
let digest: Digest;

before(async () => {
  bench = await openGithubHome();
  ({ bytes, digest } = await bench.order());
});

const viewNow = () => ({ keys: githubsKeys(), now: nowMs, seenAt: () => undefined });

describe('an order that a workflow’s token authorises', () => {
  test('is told with who it is, and the token by its digest and its end', async () => {
    const authorisation = bench.token(digest);
    const verified = await verifyOrder(bench.home.trust(), { bytes, authorisation }, viewNow());
    assert.ok(verified.ok, JSON.stringify(verified));
    const { order, ...told } = verified.value;
    assert.deepEqual(told, {
      digest,
      identity: 'deploys',
      token: { digest: await digestBytes(toBytes(authorisation)), expiresMs: nowMs + 300_000 },
    });
    assert.equal(order.parts[0]!.target, 'websvcs');
  });

  test('threat 6: is these very bytes, of this home, and of a release', async () => {
    const said = (authorisation: string, of = bytes) => bench.say({ bytes: of, authorisation });
    const other = await bench.order({ release: testDigest('f') });
    assert.equal(await said(bench.token(digest), other.bytes), 'github_token_audience');
    assert.equal(await said(bench.token(other.digest)), 'github_token_audience');
    const { id } = bench.home;
    for (const aud of [
      statusAudience(id),
      releaseAudience(`h_${'0'.repeat(26)}`, digest),
      `writ:${id}:intent:${digest}`,
      releaseAudience(id, await digestOf('intent', bytes)),
      releaseAudience(id, await digestBytes(bytes)),
    ]) {
      assert.equal(await said(goodToken({ aud })), 'github_token_audience', aud);
    }
  });

  test('threat 22: is refused where nobody can ask for GitHub’s keys', async () => {
    const refused = await verifyOrder(
      bench.home.trust(),
      { bytes, authorisation: bench.token(digest) },
      null,
    );
    assert.deepEqual(refused, {
      ok: false,
      reason: 'github_not_here',
      detail: 'who acts here cannot ask GitHub for its keys',
    });
  });

  test('threat 22: is of the commit, run and attempt that the token says, and of no desk', async () => {
    const number = { run_id: 9_000_000_001, run_attempt: 1, desk: 0 };
    for (const changes of [
      { commit: 'd'.repeat(40) },
      { commit: null },
      { order: { ...number, run_id: 9_000_000_002 } },
      { order: { ...number, run_id: 9_000_000_000 } },
      { order: { ...number, run_attempt: 2 } },
      { order: { ...number, desk: 1 } },
    ]) {
      const made = await bench.order(changes);
      const signed = { bytes: made.bytes, authorisation: bench.token(made.digest) };
      assert.equal(await bench.say(signed), 'github_other_commit', JSON.stringify(changes));
    }
    // A re-run is another attempt; whether it comes too late, the floor of its target says.
    const again = await bench.order({ order: { ...number, run_attempt: 2 } });
    const authorisation = bench.token(again.digest, { run_attempt: '2' });
    assert.equal(await bench.say({ bytes: again.bytes, authorisation }), 'accepted');
    const refused = await verifyOrder(
      bench.home.trust(),
      { bytes: again.bytes, authorisation: bench.token(again.digest) },
      viewNow(),
    );
    assert.ok(!refused.ok);
    assert.equal(refused.detail, 'the order names another commit or run than the token');
  });

  test('threat 7: of another shape is told as malformed, once its token verified', async () => {
    const odd = toBytes('{"v":1}');
    const authorisation = bench.token(await digestOf('release', odd));
    assert.equal(await bench.say({ bytes: odd, authorisation }), 'release_malformed');
    const forged = tokenOf('{"alg":"RS256","typ":"JWT","kid":"x"}', '{"iss":"x"}');
    assert.equal(await bench.say({ bytes: odd, authorisation: forged }), 'github_token_signature');
  });

  test('threat 22: is not authorised by what is neither a key’s word nor a token', async () => {
    const good = bench.token(digest);
    const [, payload, signature] = good.split('.') as [string, string, string];
    const header = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const head of [
      { alg: 'none' },
      { alg: 'HS256', typ: 'JWT' },
      { alg: 'EdDSA', typ: 'JWT', kid: 'x' },
    ]) {
      const text = `${header(head)}.${payload}.${signature}`;
      assert.equal(await bench.say({ bytes, authorisation: text }), 'authorisation_invalid');
    }
    const { operator, id } = bench.home;
    const byKey = await signJws('release', { home: id, kind: 'release', digest }, operator);
    assert.equal(await bench.say({ bytes, authorisation: byKey }), 'accepted');
  });
});

describe('the workflow that a token is of', () => {
  const given = () => ({ keys: githubsKeys(), audience: 'a', now: nowMs });

  test('is the one whose pins it fits, whichever of them stands first', async () => {
    const { home } = await openGithubHome({
      first: { repository_id: '7' },
      second: { environment: 'other' },
      third: {},
      fourth: { ref: 'refs/heads/other' },
    });
    const found = await verifyWorkflow(home.trust(), goodToken({ aud: 'a' }), given());
    assert.ok(found.ok);
    assert.equal(found.value.name, 'third');
    assert.equal(found.value.claims.repository_id, '1296269');
  });

  test('threat 22: is none that trust does not name; told is what differs, of the repository that it is', async () => {
    const { home } = await openGithubHome({
      first: { environment: 'other' },
      second: { repository_id: '7', environment: 'third' },
    });
    const why = async (claims: object) => {
      const found = await verifyWorkflow(home.trust(), goodToken({ aud: 'a', ...claims }), given());
      return found.ok ? found.value.name : [found.reason, found.detail];
    };
    assert.deepEqual(await why({}), ['github_stranger', 'its environment is not the one that trust names']);
    assert.deepEqual(await why({ repository_id: '7' }), [
      'github_stranger',
      'its environment is not the one that trust names',
    ]);
    assert.deepEqual(await why({ repository_id: '8' }), [
      'github_stranger',
      'trust names no such repository',
    ]);
  });

  test('threat 22: is none where trust names no workflow', async () => {
    const { home } = await openGithubHome({});
    const found = await verifyWorkflow(home.trust(), goodToken({ aud: 'a' }), given());
    assert.deepEqual(found, {
      ok: false,
      reason: 'github_token_signature',
      detail: 'trust names no such issuer',
    });
  });

  test('threat 22: another issuer’s key signs for its own workflows alone', async () => {
    const second = 'https://ghe.example.net/_services/token';
    const { home } = await openGithubHome({ own: { issuer: second, repository_id: '7' }, public: {} });
    const asked: string[] = [];
    const find = async (of: string, kid: string) => {
      asked.push(of);
      return githubsKeys().find(issuer, kid);
    };
    const say = async (claims: object) => {
      const text = goodToken({ aud: 'a', ...claims });
      const found = await verifyWorkflow(home.trust(), text, { ...given(), keys: { find } });
      return found.ok ? found.value.name : found.reason;
    };
    assert.equal(await say({ iss: second, repository_id: '7' }), 'own');
    assert.equal(await say({}), 'public');
    assert.equal(await say({ iss: second }), 'github_stranger');
    assert.equal(await say({ repository_id: '7' }), 'github_stranger');
    assert.deepEqual(asked, [second, issuer, second, issuer]);
    const forged = tokenOf(
      JSON.stringify({ alg: 'RS256', typ: 'JWT', kid: strangersKey.kid }),
      JSON.stringify({ iss: issuer }),
      strangersKey.privateKey,
    );
    const found = await verifyWorkflow(home.trust(), forged, given());
    assert.ok(!found.ok && found.reason === 'github_token_signature');
  });
});
