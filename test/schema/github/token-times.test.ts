import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type TokenView, verifyGithubToken } from '../../../schema/github/token.ts';
import { goodClaims, goodHeader, goodToken, nowMs, strangersKey, tokenOf, viewOf } from './fixture.ts';

const view = viewOf();
/** `accepted`, or the reason why not. */
const say = async (text: string, changes: Partial<TokenView> = {}): Promise<string> => {
  const verified = await verifyGithubToken(text, { ...view, ...changes });
  return verified.ok ? 'accepted' : verified.reason;
};
const detailOf = async (text: string, changes: Partial<TokenView> = {}): Promise<string | undefined> => {
  const verified = await verifyGithubToken(text, { ...view, ...changes });
  return verified.ok ? 'accepted' : verified.detail;
};

const good = goodToken();

describe('the times of a token', () => {
  const nowS = nowMs / 1000;
  const at = (times: object, changes: Partial<TokenView> = {}) => say(goodToken({ ...times }), changes);

  test('threat 22: a life of no time, or of more than ten minutes, is not believed', async () => {
    assert.equal(await at({ exp: nowS + 600 }), 'accepted');
    assert.equal(await at({ exp: nowS + 601 }), 'github_token_times');
    assert.equal(await at({ exp: nowS + 3600 }), 'github_token_times');
    assert.equal(await at({ exp: nowS }), 'github_token_times');
    assert.equal(await at({ exp: nowS - 1 }), 'github_token_times');
    assert.equal(await at({ exp: nowS + 1 }), 'accepted');
    assert.equal(
      await detailOf(goodToken({ exp: nowS + 601 })),
      'it would live for too long, or for no time',
    );
  });

  test('threat 22: what is of the future by more than the clocks may differ is refused', async () => {
    const later = (by: number) => ({ iat: nowS + by, exp: nowS + by + 300 });
    assert.equal(await at(later(30)), 'accepted');
    assert.equal(await at(later(31)), 'github_token_times');
    assert.equal(await at({ nbf: nowS + 30 }), 'accepted');
    assert.equal(await at({ nbf: nowS + 31 }), 'github_token_times');
    assert.equal(await at({ nbf: 0 }), 'accepted');
    assert.equal(await detailOf(goodToken(later(31))), 'it is of the future: the clocks differ');
    // Nobody's word makes it of today.
    assert.equal(await at(later(31), { seen: [nowMs + 60_000] }), 'github_token_times');
  });

  test('threat 22: it lives until its end, and for five minutes at most, the skew added', async () => {
    assert.equal(await at({}, { now: nowMs + 329_999 }), 'accepted');
    assert.equal(await at({}, { now: nowMs + 330_000 }), 'github_token_expired');
    const short = { exp: nowS + 60 };
    assert.equal(await at(short, { now: nowMs + 89_999 }), 'accepted');
    assert.equal(await at(short, { now: nowMs + 90_000 }), 'github_token_expired');
    const long = { exp: nowS + 600 };
    assert.equal(await at(long, { now: nowMs + 329_999 }), 'accepted');
    assert.equal(await at(long, { now: nowMs + 330_000 }), 'github_token_expired');
    assert.equal(await detailOf(goodToken(), { now: nowMs + 330_000 }), 'it has expired');
  });

  test('whoever saw it alive waives its end, and nothing else', async () => {
    const now = nowMs + 86_400_000;
    const late = (seen: readonly number[], changes: Partial<TokenView> = {}) =>
      say(good, { now, seen, ...changes });
    assert.equal(await late([]), 'github_token_expired');
    assert.equal(await late([nowMs]), 'accepted');
    assert.equal(await late([nowMs + 329_999]), 'accepted');
    assert.equal(await late([nowMs + 330_000]), 'github_token_expired');
    assert.equal(await late([nowMs + 330_000, nowMs + 5]), 'accepted');
    assert.equal(await late([nowMs + 5, nowMs + 330_000]), 'accepted');
    // Before it was issued nobody can have seen it.
    assert.equal(await late([nowMs - 30_000]), 'accepted');
    assert.equal(await late([nowMs - 30_001]), 'github_token_expired');
    assert.equal(
      await say(goodToken({ nbf: nowS + 20 }), { now, seen: [nowMs - 11_000] }),
      'github_token_expired',
    );
    assert.equal(await late([0]), 'github_token_expired');
    // What is good now is good, whatever anybody says of when.
    for (const seen of [[0], [nowMs + 1e9], []]) assert.equal(await say(good, { seen }), 'accepted');

    const seen = [nowMs];
    const word = (token: string) => say(token, { now, seen });
    assert.equal(await word(goodToken({ aud: 'x' })), 'github_token_audience');
    assert.equal(await word(goodToken({ exp: nowS + 601 })), 'github_token_times');
    assert.equal(await word(goodToken({ iss: 'x' })), 'github_token_signature');
    assert.equal(
      await word(tokenOf(JSON.stringify(goodHeader), JSON.stringify(goodClaims()), strangersKey.privateKey)),
      'github_token_signature',
    );
    assert.equal(await word(goodToken({ jti: undefined })), 'github_token_malformed');
    assert.equal(
      await word(tokenOf(JSON.stringify({ ...goodHeader, kid: 'x' }), JSON.stringify(goodClaims()))),
      'github_key_unknown',
    );
  });
});
