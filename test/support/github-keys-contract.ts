import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { GithubKeys } from '../../schema/github/keys.ts';
import { type TokenView, verifyGithubToken } from '../../schema/github/token.ts';
import { type GithubFailure, startGithubIssuer } from './github-issuer.ts';

export type MadeKeys = {
  readonly keys: GithubKeys;
  /** What was told of answers: code, address and reason. */
  warned(): readonly (readonly [code: string, url: string, reason: string])[];
  advance(ms: number): void;
  close(): void;
};

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const audience = 'writ:h_1:status';

/**
 * What holds of whoever asks an issuer for its keys over real HTTP.
 *
 * @param make keys whose clock only the test moves, where an issuer has `timeoutMs` of real time for its answer
 */
export function githubKeysContract(name: string, make: (timeoutMs: number) => MadeKeys): void {
  const open = async (t: TestContext, { timeoutMs = 10_000, redirectTo = '' } = {}) => {
    const issuer = await startGithubIssuer(redirectTo === '' ? {} : { redirectTo });
    t.after(() => issuer.close());
    const made = make(timeoutMs);
    t.after(() => made.close());
    const say = async (text: string, changes: Partial<TokenView> = {}): Promise<string> => {
      const view = { issuers: [issuer.url], keys: made.keys, audience, now: Date.now(), ...changes };
      const verified = await verifyGithubToken(text, view);
      return verified.ok ? 'accepted' : verified.reason;
    };
    const issue = () => issuer.issue({ aud: audience });
    return { ...made, issuer, say, issue };
  };

  test(`${name}: tokens verify by the keys that their issuer shows, fetched once`, async (t) => {
    const { issuer, say, issue, warned } = await open(t);
    for (let i = 0; i < 3; i += 1) assert.equal(await say(await issue()), 'accepted');
    assert.equal(issuer.requests.jwks, 1);
    assert.deepEqual(warned(), []);
  });

  const unreachable = 'github_keys_unreachable';
  const faults: readonly [Exclude<GithubFailure, null>, string, string, string, string][] = [
    ['down', 'is down', unreachable, unreachable, 'status 503'],
    ['redirects', 'redirects', unreachable, unreachable, 'status 302'],
    ['hangs', 'never ends its answer', unreachable, unreachable, 'timeout'],
    ['huge', 'answers without end', unreachable, unreachable, 'too_large'],
    [
      'malformed',
      'answers with no JSON',
      'github_keys_malformed',
      'github_keys_malformed',
      'malformed JSON at character 0',
    ],
    ['empty', 'shows no key', 'github_key_unknown', 'github_keys_malformed', 'it has no key that verifies'],
  ];
  for (const [mode, does, refusal, code, reason] of faults) {
    test(`threat 23: ${name}: an issuer that ${does}: 20 tokens make one request, and a minute later all is well`, async (t) => {
      const elsewhere = await startGithubIssuer();
      t.after(() => elsewhere.close());
      const { issuer, say, issue, warned, advance } = await open(t, {
        timeoutMs: mode === 'hangs' ? 250 : 10_000,
        redirectTo: elsewhere.url,
      });
      issuer.fail(mode);
      const tokens = await Promise.all(Array.from({ length: 20 }, issue));
      for (const word of await Promise.all(tokens.map((text) => say(text)))) assert.equal(word, refusal);
      for (const text of tokens) assert.equal(await say(text), refusal);
      assert.equal(issuer.requests.jwks, 1);
      // Where an answer sends whoever asks, nobody goes.
      assert.equal(elsewhere.requests.jwks, 0);
      assert.deepEqual(warned(), [[code, `${issuer.url}/.well-known/jwks`, reason]]);

      issuer.fail(null);
      advance(minuteMs - 1);
      assert.equal(await say(tokens[0]!), refusal);
      advance(1);
      assert.equal(await say(tokens[0]!), 'accepted');
      assert.equal(issuer.requests.jwks, 2);
    });
  }

  test(`threat 23: ${name}: a stranger’s key that hangs holds up nobody whose key is known`, async (t) => {
    const { issuer, say, issue, advance, close } = await open(t);
    const good = await issue();
    assert.equal(await say(good), 'accepted');
    advance(minuteMs);
    issuer.fail('hangs');
    const head = Buffer.from('{"typ":"JWT","alg":"RS256","kid":"stranger"}').toString('base64url');
    const hanging = say([head, ...good.split('.').slice(1)].join('.'));
    assert.equal(await say(good), 'accepted');
    close();
    await issuer.close();
    assert.equal(await hanging, 'github_key_unknown');
  });

  test(`threat 23: ${name}: keys are rotated, taken back and swapped by their issuer alone`, async (t) => {
    const { issuer, say, issue, advance } = await open(t);
    const before = await issue();
    assert.equal(await say(before), 'accepted');
    issuer.rotate();
    assert.equal(await say(await issue()), 'github_key_unknown');
    advance(minuteMs);
    assert.equal(await say(await issue()), 'accepted');
    assert.equal(await say(before), 'accepted');
    assert.equal(issuer.requests.jwks, 2);
    issuer.rotate({ forget: true });
    advance(hourMs);
    assert.equal(await say(await issue()), 'accepted');
    assert.equal(await say(before), 'github_key_unknown');
    assert.equal(issuer.requests.jwks, 3);
  });

  test(`threat 23: ${name}: an issuer that nobody runs is unreachable, and holds up no other`, async (t) => {
    const { issuer, say, issue, warned } = await open(t);
    const gone = await startGithubIssuer();
    const text = await gone.issue({ aud: audience });
    await gone.close();
    const issuers = [gone.url, issuer.url];
    assert.equal(await say(text, { issuers }), 'github_keys_unreachable');
    assert.equal(await say(await issue(), { issuers }), 'accepted');
    assert.deepEqual(warned(), [['github_keys_unreachable', `${gone.url}/.well-known/jwks`, 'unreachable']]);
  });
}
