import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeIdentity } from '../../src/cli/secrets/age.ts';
import { runWrit } from '../src/cli/terminal-fixture.ts';
import { makeAskingDesk } from '../support/asking-desk.ts';
import { shellLines } from '../support/doc-lines.ts';
import { smallHome } from '../support/repo-fixture.ts';
import { makeEditor } from '../support/secrets-desk.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/secrets.md'), 'utf8');
const passphrase = 'correct horse battery staple';

test('docs/secrets.md: a reader who types the page gets what it says', async (t) => {
  const app = /^```yaml\n# (\S+)\n([\s\S]*?)^```/m.exec(page)!;
  const { desk, ask } = await makeAskingDesk(t, { ...smallHome, [app[1]!]: app[2]! });
  const folder = join(desk.config, '..');
  const file = (name: string): string => join(folder, name);
  writeFileSync(file('pve1.jws'), await desk.reportOf('secsvcs'));
  const anew = await makeIdentity('classic');
  writeFileSync(
    file('pve1-new.jws'),
    await desk.reportOf('secsvcs', { seq: 6, recipients: { secsvcs: anew.recipient } }),
  );
  writeFileSync(file('key.pem'), 'a key\n');
  copyFileSync(desk.ownerFile, file('key.txt'));
  writeFileSync(file('old.yaml'), 'db: { password: from before }\nother: x\n');
  await ask([]);

  const editor = makeEditor(t, 'printf edited > "$1"');
  const play = async (line: string, answers: Readonly<Record<string, string>> = {}) => {
    const [program, ...words] = line.split(' ');
    assert.equal(program, 'writ', line);
    const placed = words.map((word) => (/^[a-z0-9-]+\.(jws|pem|txt|yaml)$/.test(word) ? file(word) : word));
    const ran = await runWrit([...placed, '--repo', desk.repo, '--config', desk.config], {
      env: { EDITOR: editor },
      answers: (question) =>
        Object.entries({ ...answers, 'Passphrase|Once more': passphrase }).find(([asked]) =>
          new RegExp(asked).test(question),
        )?.[1] ?? null,
    });
    return ran;
  };
  const does = async (line: string, answers?: Readonly<Record<string, string>>): Promise<string> => {
    const ran = await play(line, answers);
    assert.equal(ran.exit, 0, `${line}\n${ran.out}\n${ran.err}`);
    return ran.out;
  };
  const lines = (heading: string, count: number): string[] => {
    const typed = shellLines(page, heading);
    assert.equal(typed.length, count, heading);
    return typed;
  };
  const path = 'secrets/secsvcs/db_password.age';

  const [identity] = lines('Once: an identity of your own', 1);
  assert.match(await does(identity!), /^you +age1/);
  const [asked, brought] = lines('The recipients of machines', 2);
  assert.match(await does(asked!), /No machine has a recipient yet/);
  assert.match(await does(brought!), /^secsvcs +age1\w+ +report 5 of pve1/m);

  const [set, fromFile, edit, rotate, hex] = lines('Set, edit, rotate', 5);
  await does(set!, { 'Value|Once more': 'typed' });
  assert.equal(await desk.open(path, desk.machines.secsvcs), 'typed');
  await does(fromFile!);
  assert.equal(await desk.open('secrets/secsvcs/tls_key.age', desk.machines.secsvcs), 'a key\n');
  await does(edit!);
  assert.equal(await desk.open(path, desk.machines.secsvcs), 'edited');
  await does(rotate!);
  assert.match(await desk.open(path, desk.machines.secsvcs), /^\w{32}$/);
  await does(hex!);
  assert.match(await desk.open('secrets/secsvcs/session_key.age', desk.machines.secsvcs), /^[0-9a-f]{64}$/);

  const [list, check] = lines('See and check', 2);
  assert.match(await does(list!), /^db_password +secsvcs +set +used by db$/m);
  assert.match(await does(check!), /secret_unused.*\n1 warning\.\nNo errors: 3 secrets\./);

  const [changed, again] = lines('A machine or your identity is another', 2);
  assert.match((await play(changed!, { 'installed anew': 'no' })).err, /instead of.*\(not_confirmed\)/s);
  await does(changed!, { 'installed anew': 'yes' });
  assert.equal((await play(check!)).exit, 1);
  const kept = await desk.open(path, desk.machines.secsvcs);
  await does(again!);
  assert.equal(await desk.open(path, anew), kept);
  assert.equal((await play(check!)).exit, 0);

  const [dry, real] = lines('Take secrets over', 2);
  assert.match(
    await does(dry!),
    /db\.password +db_password +secsvcs +replaces that of secsvcs\nNothing was written/,
  );
  await does(real!);
  assert.equal(await desk.open(path, anew), 'from before');
  assert.equal(shellLines(page).length, 14, 'every line of the page is played');
});
