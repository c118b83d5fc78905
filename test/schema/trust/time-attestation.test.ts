import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { signJws } from '../../../schema/jose/jws.ts';
import { generateKey, type SigningKey } from '../../../schema/jose/keys.ts';
import { verifyOrder } from '../../../schema/trust/verify-order.ts';
import { testDigest } from '../../support/relay-home.ts';
import { githubsKeys, goodToken, nowMs } from '../github/fixture.ts';
import { dayMs, type GithubHome, openGithubHome } from './verify-order-fixture.ts';

let bench: GithubHome;
let bytes: Uint8Array<ArrayBuffer>;
let token: string;
let attested: string;
/** A day after the token, whose end is long over. */
const late = { now: nowMs + dayMs };

before(async () => {
  bench = await openGithubHome();
  const made = await bench.order();
  bytes = made.bytes;
  token = bench.token(made.digest);
  attested = await bench.attest(token);
});

/** What comes of the order a day later, with an attestation. */
const sayLate = (time: string | undefined, view: object = {}, authorisation = token) =>
  bench.say({ bytes, authorisation, time }, { ...late, ...view });

describe('an order whose token has expired', () => {
  test('is taken where this relay, or a notary, saw the token in time: the earliest counts', async () => {
    assert.equal(await sayLate(undefined), 'github_token_expired');
    assert.equal(await sayLate(attested), 'accepted');
    assert.equal(await sayLate(undefined, { seenAt: () => nowMs + 1000 }), 'accepted');
    // It noted the token when it met it, which is too late and says nothing against a notary.
    assert.equal(await sayLate(attested, { seenAt: () => late.now }), 'accepted');
    assert.equal(await sayLate(undefined, { seenAt: () => late.now }), 'github_token_expired');
    // Nor does a notary that came too late say anything against its own memory.
    const tooLate = await bench.attest(token, { seen: late.now });
    assert.equal(await sayLate(tooLate, { seenAt: () => nowMs }), 'accepted');
    assert.equal(await sayLate(tooLate), 'github_token_expired');
  });

  test('is looked up by the token’s own digest', async () => {
    const asked: string[] = [];
    const seenAt = (digest: string) => {
      asked.push(digest);
      return undefined;
    };
    const verified = await verifyOrder(
      bench.home.trust(),
      { bytes, authorisation: token },
      { keys: githubsKeys(), now: nowMs, seenAt },
    );
    assert.ok(verified.ok);
    assert.deepEqual(asked, [verified.value.token!.digest]);
  });

  test('threat 22: nothing but the end is waived by a notary', async () => {
    for (const [claims, word] of [
      [{ exp: nowMs / 1000 + 601 }, 'github_token_times'],
      [{ aud: 'x' }, 'github_token_audience'],
      [{ iss: 'https://example.net' }, 'github_token_signature'],
      [{ environment: 'other' }, 'github_stranger'],
      [{ event_name: 'pull_request' }, 'github_stranger'],
      [{ sha: 'd'.repeat(40) }, 'github_other_commit'],
      [{ run_attempt: '2' }, 'github_other_commit'],
      [{ jti: undefined }, 'github_token_malformed'],
    ] as const) {
      const { digest } = await bench.order();
      const other = bench.token(digest, claims);
      assert.equal(await sayLate(await bench.attest(other), {}, other), word, JSON.stringify(claims));
    }
    const forged = `${token.slice(0, -8)}AAAAAAAA`;
    const said = await sayLate(await bench.attest(forged), {}, forged);
    assert.ok(['github_token_signature', 'github_token_malformed'].includes(said), said);
  });

  test('threat 22: an attestation by anybody but a notary, or of anything else, is not valid', async () => {
    const { home } = bench;
    const stranger = (await generateKey()).signing;
    const by = (who: SigningKey) => bench.attest(token, {}, who);
    const good = { home: home.id, token: testDigest('a'), seen: nowMs, seq: 1 };
    const { signing } = home.relays.pve1!;
    const cases: readonly [string, string][] = [
      ['a relay that is none', await by(home.relays.pve2!.signing)],
      ['the controller', await by(home.controller)],
      ['the operator', await by(home.operator)],
      ['the root', await by(home.root)],
      ['a stranger', await by(stranger)],
      ['another home', await bench.attest(token, { home: `h_${'0'.repeat(26)}` })],
      ['another token', await bench.attest(goodToken())],
      ['the future', await bench.attest(token, { seen: late.now + 30_001 })],
      ['another kind', await signJws('report', { ...good }, signing)],
      ['a receipt’s kind', await signJws('receipt', { ...good }, signing)],
      ['no seq', await bench.attest(token, { seq: undefined as unknown as number })],
      ['a negative seq', await bench.attest(token, { seq: -1 })],
      ['a text of time', await bench.attest(token, { seen: `${nowMs}` as unknown as number })],
      ['a fraction', await bench.attest(token, { seen: nowMs + 0.5 })],
      ['a negative time', await bench.attest(token, { seen: -1 })],
      ['more members', await bench.attest(token, { valid: true } as object)],
      ['no digest', await bench.attest(token, { token: 'x' as `sha256:${string}` })],
      ['not one letter', `${attested}\n`],
      ['cut', attested.slice(0, -1)],
      ['nothing', ''],
      ['too long', attested + 'A'.repeat(2048)],
    ];
    for (const [name, time] of cases) {
      assert.equal(await sayLate(time), 'time_attestation_invalid', name);
      // It harms nobody whose token is good without it: now, or by this relay's own memory.
      assert.equal(await bench.say({ bytes, authorisation: token, time }), 'accepted', name);
      assert.equal(await sayLate(time, { seenAt: () => nowMs }), 'accepted', name);
      // And where the token is refused for something else, that is what is said.
      const other = goodToken({ aud: 'x' });
      assert.equal(await sayLate(time, {}, other), 'github_token_audience', name);
    }
    assert.equal(await sayLate(await bench.attest(token, { seq: 0 })), 'accepted');
  });

  test('says why an attestation is not valid', async () => {
    const why = async (time: string) => {
      const view = { keys: githubsKeys(), now: late.now, seenAt: () => undefined };
      const said = await verifyOrder(bench.home.trust(), { bytes, authorisation: token, time }, view);
      return said.ok ? 'accepted' : said.detail;
    };
    assert.equal(await why('x'), 'jws_malformed');
    assert.equal(await why(await bench.attest(token, {}, bench.home.controller)), 'jws_key_unknown');
    assert.equal(await why(await bench.attest(goodToken())), 'it is of another token or home');
    assert.equal(await why(await bench.attest(token, { seen: late.now + dayMs })), 'it is of the future');
  });

  test('threat 22: an attestation dated before the token, or after its end, waives nothing', async () => {
    const seen = async (ms: number, now = late.now) =>
      sayLate(await bench.attest(token, { seen: nowMs + ms }), { now });
    assert.equal(await seen(-30_000), 'accepted');
    assert.equal(await seen(-30_001), 'github_token_expired');
    assert.equal(await seen(-dayMs), 'github_token_expired');
    assert.equal(await seen(329_999), 'accepted');
    assert.equal(await seen(330_000), 'github_token_expired');
    // Of the future by less than clocks differ.
    assert.equal(await seen(dayMs + 30_000), 'github_token_expired');
    assert.equal(await seen(dayMs + 30_001), 'time_attestation_invalid');
  });

  test('threat 22: a notary that trust makes none any more is not believed', async () => {
    const own = await openGithubHome();
    const { bytes: those, digest } = await own.order();
    const text = own.token(digest);
    const time = await own.attest(text);
    const say = () => own.say({ bytes: those, authorisation: text, time }, late);
    assert.equal(await say(), 'accepted');
    await own.home.amend((document) => {
      const { pve1 } = document.identities;
      assert.ok(pve1?.kind === 'relay');
      const { attests: _, ...plain } = pve1;
      return { ...document, identities: { ...document.identities, pve1: plain } };
    });
    assert.equal(await say(), 'time_attestation_invalid');
  });
});
