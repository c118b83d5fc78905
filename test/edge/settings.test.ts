import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bindings, readSettings } from '../../edge/settings.ts';
import { generateKey } from '../../schema/jose/keys.ts';

const { secret, signing } = await generateKey();
const good: Bindings = {
  LIBSQL_URL: 'libsql://writ-example.turso.io',
  LIBSQL_AUTH_TOKEN: 'token',
  CONTROLLER_KEY: `${JSON.stringify(secret)}\n`,
  SETUP_SECRET: 'A'.repeat(43),
};

test('settings are read from the bindings', async () => {
  const read = await readSettings(good);
  assert.ok(read.ok);
  assert.deepEqual(read.value.database, { url: good.LIBSQL_URL, authToken: 'token' });
  assert.equal(read.value.key.kid, signing.kid);
  const { SETUP_SECRET: _, LIBSQL_AUTH_TOKEN: __, ...least } = good;
  const claimed = await readSettings(least);
  assert.ok(claimed.ok);
  assert.equal(claimed.value.setupSecret, null);
  assert.equal(claimed.value.database.authToken, undefined);
});

test('what is missing or malformed is named, without its value', async () => {
  const { d: _, ...publicHalf } = secret;
  const wrong: [Partial<Bindings>, string][] = [
    [{ LIBSQL_URL: '' }, 'database_url_missing'],
    [{ LIBSQL_URL: 'writ.example' }, 'database_url_malformed'],
    [{ LIBSQL_URL: 'http://db.example.net' }, 'database_url_malformed'],
    [{ LIBSQL_URL: 'wss://db.example.net' }, 'database_url_malformed'],
    [{ LIBSQL_URL: 'file:writ.db' }, 'database_url_malformed'],
    [{ LIBSQL_URL: 'libsql://db.example.net?authToken=canary' }, 'database_url_malformed'],
    [{ LIBSQL_URL: 'libsql://db.example.net:8080?tls=0' }, 'database_url_malformed'],
    [{ LIBSQL_URL: 'https://canary@db.example.net' }, 'database_url_malformed'],
    [{ CONTROLLER_KEY: '' }, 'controller_key_missing'],
    [{ CONTROLLER_KEY: 'canary' }, 'controller_key_malformed'],
    [{ CONTROLLER_KEY: JSON.stringify(publicHalf) }, 'controller_key_malformed'],
    [{ CONTROLLER_KEY: JSON.stringify({ ...secret, d: 'A'.repeat(43) }) }, 'controller_key_malformed'],
    [{ SETUP_SECRET: 'canary' }, 'setup_secret_malformed'],
  ];
  for (const [change, reason] of wrong) {
    const read = await readSettings({ ...good, ...change });
    assert.equal(read.ok ? '' : read.reason, reason);
    assert.ok(!JSON.stringify(read).includes('canary'));
  }
});

test('a database on this very machine needs no TLS', async () => {
  for (const url of ['http://127.0.0.1:8080', 'http://localhost:8080', 'http://[::1]:8080']) {
    assert.equal((await readSettings({ ...good, LIBSQL_URL: url })).ok, true, url);
  }
});
