import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { startGithubIssuer } from '../support/github-issuer.ts';

test('the issuer gives tokens of GitHub’s shape, which another library verifies by its key set', async (t) => {
  const issuer = await startGithubIssuer();
  t.after(() => issuer.close());
  const jwks = async () =>
    createLocalJWKSet((await (await fetch(`${issuer.url}/.well-known/jwks`)).json()) as JSONWebKeySet);
  const before = await issuer.issue({ aud: 'a', environment: undefined });
  const { payload, protectedHeader } = await jwtVerify(before, await jwks(), {
    issuer: issuer.url,
    audience: 'a',
    algorithms: ['RS256'],
  });
  assert.deepEqual(Object.keys(protectedHeader), ['typ', 'alg', 'x5t', 'kid']);
  assert.equal(payload.repository_id, '1296269');
  assert.equal(payload.exp! - payload.iat!, 300);
  assert.equal('environment' in payload, false);
  issuer.rotate();
  await jwtVerify(before, await jwks());
  issuer.rotate({ forget: true });
  await assert.rejects(jwtVerify(before, await jwks()));
  assert.equal(issuer.requests.jwks, 3);
});

test('a job gets tokens of the audience that it asks for, with its own token alone', async (t) => {
  const issuer = await startGithubIssuer();
  t.after(() => issuer.close());
  issuer.job({ event_name: 'pull_request' });
  const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token } = issuer.env;
  const asked = await fetch(`${url}&audience=writ%3Ah_1`, { headers: { authorization: `Bearer ${token}` } });
  const { value } = (await asked.json()) as { value: string };
  const claims = JSON.parse(Buffer.from(value.split('.')[1]!, 'base64url').toString());
  assert.equal(claims.aud, 'writ:h_1');
  assert.equal(claims.event_name, 'pull_request');
  assert.equal((await fetch(`${url}&audience=x`)).status, 401);
});
