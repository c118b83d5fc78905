import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { decryptAge, encryptSecret, makeIdentity } from '../../../../src/cli/secrets/age.ts';
import { readIdentity } from '../../../../src/cli/secrets/identity.ts';
import { missing } from '../../../support/missing.ts';
import { makeSecretsDesk } from '../../../support/secrets-desk.ts';

const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

if (!has('age')) missing('age, to open what writ encrypts and the other way round');
else {
  const age = (words: readonly string[], input?: Uint8Array | string): Buffer => {
    const ran = spawnSync('age', words, { ...(input !== undefined && { input }) });
    assert.equal(ran.status, 0, String(ran.stderr));
    return ran.stdout;
  };

  test('age opens what writ secrets set makes, with the key of the machine and of the owner', async (t) => {
    const desk = await makeSecretsDesk(t);
    await desk.admit();
    const value = new Uint8Array(70_000).map((_, index) => index % 251);
    const set = ['secrets', 'set', 'db_password', '--from', '-'];
    assert.equal((await desk.writ(set, { input: value })).exit, 0);
    const file = join(desk.repo, 'secrets/secsvcs/db_password.age');
    const machineFile = join(desk.config, 'machine.txt');
    writeFileSync(machineFile, desk.machines.secsvcs.identity);
    for (const identity of [machineFile, desk.ownerFile])
      assert.deepEqual(age(['-d', '-i', identity, file]), Buffer.from(value));
  });

  test('writ opens what age makes, binary and armored, and makes it its own', async (t) => {
    const desk = await makeSecretsDesk(t);
    await desk.admit();
    for (const [name, more] of [
      ['plain', []],
      ['armored', ['-a']],
    ] as const) {
      const to = [desk.owner, desk.machines.secsvcs].flatMap(({ recipient }) => ['-r', recipient]);
      desk.write(`secrets/secsvcs/${name}.age`, age([...more, ...to], 'from age'));
    }
    const checked = await desk.writ(['secrets', 'check']);
    assert.match(checked.out, /plain\.age:1:1: warning: another program encrypted it to 2 recipients/);
    assert.match(checked.out, /armored\.age:1:1: error: it is in ASCII armor/);
    const ran = await desk.writ(['secrets', 'rotate', '--recipients', '--identity', desk.ownerFile]);
    assert.equal(ran.exit, 0, ran.err);
    for (const name of ['plain', 'armored'])
      assert.equal(await desk.open(`secrets/secsvcs/${name}.age`, desk.machines.secsvcs), 'from age');
    const after = await desk.writ(['secrets', 'check']);
    assert.doesNotMatch(after.out, /another program|in ASCII armor/);
  });

  test('values of many lengths pass both ways', async () => {
    const { identity, recipient } = await makeIdentity('classic');
    const folder = mkdtempSync(join(tmpdir(), 'writ-age-'));
    const key = join(folder, 'key');
    writeFileSync(key, identity, { mode: 0o600 });
    for (const length of [1, 15, 16, 17, 65_535, 65_536, 65_537, 200_000]) {
      const value = new Uint8Array(length).fill(7);
      const made = await encryptSecret(value, [recipient]);
      assert.ok(made.ok);
      assert.deepEqual(age(['-d', '-i', key], made.value), Buffer.from(value));
      const opened = await decryptAge(new Uint8Array(age(['-r', recipient], value)), [{ identity }]);
      assert.ok(opened.ok);
      assert.deepEqual(Buffer.from(opened.value), Buffer.from(value));
    }
    rmSync(folder, { recursive: true });
  });

  if (!has('age-keygen')) missing('age-keygen, to read an identity that it made');
  else {
    test('an identity that age-keygen made is read, with its recipient', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'writ-age-'));
      const file = join(folder, 'key.txt');
      assert.equal(spawnSync('age-keygen', ['-o', file]).status, 0);
      const told = spawnSync('age-keygen', ['-y', file], { encoding: 'utf8' }).stdout.trim();
      const read = await readIdentity({ configDir: folder } as never, {
        identity: file,
        'passphrase-file': undefined,
      });
      assert.ok(read.ok);
      assert.deepEqual(read.value.recipients, [told]);
      rmSync(folder, { recursive: true });
    });
  }
}
