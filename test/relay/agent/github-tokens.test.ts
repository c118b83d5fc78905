import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGithubTokens } from '../../../relay/agent/github-tokens.ts';
import type { LogEntry } from '../../../relay/log.ts';
import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import { githubClaims, githubKey, githubToken } from '../../support/github-issuer.ts';
import { githubKeysContract } from '../../support/github-keys-contract.ts';
import { createTestClock, quietLog } from './fixture.ts';

githubKeysContract('a relay', (fetchMs) => {
  const entries: LogEntry[] = [];
  const clock = createTestClock();
  const tokens = createGithubTokens({ clock, log: quietLog(entries), fetchMs });
  return {
    keys: tokens.keys,
    warned: () => entries.map(({ event, fields }) => [event, String(fields.url), String(fields.reason)]),
    advance: (ms) => clock.advance(ms),
    close: () => tokens.close(),
  };
});

test('a relay notes when it met a token, and nothing of what keys say', async (t) => {
  const clock = createTestClock(1_000_000);
  const tokens = createGithubTokens({ clock, log: quietLog() });
  t.after(() => tokens.close());
  const text = githubToken(githubKey(), githubClaims(1_000_000));
  const digest = await digestBytes(toBytes(text));
  clock.setSynchronised(false);
  await tokens.noteText(text);
  assert.equal(tokens.seenAt(digest), undefined);
  clock.setSynchronised(true);
  await tokens.noteText(text);
  clock.advance(1000);
  await tokens.noteText(text);
  assert.equal(tokens.seenAt(digest), 1_000_000);
  const byKey = await signJws('release', {}, (await generateKey()).signing);
  await tokens.noteText(byKey);
  assert.equal(tokens.seenAt(await digestBytes(toBytes(byKey))), undefined);
});
