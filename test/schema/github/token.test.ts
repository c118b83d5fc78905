import assert from 'node:assert/strict';
import { createHmac, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  type GithubRefusal,
  looksLikeGithub,
  type TokenView,
  verifyGithubToken,
} from '../../../schema/github/token.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import { githubJwk } from '../../support/github-issuer.ts';
import {
  audience,
  base64url,
  goodClaims,
  goodHeader,
  goodToken,
  issuer,
  jwks,
  key,
  memoryIssuers,
  strangersKey,
  tokenOf,
  viewOf,
} from './fixture.ts';

type Word = GithubRefusal | 'accepted';

const view = viewOf();
const say = async (text: string, changes: Partial<TokenView> = {}): Promise<Word> => {
  const verified = await verifyGithubToken(text, { ...view, ...changes });
  return verified.ok ? 'accepted' : verified.reason;
};
const detailOf = async (text: string, changes: Partial<TokenView> = {}): Promise<string | undefined> => {
  const verified = await verifyGithubToken(text, { ...view, ...changes });
  return verified.ok ? 'accepted' : verified.detail;
};

const header = JSON.stringify(goodHeader);
const payload = JSON.stringify(goodClaims());
const good = tokenOf(header, payload);
const withHeader = (changes: object): string =>
  tokenOf(JSON.stringify({ ...goodHeader, ...changes }), payload);

describe('a token of GitHub’s', () => {
  test('is taken, and what it says is given, numbers as such', async () => {
    const verified = await verifyGithubToken(good, view);
    assert.ok(verified.ok, JSON.stringify(verified));
    const claims = goodClaims();
    assert.partialDeepStrictEqual(verified.value, {
      ...{ iss: issuer, aud: audience, run_id: 9_000_000_001, run_attempt: 1 },
      ...{ repository_id: claims.repository_id, sha: claims.sha, environment: 'home' },
    });
    assert.equal('actor' in verified.value, false);
  });

  test('is asked of the issuer that it names, by the key that it names', async () => {
    const { keys, asked } = memoryIssuers({ [issuer]: jwks(githubJwk(key)) });
    assert.equal(await say(good, { keys }), 'accepted');
    assert.equal(asked.length, 1);
  });

  test('threat 22: every member of its header, changed, is told as what it is', async () => {
    const malformed = 'github_token_malformed';
    const cases: readonly [string, object, Word][] = [
      ['x5t may be missing', { x5t: undefined }, 'accepted'],
      ['none', { alg: 'none' }, malformed],
      ['hs256', { alg: 'HS256' }, malformed],
      ['eddsa', { alg: 'EdDSA' }, malformed],
      ['ed25519', { alg: 'Ed25519' }, malformed],
      ['rs384', { alg: 'RS384' }, malformed],
      ['ps256', { alg: 'PS256' }, malformed],
      ['lower case', { alg: 'rs256' }, malformed],
      ['alg list', { alg: ['RS256'] }, malformed],
      ['no alg', { alg: undefined }, malformed],
      ['alg null', { alg: null }, malformed],
      ['no typ', { typ: undefined }, malformed],
      ['other typ', { typ: 'at+jwt' }, malformed],
      ['our typ', { typ: 'writ-release+jws' }, malformed],
      ['typ case', { typ: 'jwt' }, malformed],
      ['no kid', { kid: undefined }, malformed],
      ['empty kid', { kid: '' }, malformed],
      ['kid number', { kid: 7 }, malformed],
      ['kid too long', { kid: 'k'.repeat(201) }, malformed],
      ['kid long', { kid: 'k'.repeat(200) }, 'github_key_unknown'],
      ['unknown kid', { kid: 'other' }, 'github_key_unknown'],
      ['kid of the language', { kid: 'constructor' }, 'github_key_unknown'],
      ['x5t number', { x5t: 7 }, malformed],
      ['x5t too long', { x5t: 'x'.repeat(101) }, malformed],
      ['x5t long', { x5t: 'x'.repeat(100) }, 'accepted'],
      ['jwk', { jwk: githubJwk(strangersKey) }, malformed],
      ['flat jwk', { jwk: 'x' }, malformed],
      ['jku', { jku: 'https://example.net/jwks' }, malformed],
      ['x5u', { x5u: 'https://example.net/pem' }, malformed],
      ['x5c', { x5c: ['MIIC'] }, malformed],
      ['crit', { crit: ['exp'] }, malformed],
      ['empty crit', { crit: [] }, malformed],
      ['b64', { b64: false }, malformed],
      ['zip', { zip: 'DEF' }, malformed],
      ['cty', { cty: 'JWT' }, malformed],
      ['more than 512 bytes', { x5t: 'x', more: 'x'.repeat(500) }, malformed],
    ];
    for (const [name, changes, word] of cases) assert.equal(await say(withHeader(changes)), word, name);
    for (const text of [
      ...['', '{}', '[]', 'null', '"RS256"', `${header} x`, `[${header}]`, header.slice(0, -1)],
      ...[header.replace('{', '{"alg":"RS256",'), header.replace('{', '{"\\u0061lg":"none",')],
      `${header.slice(0, -1)},"__proto__":{}}`,
    ]) {
      assert.equal(await say(tokenOf(text, payload)), malformed, text);
    }
    assert.equal(await detailOf(withHeader({ crit: [] })), 'its header is not of alg RS256, kid and typ JWT');
    // White space and order are GitHub's own affair.
    const { typ, ...others } = goodHeader;
    assert.equal(await say(tokenOf(` ${JSON.stringify({ ...others, typ })}\n`, payload)), 'accepted');
  });

  test('threat 22: every claim, missing or of another type, makes it malformed', async () => {
    const wrong: Readonly<Record<string, readonly unknown[]>> = {
      iss: [7, null, [issuer], {}],
      aud: [7, null, [audience], [audience, 'other'], {}, ''],
      iat: ['1', null, -1, 1.5, 1e12, [1]],
      nbf: ['1', null, -1, 1.5, 1e12],
      exp: ['1', null, -1, 1.5, 1e12, true],
      jti: [7, null, ''],
      repository_id: [1_296_269, null, '', ['1296269']],
      repository_owner_id: [583_231, null, ''],
      workflow_ref: [7, null, ''],
      job_workflow_ref: [7, null, ''],
      ref: [7, null, ''],
      ref_type: [7, null, ''],
      sha: ['c0ffee', 'C0FFEE00'.repeat(5), 'x'.repeat(40), `${'a'.repeat(40)}\n`, 'a'.repeat(63), null, 7],
      event_name: [7, null, '', ['push']],
      environment: [7, null, ''],
      runner_environment: [7, null, ''],
      run_id: [9_000_000_001, '0', '-1', '1.5', '1e3', ' 1', '01', '', '9'.repeat(17), null],
      run_attempt: [1, '0', '', 'x', '9007199254740993', null],
    };
    for (const [claim, values] of Object.entries(wrong)) {
      // Another issuer, however it is called, is another issuer.
      const long = claim === 'iss' ? [] : ['x'.repeat(1001)];
      for (const value of [undefined, ...values, ...long]) {
        const said = await say(goodToken({ [claim]: value }));
        assert.equal(said, 'github_token_malformed', `${claim}: ${JSON.stringify(value)}`);
      }
    }
    assert.deepEqual(
      Object.keys(wrong).filter((claim) => !(claim in goodClaims())),
      [],
    );
    assert.equal(await detailOf(goodToken({ jti: undefined })), 'jti is missing');
    // What is not read may be anything, and there may be more of it.
    assert.equal(
      await say(goodToken({ sub: undefined, actor: 7, repository: null, more: { a: [1] } })),
      'accepted',
    );
    assert.equal(await detailOf(tokenOf(header, '{')), 'malformed JSON at character 1');
    assert.equal(await say(goodToken({ jti: 'x'.repeat(1000), sha: 'a'.repeat(64) })), 'accepted');
    assert.equal(await say(goodToken({ run_id: '9007199254740991' })), 'accepted');
  });

  test('threat 22: every claim, of another value, is another token: nothing of it can be changed', async () => {
    const [head, , signature] = good.split('.') as [string, string, string];
    for (const [claim, value] of Object.entries(goodClaims())) {
      if (claim === 'iss') continue;
      const changed = { ...goodClaims(), [claim]: typeof value === 'number' ? value + 1 : `${value}1` };
      const forged = `${head}.${base64url(JSON.stringify(changed))}.${signature}`;
      assert.equal(await say(forged), 'github_token_signature', claim);
    }
    assert.equal(await say(good), 'accepted');
  });

  test('threat 22: the payload is JSON as two parsers agree on it', async () => {
    const { exp } = goodClaims();
    for (const text of [
      ...['', 'null', '[]', '7', '{', `${payload}x`, `[${payload}]`],
      payload.replace('{', `{"aud":${JSON.stringify(audience)},`),
      payload.replace('{', '{"\\u0061ud":"x",'),
      payload.replace('{', `{"iss":${JSON.stringify(issuer)},`),
      payload.replace(`"exp":${exp}`, '"exp":1e400'),
      payload.replace(`"exp":${exp}`, '"exp":Infinity'),
      payload.replace(`"exp":${exp}`, `"exp":${exp},"exp":${exp}`),
      payload.replace('{', '{"__proto__":{},'),
      payload.replace('{', '{"more":"\\ud800",'),
      payload.replace('{', `{"more":${'['.repeat(40)}${']'.repeat(40)},`),
    ]) {
      assert.notEqual(text, payload);
      assert.equal(await say(tokenOf(header, text)), 'github_token_malformed', text.slice(0, 60));
    }
    const raw = Buffer.concat([Buffer.from(payload.slice(0, -1)), Buffer.from([0x2c, 0xff])]);
    const input = `${base64url(header)}.${base64url(raw)}`;
    const signature = sign('sha256', Buffer.from(input), key.privateKey).toString('base64url');
    assert.equal(await say(`${input}.${signature}`), 'github_token_malformed');
  });

  test('threat 22: its text has one form', async () => {
    const [head, body, signature] = good.split('.') as [string, string, string];
    const spare = (text: string): string => {
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      return text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1)!) ^ 1]!;
    };
    // A signature of 256 bytes ends in a character with four spare bits.
    for (const text of [
      ...[`${head}.${body}.${spare(signature)}`, `${head}.${body}.${signature}==`, `${good}\n`, ` ${good}`],
      ...[`${head}=.${body}.${signature}`, `${head}.${body}=.${signature}`, `${head}.${body} .${signature}`],
      ...[`${head}.${body}`, `${good}.`, `${good}.x`, `${head}.${body}.${signature}.${signature}`, '', '..'],
      ...[`.${body}.${signature}`, `${head}..${signature}`],
      `${head}.${body}.${signature.replace(/[-_]/g, (char) => (char === '-' ? '+' : '/'))}x`,
    ]) {
      assert.equal(await say(text), 'github_token_malformed', text.slice(-20));
    }
    assert.equal(await detailOf(`${head}.${body}`), 'it is not three parts of canonical base64url');
  });

  test('threat 22: a token of more than 8 KiB is not read, nor a header of more than 512 bytes', async () => {
    // Spaces after a JSON text are nothing, and of four lengths base64url has three.
    const sized = (length: number): string => {
      for (const spaces of ['', ' ', '  ']) {
        const rest = length - tokenOf(header + spaces, '').length;
        const bytes = Math.floor((rest * 3) / 4);
        const text = tokenOf(header + spaces, payload.padEnd(bytes));
        if (text.length === length) return text;
      }
      throw new Error(`there is no token of ${length} characters`);
    };
    const { keys, asked } = memoryIssuers({ [issuer]: jwks(githubJwk(key)) });
    assert.equal(await detailOf(sized(8193), { keys }), 'it is longer than 8192 characters');
    assert.equal(await say('x'.repeat(50_000_000), { keys }), 'github_token_malformed');
    assert.deepEqual(asked, []);
    assert.equal(await say(sized(8192), { keys }), 'accepted');

    const withHeaderOf = (bytes: number) => tokenOf(header.padEnd(bytes), payload);
    assert.equal(await say(withHeaderOf(512)), 'accepted');
    assert.equal(await say(withHeaderOf(513)), 'github_token_malformed');
    assert.equal(looksLikeGithub(withHeaderOf(512)), true);
    assert.equal(looksLikeGithub(withHeaderOf(513)), false);
  });

  test('threat 22: signed by nobody, by another key, by the public key as a secret, or over something else', async () => {
    const [head, body] = good.split('.') as [string, string, string];
    const input = Buffer.from(`${head}.${body}`);
    const publicPem = Buffer.from(githubJwk(key).n!);
    for (const signature of [
      Buffer.alloc(0),
      Buffer.alloc(256),
      Buffer.alloc(64),
      sign('sha256', input, strangersKey.privateKey),
      sign('sha384', input, key.privateKey),
      sign('sha1', input, key.privateKey),
      sign('sha256', input, { key: key.privateKey, padding: 6, saltLength: 32 }),
      sign('sha256', Buffer.from(`${body}.${head}`), key.privateKey),
      createHmac('sha256', publicPem).update(input).digest(),
    ]) {
      const said = await say(`${head}.${body}.${signature.toString('base64url')}`);
      assert.equal(said, 'github_token_signature');
    }
    assert.equal(
      await detailOf(tokenOf(header, payload, strangersKey.privateKey)),
      'its signature is not by the key that it names',
    );
  });

  test('threat 22: the issuer is one that trust names, letter by letter, and no other is asked', async () => {
    const { keys, asked } = memoryIssuers({ [issuer]: jwks(githubJwk(key)) });
    for (const iss of [
      ...[`${issuer}/`, issuer.toUpperCase(), `${issuer}:443`, `${issuer} `, `${issuer}.example.net`],
      ...['https://example.net', 'http://token.actions.githubusercontent.com', '', 'constructor'],
    ]) {
      assert.equal(await say(goodToken({ iss }), { keys }), 'github_token_signature', iss);
    }
    assert.equal(await say(good, { keys, issuers: [] }), 'github_token_signature');
    assert.equal(await detailOf(good, { keys, issuers: [] }), 'trust names no such issuer');
    assert.deepEqual(asked, []);
  });

  test('threat 23: of two issuers the one that it names is asked, and the other’s key is none of its', async () => {
    const second = 'https://ghe.example.net/_services/token';
    const { keys, asked } = memoryIssuers({
      [issuer]: 'down',
      [second]: jwks(githubJwk(key)),
    });
    const issuers = [issuer, second];
    assert.equal(await say(goodToken({ iss: second }), { keys, issuers }), 'accepted');
    assert.deepEqual(asked, [`${second}/.well-known/jwks`]);
    // The very key of the second, in a token that names the first.
    assert.equal(await say(good, { keys, issuers }), 'github_keys_unreachable');
    const both = memoryIssuers({ [issuer]: jwks(githubJwk(strangersKey)), [second]: jwks(githubJwk(key)) });
    assert.equal(await say(good, { keys: both.keys, issuers }), 'github_token_signature');
  });

  test('threat 22: the audience is one text, and exactly what was asked for', async () => {
    for (const aud of [
      ...[`${audience} `, audience.toUpperCase(), audience.slice(0, -1), `${audience}0`, 'x'],
      ...['https://github.com/octocat', 'writ:h_01JDZ0000000000000000000HM:status'],
    ]) {
      assert.equal(await say(goodToken({ aud })), 'github_token_audience', aud);
    }
    assert.equal(await detailOf(goodToken({ aud: 'x' })), 'its audience is not what was submitted');
  });
});

describe('what looks like a token of GitHub’s', () => {
  test('says in its header that it is signed RS256', async () => {
    assert.equal(looksLikeGithub(good), true);
    assert.equal(looksLikeGithub(withHeader({ crit: [], typ: 'x' })), true);
    const { signing } = await generateKey();
    const jws = await signJws('release', {}, signing);
    for (const text of [
      ...[
        jws,
        '',
        '.',
        'x',
        base64url(header),
        '!.x.y',
        `${base64url('{')}.x.y`,
        withHeader({ alg: 'none' }),
      ],
      ...[withHeader({ alg: 'HS256' }), withHeader({ alg: 'RS512' }), withHeader({ alg: ['RS256'] })],
      withHeader({ more: 'x'.repeat(500) }),
    ]) {
      assert.equal(looksLikeGithub(text), false, text.slice(0, 50));
    }
  });
});
