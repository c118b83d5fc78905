import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { decryptAge } from '../../../../src/cli/secrets/age.ts';
import { makeSecretsDesk, type SecretsDesk } from '../../../support/secrets-desk.ts';

describe('writ secrets set', () => {
  let desk: SecretsDesk;
  const ends: (() => void)[] = [];
  before(async () => {
    desk = await makeSecretsDesk({ after: (work) => void ends.push(work) });
    await desk.admit();
  });
  after(() => {
    for (const end of ends) end();
  });

  test('asks twice without a line end, and encrypts for the machines whose apps list it and for the owner', async () => {
    const ran = await desk.writ(['secrets', 'set', 'shared_token'], { answers: ['s3cret', 's3cret'] });
    assert.equal(ran.exit, 0, ran.err);
    assert.equal(ran.err, 'Value of shared_token for secsvcs and websvcs: Once more: ');
    assert.equal(
      ran.out,
      `secrets/secsvcs/shared_token.age
secrets/websvcs/shared_token.age
secsvcs, websvcs and you can read shared_token. Next: git add secrets
`,
    );
    for (const machine of ['secsvcs', 'websvcs'] as const) {
      const path = `secrets/${machine}/shared_token.age`;
      for (const key of [desk.machines[machine], desk.owner])
        assert.equal(await desk.open(path, key), 's3cret');
      const other = machine === 'secsvcs' ? 'websvcs' : 'secsvcs';
      await assert.rejects(desk.open(path, desk.machines[other]), /age_not_for_key/);
    }
  });

  test('keeps bytes from a file or standard input as they are, and takes one line end off with --trim', async () => {
    const bytes = new Uint8Array([0, 255, 10, 13, 10]);
    const file = join(desk.config, 'value');
    writeFileSync(file, bytes);
    const words = ['secrets', 'set', 'db_password', '--on', 'secsvcs'];
    const cases = [
      { words: [...words, '--from', file], input: undefined, value: [...bytes] },
      { words: [...words, '--from', '-'], input: bytes, value: [...bytes] },
      { words: [...words, '--from', '-', '--trim'], input: bytes, value: [0, 255, 10] },
      { words: [...words, '--from', '-', '--trim'], input: 'a\n\n', value: [97, 10] },
      { words: [...words, '--from', '-', '--trim'], input: 'a\r', value: [97, 13] },
    ];
    for (const { words: given, input, value } of cases) {
      const ran = await desk.writ(given, input === undefined ? {} : { input });
      assert.equal(ran.exit, 0, ran.err);
      const opened = await decryptAge(desk.read('secrets/secsvcs/db_password.age'), [
        { identity: desk.owner.identity },
      ]);
      assert.ok(opened.ok);
      assert.deepEqual([...opened.value], value);
    }
  });

  test('takes 1 to 511,999 bytes and leaves what is there otherwise', async () => {
    const words = ['secrets', 'set', 'db_password', '--on', 'secsvcs', '--from', '-'];
    const put = (bytes: number) => desk.writ(words, { input: new Uint8Array(bytes) });
    assert.equal((await put(511_999)).exit, 0);
    const kept = desk.read('secrets/secsvcs/db_password.age');
    for (const [bytes, code] of [
      [0, 'secret_size'],
      [512_000, 'secret_size'],
      [600_000, 'input_too_large'],
    ] as const) {
      const ran = await put(bytes);
      assert.equal(ran.exit, 2);
      assert.match(ran.err, new RegExp(`Nothing was written\\.\n\\(${code}\\)`));
    }
    const endless = await desk.writ([...words.slice(0, -1), '/dev/zero']);
    assert.ok(endless.err.endsWith('(input_too_large)\n'), endless.err);
    assert.deepEqual(desk.read('secrets/secsvcs/db_password.age'), kept);
  });

  test('a value that was typed in two ways, given up, or pasted as several lines is not taken', async () => {
    const paths = desk.paths();
    for (const [answers, code] of [
      [['a', 'b'], 'value_differs'],
      [['a'], 'given_up'],
      [[], 'given_up'],
      [['-----BEGIN KEY-----\nabc'], 'value_of_lines'],
      [['', ''], 'secret_size'],
    ] as const) {
      const ran = await desk.writ(['secrets', 'set', 'fresh', '--on', 'secsvcs'], { answers });
      assert.equal(ran.exit, 2);
      assert.ok(ran.err.endsWith(`(${code})\n`), ran.err);
    }
    const nobody = await desk.writ(['secrets', 'set', 'fresh', '--on', 'secsvcs']);
    assert.match(nobody.err, /--from FILE.*\n\(no_terminal\)/);
    assert.deepEqual(desk.paths(), paths);
  });

  test('names that are wrong, unknown machines and secrets that no app lists are told', async () => {
    const set = (...words: string[]) =>
      desk.writ(['secrets', 'set', ...words, '--from', '-'], { input: 'x' });
    const odd = await set('Bad/../name', '--on', 'secsvcs');
    assert.match(odd.err, /is no name of a secret/);
    const nowhere = await set('shared_tokn');
    assert.match(nowhere.err, /No app lists the secret shared_tokn.*Did you mean shared_token\?/s);
    const machine = await set('db_password', '--on', 'secsvc');
    assert.equal(machine.exit, 3);
    assert.match(machine.err, /names no guest or host secsvc\. Did you mean secsvcs\?.*\(machine_unknown\)/s);
    const both = await set('all_or_nothing', '--on', 'secsvcs', '--on', 'homesvcs');
    assert.match(both.err, /names no recipient of homesvcs/);
    assert.equal(
      desk.paths().some((path) => path.includes('all_or_nothing')),
      false,
    );
  });

  test('answers in JSON, without the value', async () => {
    const ran = await desk.writ(['secrets', 'set', 'shared_token', '--from', '-', '--json'], {
      input: 'x7x7x7',
    });
    assert.deepEqual(JSON.parse(ran.out), {
      name: 'shared_token',
      machines: ['secsvcs', 'websvcs'],
      files: ['secrets/secsvcs/shared_token.age', 'secrets/websvcs/shared_token.age'],
    });
  });

  test('a folder that is a link is not written through', async () => {
    const elsewhere = join(desk.config, 'elsewhere');
    mkdirSync(elsewhere);
    const link = join(desk.repo, 'secrets/websvcs');
    rmSync(link, { recursive: true });
    symlinkSync(elsewhere, link);
    const ran = await desk.writ(['secrets', 'set', 'shared_token', '--from', '-'], { input: 'x' });
    assert.equal(ran.exit, 2);
    assert.match(ran.err, /secrets\/websvcs is a link.*\(symlink\)/s);
    rmSync(link);
  });

  test('a secret that is made on the machine is not set', async () => {
    desk.write('apps/db/app.yaml', 'on: secsvcs\nsecrets: { a: null, b: { from: a, as: bcrypt } }\n');
    const ran = await desk.writ(['secrets', 'set', 'b', '--from', '-'], { input: 'x' });
    assert.match(ran.err, /b is made on the machine from a.*\(secret_derived\)/s);
    assert.equal((await desk.writ(['secrets', 'set', 'a', '--from', '-'], { input: 'x' })).exit, 0);
  });
});
