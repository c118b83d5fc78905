import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { pbkdf2Sync } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { secretsProgram } from '../../../../relay/deploy/secrets/secrets-program.ts';
import { makeIdentity } from '../../../../src/cli/secrets/age.ts';
import { missing } from '../../../support/missing.ts';
import {
  makeSecretTarget,
  type Said,
  type SecretTarget,
  whyNoSecretTarget,
} from '../../../support/secret-target.ts';

const lacking = whyNoSecretTarget();
if (lacking !== null) missing(lacking);
const check: typeof test = lacking === null ? test : (test.skip as typeof test);

const asPodman = { env: { SECRET_ID: '0123456789abcdef012345678' } };
const lookUp = (target: SecretTarget, name: string): Promise<Said> => target.run(['lookup', name], asPodman);
const fault = ({ code, err }: Said): string =>
  code === 0 ? 'none' : (/^writ ([a-z_]+)/m.exec(err)?.[1] ?? `exit ${code}: ${err}`);

check('Podman gets the very bytes of a secret, and of no other', async (t) => {
  const target = makeSecretTarget(t);
  const values: readonly Buffer[] = [
    Buffer.from('plain'),
    Buffer.from('two\nlines\n\n'),
    Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
    Buffer.alloc(200_000, 'x'),
  ];
  const secrets = await Promise.all(values.map((value, index) => target.secret(`s.${index}`, value)));
  await target.table(secrets);
  for (const [index, value] of values.entries()) {
    const said = await lookUp(target, `s.${index}`);
    assert.deepEqual([said.code, said.out, said.err], [0, value, '']);
  }
  for (const name of ['sx0', 's.9', '', '../s.0', 's.0\n', '-d', '*']) {
    const said = await lookUp(target, name);
    assert.deepEqual([fault(said), said.out.length], ['secret_missing', 0], name);
  }
  // As "create --replace" runs them for a name that is not there yet.
  for (const words of [['lookup', 's.0'], ['store']]) assert.notEqual((await target.run(words)).code, 0);
  assert.deepEqual((await target.run(['delete'])).code, 0);
});

check('the driver keeps nothing that it is given, and says so', async (t) => {
  const target = makeSecretTarget(t);
  assert.equal((await target.run(['store'], { ...asPodman, stdin: 'writ' })).code, 0);
  assert.equal(fault(await target.run(['store'], { ...asPodman, stdin: 'a password' })), 'secret_foreign');
  assert.deepEqual((await target.run(['list'], asPodman)).out.toString(), '');
  assert.deepEqual(readdirSync(target.places.home).sort(), ['blobs', 'program']);
});

const crypt = (value: string, hash: string): string =>
  spawnSync('perl', ['-e', 'local $/; print crypt(<STDIN>, $ARGV[0])', hash], {
    input: value,
  }).stdout.toString();

check('derived secrets are what they say, and the same each time', async (t) => {
  const target = makeSecretTarget(t);
  const password = await target.secret('password', 'correct horse+/=&"');
  const secrets = [
    password,
    await target.secret('user', 'u<>'),
    { name: 'hash', derived: { from: ['password'], as: 'bcrypt' } },
    { name: 'digest', derived: { from: ['password'], as: 'pbkdf2-sha512' } },
    { name: 'coded', derived: { from: ['password'], as: 'base64' } },
    {
      name: 'url',
      derived: { from: ['user', 'password'], as: 'text', pattern: 'pg://<<user>>:<<password>>@ü\n<<user>>' },
    },
    { name: 'coded_url', derived: { from: ['url'], as: 'base64' } },
  ];
  await target.table(secrets);
  const get = async (name: string): Promise<string> => {
    const said = await lookUp(target, name);
    assert.equal(said.code, 0, `${name}: ${said.err}`);
    return said.out.toString();
  };
  const value = 'correct horse+/=&"';
  assert.equal(await get('coded'), btoa(value));
  const url = `pg://u<>:${value}@ü\nu<>`;
  assert.equal(await get('url'), url);
  assert.equal(await get('coded_url'), Buffer.from(url).toString('base64'));
  const hash = await get('hash');
  assert.match(hash, /^\$2y\$10\$[./A-Za-z0-9]{53}$/);
  assert.equal(crypt(value, hash), hash);
  assert.notEqual(crypt('other', hash), hash);
  const digest = await get('digest');
  const [, , rounds, salt, made] = digest.split('$') as [string, string, string, string, string];
  const bytes = Buffer.from(salt.replaceAll('.', '+'), 'base64');
  assert.deepEqual([rounds, bytes.length], ['310000', 16]);
  const expected = pbkdf2Sync(value, bytes, 310_000, 64, 'sha512').toString('base64');
  assert.equal(made, expected.replace(/=+$/, '').replaceAll('+', '.'));
  assert.deepEqual([await get('hash'), await get('digest')], [hash, digest]);
  // Another value has another salt.
  await target.table([await target.secret('password', value), ...secrets.slice(1)]);
  assert.notEqual((await get('hash')).slice(0, 29), hash.slice(0, 29));
});

check('what cannot be derived is told, with the program that is missing', async (t) => {
  const target = makeSecretTarget(t);
  const derived = (as: string) => ({ name: 'made', derived: { from: ['password'], as } });
  for (const value of ['x'.repeat(73), 'a\0b']) {
    await target.table([await target.secret('password', value), derived('bcrypt')]);
    assert.equal(fault(await lookUp(target, 'made')), 'derived_unfit');
  }
  const program = secretsProgram(target.places);
  assert.ok(program.includes('python3'), 'what is taken away below');
  await target.table([await target.secret('password', 'x'), derived('pbkdf2-sha512')]);
  // A PATH without python3 and without perl's modules.
  const bin = join(target.places.home, 'bin');
  spawnSync('sh', [
    '-c',
    'mkdir "$0"; for p in stat mktemp mkdir mv rm cat age base64 wc sha256sum cut; do ln -s "$(command -v $p)" "$0/$p"; done',
    bin,
  ]);
  const bare = program.replace('PATH=/usr/sbin:/usr/bin:/sbin:/bin', `PATH=${bin}`);
  const ran = spawnSync('/bin/sh', ['-c', bare, 'x', 'lookup', 'made'], asPodman);
  assert.match(
    ran.stderr.toString(),
    /^writ derived_program_missing made as pbkdf2-sha512 needs python3, or perl with Digest::SHA$/m,
  );
});

check('pbkdf2 is the same by perl where there is no python3', async (t) => {
  if (spawnSync('perl', ['-MDigest::SHA', '-e', '1']).status !== 0) return missing('perl with Digest::SHA');
  const target = makeSecretTarget(t);
  await target.table([
    await target.secret('password', 'ä\n'),
    { name: 'made', derived: { from: ['password'], as: 'pbkdf2-sha512' } },
  ]);
  const byPython = await lookUp(target, 'made');
  assert.equal(readdirSync(join(target.places.run, 'made')).length, 1, 'it is slow, and kept in memory');
  rmSync(join(target.places.run, 'made'), { recursive: true });
  const program = secretsProgram(target.places).replaceAll('python3', 'python3-that-is-not-there');
  const ran = spawnSync('/bin/sh', ['-c', program, 'x', 'lookup', 'made'], asPodman);
  assert.equal(ran.stdout.toString(), byPython.out.toString());
  assert.match(byPython.out.toString(), /^\$pbkdf2-sha512\$310000\$/);
});

const pieces = fc.array(
  fc.oneof(
    fc.constantFrom(
      '~writ:secret:',
      '~writ:secret:a~',
      '~writ:secret:b.c~',
      '~',
      '\n',
      '\\n',
      '%s',
      '$x',
      '`',
      "'",
      '*',
    ),
    fc.string(),
    fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')),
  ),
  { maxLength: 12 },
);

for (const sh of ['/bin/sh', '/bin/bash'].filter((path) => existsSync(path))) {
  check(`placeholders become the values and nothing else changes (${sh})`, async (t) => {
    const target = makeSecretTarget(t, sh);
    await fc.assert(
      fc.asyncProperty(pieces, pieces, pieces, async (text, a, b) => {
        const template = text.join('');
        const values: Readonly<Record<string, string>> = { a: a.join(''), 'b.c': b.join('') };
        const secrets = await Promise.all(
          Object.entries(values).map(([name, value]) => target.secret(name, value)),
        );
        // A text that has none is no file with secrets.
        await target.table(secrets, { '/etc/f': `~writ:secret:a~${template}` });
        const said = await target.run(['apply']);
        assert.equal(said.code, 0, said.err);
        const expected = `~writ:secret:a~${template}`.replace(
          /~writ:secret:([A-Za-z0-9][A-Za-z0-9_.-]{0,62})~/g,
          (whole, name: string) => values[name] ?? whole,
        );
        assert.equal(target.filled('/etc/f'), expected);
      }),
      { numRuns: 12 },
    );
  });
}

check('files are filled in with their modes, in place, and what is no longer wanted goes', async (t) => {
  const target = makeSecretTarget(t);
  const first = await target.secret('s', 'one');
  const path = (name: string): string => join(target.places.run, 'files', name);
  await target.table(
    [first],
    { '/etc/a b/x': 'v=~writ:secret:s~', '/etc/y': '~writ:secret:s~\n' },
    { mode: '0640' },
  );
  assert.equal((await target.run(['apply'])).code, 0);
  const before = statSync(path('/etc/a b/x'));
  assert.deepEqual([target.filled('/etc/a b/x'), before.mode & 0o7777], ['v=one', 0o640]);
  assert.equal(statSync(path('/etc/a b')).mode & 0o7777, 0o711);
  await target.table(
    [await target.secret('s', 'two')],
    { '/etc/a b/x': 'v=~writ:secret:s~' },
    { mode: '0600' },
  );
  assert.equal((await target.run(['apply'])).code, 0);
  const after = statSync(path('/etc/a b/x'));
  assert.deepEqual(
    [target.filled('/etc/a b/x'), after.mode & 0o7777, after.ino],
    ['v=two', 0o600, before.ino],
  );
  assert.ok(!existsSync(path('/etc/y')));
  // Without a table all goes; nothing in clear stays.
  rmSync(join(target.places.home, 'secrets'));
  assert.equal((await target.run(['apply'])).code, 0);
  assert.deepEqual(readdirSync(path('')), []);
  assert.ok(readdirSync(target.places.run).every((name) => !name.startsWith('work.')));
});

check('a table is checked before it is in force: recipients, damage, what a file cannot hold', async (t) => {
  const target = makeSecretTarget(t);
  const good = await target.secret('good', 'v');
  await target.table([good]);
  const judge = async (...given: Parameters<SecretTarget['table']>): Promise<string> =>
    fault(await target.run(['check', await target.table(given[0], given[1], { installed: false })]));
  assert.equal(await judge([good]), 'none');
  const stranger = await makeIdentity('classic');
  assert.equal(
    await judge([good, await target.secret('bad', 'v', stranger.recipient)]),
    'secret_not_for_target',
  );
  const damaged = await target.secret('bad', 'v'.repeat(100_000));
  const blob = join(target.places.home, 'blobs', damaged.digest!.slice(7));
  const bytes = readFileSync(blob);
  bytes[bytes.length - 5]! ^= 1;
  writeFileSync(blob, bytes);
  assert.equal(await judge([good, damaged]), 'secret_unreadable');
  assert.equal(
    await judge([good, { name: 'bad', digest: target.keep(Buffer.from('no age')) }]),
    'secret_unreadable',
  );
  const gone = await target.secret('bad', 'v');
  rmSync(join(target.places.home, 'blobs', gone.digest!.slice(7)));
  assert.equal(await judge([good, gone]), 'secret_unreadable');
  const binary = await target.secret('bin', 'a\0b');
  assert.equal(await judge([binary]), 'none', 'Podman may have it');
  assert.equal(await judge([binary], { '/etc/x': '~writ:secret:bin~' }), 'secret_not_text');
  // A file in the way must hold what would be filled in.
  const table = await target.table(
    [good],
    { [join(target.places.home, 'x')]: 'v=~writ:secret:good~' },
    { installed: false },
  );
  for (const [text, says] of [
    ['v=v', 'none'],
    ['v=w', 'foreign_file'],
  ] as const) {
    writeFileSync(join(target.places.home, 'x'), text);
    assert.equal(fault(await target.run(['check', table, join(target.places.home, 'x')])), says);
  }
});

check('an identity is made once, is root’s alone, and one that is lost is told', async (t) => {
  const target = makeSecretTarget(t);
  const at = join(target.places.home, 'identity');
  const say = async (how: string): Promise<string> => {
    const said = await target.run(['identity', how]);
    return said.code === 0 ? said.out.toString().trim() : fault(said);
  };
  assert.equal(await say('look'), 'identity_missing');
  const made = await Promise.all([say('make'), say('make'), say('make')]);
  assert.match(made[0]!, /^age1[a-z0-9]{58}$/);
  assert.equal(new Set([...made, await say('make'), await say('look'), await say('anew')]).size, 1);
  assert.equal(statSync(at).mode & 0o7777, 0o400);
  assert.deepEqual(readdirSync(target.places.home).sort(), ['blobs', 'identity', 'program', 'recipient']);
  spawnSync('chmod', ['0440', at]);
  assert.equal(await say('look'), 'identity_exposed');
  rmSync(at);
  assert.deepEqual([await say('look'), await say('make')], ['identity_lost', 'identity_lost']);
  const anew = await say('anew');
  assert.match(anew, /^age1/);
  assert.notEqual(anew, made[0]);
  assert.equal(await say('look'), anew);
  rmSync(at);
  writeFileSync(at, 'nothing\n', { mode: 0o400 });
  assert.equal(await say('look'), 'identity_malformed');
});

check('nothing is written in clear where /run is no memory', async (t) => {
  const target = makeSecretTarget(t);
  await target.table([await target.secret('s', 'v')], { '/etc/x': '~writ:secret:s~' });
  const disk = { ...target.places, run: join(target.places.home, 'run') };
  if (spawnSync('stat', ['-f', '-c', '%T', target.places.home]).stdout.toString().trim() === 'tmpfs')
    return missing('a temporary folder on a disk, for secrets on a target');
  const ran = spawnSync('/bin/sh', ['-c', secretsProgram(disk), 'x', 'apply']);
  assert.match(ran.stderr.toString(), /^writ tmpfs_missing /m);
  assert.deepEqual(readdirSync(disk.run), []);
});

check('the program is one that shells agree on', (t) => {
  const target = makeSecretTarget(t);
  for (const line of ['dash', 'bash --posix', 'busybox sh', 'shellcheck -s sh -S warning -e SC3045']) {
    const [program, ...words] = line.split(' ') as [string, ...string[]];
    if (spawnSync('/usr/bin/which', [program]).status !== 0) {
      missing(`${program}, for the program of secrets`);
      continue;
    }
    const checked =
      program === 'shellcheck' ? [...words, target.places.program] : [...words, '-n', target.places.program];
    const ran = spawnSync(program, checked);
    assert.equal(ran.status, 0, `${line}: ${ran.stdout}${ran.stderr}`);
  }
});
