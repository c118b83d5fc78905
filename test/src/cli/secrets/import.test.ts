import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Encrypter } from 'age-encryption';
import { makeSecretsDesk, type SecretsDesk } from '../../../support/secrets-desk.ts';

const vectors = join(import.meta.dirname, '../../../vectors/sops');

describe('writ secrets import', () => {
  let desk: SecretsDesk;
  let key: string;
  const ends: (() => void)[] = [];
  const take = (words: readonly string[], input?: string) =>
    desk.writ(['secrets', 'import', ...words], input === undefined ? {} : { input });
  before(async () => {
    desk = await makeSecretsDesk({ after: (work) => void ends.push(work) });
    await desk.admit();
    key = join(desk.config, 'sops-key.txt');
    copyFileSync(join(vectors, 'key.txt'), key);
    chmodSync(key, 0o600);
  });
  after(() => {
    for (const end of ends) end();
  });

  test('shows what becomes of each value of a file of SOPS, and writes it when that is agreed', async () => {
    const file = join(vectors, 'mac-only.yaml');
    const words = [file, '--identity', key, '--only', 'password', '--only', 'api', '--on', 'websvcs'];
    const maps = ['--map', 'password=db_password@secsvcs,websvcs'];
    const paths = desk.paths();
    const dry = await take([...words, ...maps, '--dry-run']);
    assert.equal(dry.exit, 0, dry.err);
    assert.equal(
      dry.out,
      `SOPS, decrypted with your age identity; its MAC fits:
password   db_password  secsvcs, websvcs  new
api.token  api_token    websvcs           new
api.url    api_url      websvcs           new  stood in clear
Nothing was written (--dry-run).
`,
    );
    assert.deepEqual(desk.paths(), paths);
    const asked = await take([...words, ...maps]);
    assert.ok(asked.err.endsWith('(no_terminal)\n'), asked.err);
    assert.deepEqual(desk.paths(), paths);
    assert.equal((await take([...words, ...maps, '--yes'])).exit, 0);
    assert.equal(await desk.open('secrets/secsvcs/db_password.age', desk.machines.secsvcs), 'hunter2');
    assert.equal(await desk.open('secrets/websvcs/db_password.age', desk.machines.websvcs), 'hunter2');
    assert.equal(await desk.open('secrets/websvcs/api_token.age', desk.owner), 'abc');
    const again = await take([...words, ...maps, '--dry-run', '--json']);
    const told = JSON.parse(again.out) as { secrets: { replaces: string[] }[] };
    assert.deepEqual(told.secrets[0]?.replaces, ['secsvcs', 'websvcs']);
  });

  test('a name that apps list goes to their machines', async () => {
    const ran = await take(['-', '--yes'], 'shared_token: "0042"\ndb_password: 0042\n');
    assert.equal(ran.exit, 0, ran.err);
    assert.match(ran.err, /WARNING: what came in is not encrypted\./);
    assert.equal(await desk.open('secrets/websvcs/shared_token.age', desk.owner), '0042');
    assert.equal(await desk.open('secrets/secsvcs/db_password.age', desk.owner), '0042');
  });

  test('what Podman tells of its secrets is taken by their names, byte for byte', async () => {
    const driver = { Name: 'file', Options: { path: '/var/lib/containers/storage/secrets/filedriver' } };
    const told = (secrets: Record<string, string>) =>
      JSON.stringify(
        Object.entries(secrets).map(([Name, SecretData]) => ({
          ID: '7a1f0c',
          CreatedAt: '2024-03-02T10:00:00Z',
          Spec: { Name, Driver: driver, Labels: {} },
          SecretData,
        })),
        null,
        4,
      );
    const ran = await take(['-', '--yes'], told({ shared_token: 'from podman\n', db_password: '0x1F' }));
    assert.equal(ran.exit, 0, ran.err);
    assert.equal(await desk.open('secrets/websvcs/shared_token.age', desk.owner), 'from podman\n');
    assert.equal(await desk.open('secrets/secsvcs/db_password.age', desk.owner), '0x1F');
    // Bytes that are no UTF-8 come out of Podman as this sign.
    const paths = desk.paths();
    assert.match((await take(['-', '--yes'], told({ db_password: 'a\ufffdb' }))).err, /\(import_not_text\)/);
    // Anything else that is a list stays what it was.
    assert.match((await take(['-', '--yes'], '[{"Spec":{"Name":"x"}}]')).err, /\(import_malformed\)/);
    assert.deepEqual(desk.paths(), paths);
  });

  test('YAML that age encrypted is read with the owner’s identity', async () => {
    const encrypter = new Encrypter();
    encrypter.addRecipient(desk.owner.recipient);
    const file = join(desk.config, 'old.yaml.age');
    writeFileSync(file, await encrypter.encrypt('db: { password: from-age }\n'));
    const ran = await take([file, '--identity', desk.ownerFile, '--yes']);
    assert.match(ran.out, /^YAML, decrypted with your age identity:\ndb\.password {2}db_password/, ran.err);
    assert.doesNotMatch(ran.err, /WARNING/);
    assert.equal(await desk.open('secrets/secsvcs/db_password.age', desk.owner), 'from-age');
    assert.match((await take([file, '--identity', key])).err, /\(age_not_for_key\)/);
  });

  test('everything that is unclear is told at once, and nothing of it is written', async () => {
    const paths = desk.paths();
    const ran = await take(
      ['-', '--yes', '--map', 'nope=x', '--map', 'bad', '--map', 'one=db_password@secsvcs', '--only', 'tow'],
      'one: 1\ntwo: 2\n"9": x\nunlisted: y\nempty: ""\nOne: 3\n',
    );
    assert.equal(ran.exit, 2);
    for (const told of [
      /--map bad is not such as KEY=NAME/,
      /no value nope\./,
      /no value tow\. Did you mean two\?/,
    ])
      assert.match(ran.err, told);
    const all = await take(['-', '--yes'], 'a: { b: x }\na_b: y\n"-9": x\nunlisted: y\nempty: ""\n');
    for (const told of [
      /No app lists the secret a_b \(from a\.b\)/,
      /-9 makes no name of a secret/,
      /No app lists the secret unlisted/,
      /empty has 0 bytes/,
    ])
      assert.match(all.err, told);
    const twice = await take(['-', '--yes', '--on', 'secsvcs'], 'a: { b: x }\na_b: y\n');
    assert.match(twice.err, /a\.b and a_b would both be the secret a_b of secsvcs/);
    assert.match((await take(['-', '--yes'], '{}')).err, /The file has no values/);
    assert.match((await take(['-', '--yes'], 'a: [\n')).err, /\[yaml_malformed\].*\(import_malformed\)/s);
    assert.match((await take(['/nonexistent'])).err, /\(input_missing\)/);
    assert.match((await take(['-', '--on', 'homesvcs'], 'a: b\n')).err, /\(recipient_missing\)/);
    assert.match(
      (await take([join(vectors, 'groups.yaml'), '--identity', key])).err,
      /sops -d .*\(sops_unsupported\)/s,
    );
    assert.deepEqual(desk.paths(), paths);
  });
});
