import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readImport } from '../../../../src/cli/secrets/import-file.ts';
import { missing } from '../../../support/missing.ts';

const vectors = join(import.meta.dirname, '../../../vectors/sops');
const key = join(vectors, 'key.txt');
const text = (name: string): string => readFileSync(join(vectors, name), 'utf8');

/** The values of a text as `writ secrets import` reads them, by their keys; or the code for which it does not. */
async function valuesOf(content: string): Promise<Record<string, string> | string> {
  const context = { configDir: '/nonexistent', progress: { say: () => {}, end: () => {} } } as never;
  const bytes = new TextEncoder().encode(content);
  const folder = mkdtempSync(join(tmpdir(), 'writ-sops-'));
  const identity = join(folder, 'key.txt');
  // git keeps no mode but the bit to execute.
  copyFileSync(key, identity);
  chmodSync(identity, 0o600);
  const read = await readImport(context, 'file', bytes, { identity, 'passphrase-file': undefined });
  rmSync(folder, { recursive: true });
  if (!read.ok) return read.reason;
  return Object.fromEntries(
    read.value.leaves.map(({ path, value }) => [path.join('.'), Buffer.from(value).toString('latin1')]),
  );
}

const utf8 = (value: string): string => Buffer.from(value).toString('latin1');

const nested: Record<string, string> = {
  'grafana.pg_password': 'correct horse',
  'grafana.Admin Password': 'tr0ub4dor & 3',
  'grafana.port': '5432',
  'grafana.ratio': '0.1',
  'grafana.huge': '1000000000000000000000',
  'grafana.tiny': '0.0000001',
  'grafana.on': 'true',
  'grafana.off': 'false',
  'grafana.empty': '',
  tls_key: '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n',
  'tokens.0': 'first',
  'tokens.2.second': utf8('ünïcödé ☃'),
  'tokens.2.third': 'with: colon',
  'tokens.3': '7',
  note_unencrypted: 'in clear',
  'plain_unencrypted.number': '1.5',
  'plain_unencrypted.yes': 'true',
  'plain_unencrypted.int': '12',
};

test('files that SOPS 3.13 made are read as SOPS reads them, their MAC checked', async () => {
  assert.deepEqual(await valuesOf(text('nested.yaml')), nested);
  const json = (await valuesOf(text('nested.json'))) as Record<string, string>;
  assert.equal(json['grafana.pg_password'], 'correct horse');
  assert.equal(json['plain_unencrypted.number'], '1.5');
  assert.deepEqual(await valuesOf(text('two-recipients.json')), {
    b: 'two',
    a: 'one',
    '10': 'ten',
    '9.x': '1',
    '9.y': '1.5',
    '9.z': 'false',
    'list.0': 'p',
    'list.1.0': 'q',
    empty: '',
  });
  assert.deepEqual(await valuesOf(text('mac-only.yaml')), {
    user: 'admin',
    password: 'hunter2',
    'api.token': 'abc',
    'api.url': 'https://example.net',
  });
  assert.deepEqual(await valuesOf(text('binary.json')), { data: 'binary \0 bytes \xff\n' });
});

test('values that were moved, removed, added or changed are refused', async () => {
  const whole = text('nested.yaml');
  const line = (name: string): string => whole.split('\n').find((one) => one.trim().startsWith(name))!;
  const [password, port] = [line('pg_password:'), line('port:')];
  const sealedOf = (one: string): string => one.slice(one.indexOf('ENC['));
  const attacks: Readonly<Record<string, [text: string, code: string]>> = {
    removed: [whole.replace(`${password}\n`, ''), 'sops_mac'],
    'moved to another key': [whole.replace(sealedOf(port), sealedOf(password)), 'sops_value'],
    'swapped in order': [
      whole.replace(`${password}\n`, '').replace(port, `${port}\n${password}`),
      'sops_mac',
    ],
    'in clear instead': [whole.replace(sealedOf(password), 'mine'), 'sops_mac'],
    'a clear one changed': [whole.replace('in clear', 'mine'), 'sops_mac'],
    'one more': [whole.replace('note_unencrypted', 'more_unencrypted: x\nnote_unencrypted'), 'sops_mac'],
    'another time': [whole.replace('lastmodified: "2026', 'lastmodified: "2025'), 'sops_mac'],
    'a byte of it': [whole.replace('data:5X7M8', 'data:5X7M9'), 'sops_value'],
    'without a MAC': [whole.replace(/ {4}mac: .*\n/, ''), 'sops_malformed'],
    'the other kind of MAC': [
      whole.replace('unencrypted_suffix:', 'mac_only_encrypted: true\n    unencrypted_suffix:'),
      'sops_mac',
    ],
  };
  for (const [name, [changed, code]] of Object.entries(attacks)) {
    assert.notEqual(changed, whole, name);
    assert.equal(await valuesOf(changed), code, name);
  }
});

test('what cannot be read is said to be so', async () => {
  assert.equal(await valuesOf(text('groups.yaml')), 'sops_unsupported');
  assert.equal(await valuesOf(text('other-key.yaml')), 'age_not_for_key');
  assert.equal(await valuesOf('sops: { kms: [], mac: x, lastmodified: y }\na: b\n'), 'sops_unsupported');
  assert.equal(await valuesOf('- a\n'), 'import_malformed');
  assert.equal(await valuesOf('a: *hunter2\n'), 'import_malformed');
});

test('a value in clear is what stands in the file, and not what YAML makes of it', async () => {
  assert.deepEqual(
    await valuesOf(
      'pin: 0042\nbig: 12345678901234567890\nyes: on\nfloat: 1.50\nnone: null\ntilde: ~\n7: x\nquoted: "1"\n',
    ),
    { pin: '0042', big: '12345678901234567890', yes: 'on', float: '1.50', '7': 'x', quoted: '1' },
  );
});

if (spawnSync('sops', ['--version']).error !== undefined) missing('sops, to read what these vectors hold');
else {
  test('SOPS reads the same from the vectors', () => {
    const ran = spawnSync('sops', ['-d', '--output-type', 'json', join(vectors, 'nested.yaml')], {
      encoding: 'utf8',
      env: { ...process.env, SOPS_AGE_KEY_FILE: key },
    });
    assert.equal(ran.status, 0, ran.stderr);
    const value = JSON.parse(ran.stdout) as { grafana: { pg_password: string }; tokens: unknown[] };
    assert.equal(value.grafana.pg_password, nested['grafana.pg_password']);
  });
}
