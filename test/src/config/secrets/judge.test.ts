import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { armor, Encrypter } from 'age-encryption';
import { stringify } from 'yaml';
import { signJws } from '../../../../schema/jose/jws.ts';
import { generateKey, type SigningKey } from '../../../../schema/jose/keys.ts';
import { encryptSecret, makeIdentity } from '../../../../src/cli/secrets/age.ts';
import type { Finding } from '../../../../src/config/finding.ts';
import { secretErrors } from '../../../../src/config/secrets/judge.ts';
import { buildTree, smallHome, type Tree } from '../../../support/repo-fixture.ts';
import { reportBy } from '../../../support/secrets-desk.ts';

type Bytes = Uint8Array<ArrayBuffer>;

let relay: SigningKey;
let machine: string;
let owner: string;
let hybrid: string;
let tree: Tree;

const text = (value: string): Bytes => new TextEncoder().encode(value);

async function secret(to: readonly string[], value: Bytes = text('canary')): Promise<Bytes> {
  const encrypted = await encryptSecret(value, to);
  assert.ok(encrypted.ok);
  return encrypted.value;
}

async function foreign(to: readonly string[]): Promise<Bytes> {
  const encrypter = new Encrypter();
  for (const one of to) encrypter.addRecipient(one);
  return new Uint8Array(await encrypter.encrypt('canary'));
}

const recipientsYaml = (more: object = {}): string =>
  stringify({
    owner: [owner],
    machines: {
      websvcs: {
        recipient: machine,
        relay: 'pve1',
        kid: relay.kid,
        report: 1,
        trust: `sha256:${'a'.repeat(64)}`,
      },
    },
    ...more,
  });

before(async () => {
  relay = (await generateKey()).signing;
  machine = (await makeIdentity('classic')).recipient;
  owner = (await makeIdentity('classic')).recipient;
  hybrid = (await makeIdentity('post_quantum')).recipient;
  tree = {
    ...smallHome,
    'apps/web/app.yaml': `${smallHome['apps/web/app.yaml']}secrets: [token]\n`,
    'secrets/recipients.yaml': recipientsYaml(),
    'secrets/websvcs.jws': await reportBy(relay, { recipients: { websvcs: machine } }),
    'secrets/websvcs/token.age': await secret([machine, owner]),
  };
});

type Changes = Parameters<typeof buildTree>[1];
const findingsOf = async (changes: Changes = {}): Promise<readonly Finding[]> =>
  (await buildTree(tree, changes)).findings;
const codesOf = async (changes: Changes = {}): Promise<string[]> =>
  (await findingsOf(changes)).map(({ code, file }) => `${code} ${file}`);

test('a secret that is encrypted to its machine and its owner is right', async () => {
  assert.deepEqual(await codesOf(), []);
});

test('each way in which a file is no secret for its machine is found without a key', async () => {
  const path = 'secrets/websvcs/token.age';
  const good = tree[path] as Bytes;
  const under = new Encrypter();
  under.setPassphrase('x');
  under.setScryptWorkFactor(2);
  const stranger = (await makeIdentity('classic')).recipient;
  const header = `age-encryption.org/v1\n${`-> X25519 ${'A'.repeat(43)}\n${'B'.repeat(43)}\n`.repeat(9000)}`;
  const cases: Readonly<Record<string, [bytes: Bytes, code: string]>> = {
    'another program, to the same': [await foreign([machine, owner]), 'secret_recipients_unknown'],
    'to fewer': [await secret([machine]), 'secret_recipients_changed'],
    'to one more': [await secret([machine, owner, stranger]), 'secret_recipients_changed'],
    'to another': [await secret([machine, stranger]), 'secret_recipients_changed'],
    'post-quantum and classic': [await foreign([machine, hybrid]), 'secret_mixed'],
    'post-quantum and classic, named': [await secret([machine, hybrid]), 'secret_mixed'],
    'under a passphrase': [new Uint8Array(await under.encrypt('x')), 'secret_unreadable'],
    'to a key of SSH': [
      text(`age-encryption.org/v1\n-> ssh-ed25519 abc def\n\n--- ${'C'.repeat(43)}\n${'x'.repeat(40)}`),
      'secret_unreadable',
    ],
    'in armor': [text(armor.encode(good)), 'secret_not_age'],
    'in clear': [text('hunter2\n'), 'secret_not_age'],
    'cut off': [good.slice(0, -10), 'secret_not_age'],
    empty: [await secret([machine, owner], new Uint8Array()), 'secret_size'],
    'too large for Podman': [await secret([machine, owner], new Uint8Array(512_000)), 'secret_size'],
    'a header without an end': [text(header), 'secret_header_large'],
    'more named than can read it': [
      text(new TextDecoder('latin1').decode(good).replace(/-> X25519 .*\n.*\n/, '')),
      'secret_recipients_changed',
    ],
  };
  for (const [name, [bytes, code]] of Object.entries(cases)) {
    const found = await findingsOf({ [path]: bytes });
    assert.deepEqual(
      found.map((one) => [one.code, one.file, one.severity]),
      [[code, path, 'warning']],
      name,
    );
    assert.doesNotMatch(JSON.stringify(found), /canary|hunter2/);
    assert.equal(secretErrors.has(code), code !== 'secret_recipients_unknown', name);
  }
});

test('grease of other programs is of no meaning', async () => {
  const good = new TextDecoder('latin1').decode(tree['secrets/websvcs/token.age'] as Bytes);
  const greased = good.replace('\n', '\n-> kx-grease abc\n\n');
  assert.deepEqual(
    await codesOf({ 'secrets/websvcs/token.age': Buffer.from(greased, 'latin1') as never }),
    [],
  );
});

test('secrets that nobody uses, of machines that are not there, and files that are none are found', async () => {
  const bytes = await secret([machine, owner]);
  assert.deepEqual(
    await codesOf({
      'secrets/websvcs/tokn.age': bytes,
      'secrets/web/token.age': bytes,
      'secrets/websvcs/token.txt': 'x',
      'secrets/websvcs/-token.age': bytes,
      'secrets/websvcs/token.age.0123456789ab.tmp': bytes,
      'secrets/.gitkeep': '',
      'secrets/README.md': 'x',
    }),
    [
      'secret_machine_unknown secrets/web/token.age',
      'secret_stray secrets/websvcs/-token.age',
      'secret_stray secrets/websvcs/token.age.0123456789ab.tmp',
      'secret_stray secrets/websvcs/token.txt',
      'secret_unused secrets/websvcs/tokn.age',
    ],
  );
  const [unused] = await findingsOf({ 'secrets/websvcs/tokn.age': bytes });
  assert.equal(unused?.suggestion, 'Did you mean token?');
  const derived = 'secrets: { token: null, hash: { from: token, as: bcrypt } }\n';
  const made = await findingsOf({
    'apps/web/app.yaml': `${smallHome['apps/web/app.yaml']}${derived}`,
    'secrets/websvcs/hash.age': bytes,
  });
  assert.match(made[0]!.message, /hash is made on websvcs from token/);
});

test('no secret is called unused while an app cannot be read', async () => {
  const found = await codesOf({ 'apps/web/app.yaml': 'on: [\n', 'apps/two/app.yaml': 'on: websvcs\n' });
  assert.deepEqual(
    found.filter((one) => one.startsWith('secret_')),
    [],
  );
});

test('recipients are held against the report beside them, and must be there for whoever has secrets', async () => {
  const yaml = 'secrets/recipients.yaml';
  assert.deepEqual(await codesOf({ [yaml]: undefined, 'secrets/websvcs.jws': undefined }), [
    `recipient_missing ${yaml}`,
  ]);
  assert.deepEqual(await codesOf({ [yaml]: recipientsYaml({ owner: [] }) }), [`recipient_missing ${yaml}`]);
  assert.deepEqual(await codesOf({ [yaml]: recipientsYaml({ owner: [hybrid] }) }), [
    `recipient_missing ${yaml}`,
  ]);
  assert.deepEqual(await codesOf({ 'secrets/websvcs.jws': undefined }), [`recipient_evidence ${yaml}`]);
  const reports = {
    'another recipient': await reportBy(relay, { recipients: { websvcs: owner } }),
    'another number': await reportBy(relay, { seq: 2, recipients: { websvcs: machine } }),
    'another relay': await reportBy(relay, { relay: 'pve2', recipients: { websvcs: machine } }),
    'another key': await reportBy((await generateKey()).signing, { recipients: { websvcs: machine } }),
    'another kind': await signJws('job', {}, relay),
    'no recipient': await reportBy(relay, {}),
    'no JWS': 'x',
  };
  for (const [name, jws] of Object.entries(reports))
    assert.deepEqual(await codesOf({ 'secrets/websvcs.jws': jws }), [`recipient_evidence ${yaml}`], name);
  const ghost = recipientsYaml().replace('websvcs:', 'ghost:');
  assert.deepEqual(await codesOf({ [yaml]: ghost, 'secrets/websvcs.jws': undefined }), [
    `recipient_missing ${yaml}`,
    `secret_machine_unknown ${yaml}`,
  ]);
});

test('what the file of recipients says wrongly is told at its place', async () => {
  const slip = machine.endsWith('q') ? `${machine.slice(0, -1)}p` : `${machine.slice(0, -1)}q`;
  const [wrong, ...more] = await findingsOf({
    'secrets/recipients.yaml': recipientsYaml().replace(machine, slip),
  });
  assert.deepEqual(more, []);
  assert.deepEqual([wrong?.code, wrong?.line, wrong?.severity], ['wrong_value', 5, 'error']);
  assert.match(wrong!.message, /machines\.websvcs\.recipient must be a recipient of age/);
});
