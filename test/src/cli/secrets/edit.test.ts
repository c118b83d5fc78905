import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { editorWords } from '../../../../src/cli/secrets/editor.ts';
import { plainPlace } from '../../../../src/cli/secrets/plain-folder.ts';
import { missing } from '../../../support/missing.ts';
import { makeEditor, makeSecretsDesk, type SecretsDesk } from '../../../support/secrets-desk.ts';

const main = join(import.meta.dirname, '../../../../src/cli/main.ts');
const memory = '/dev/shm';
const hasMemory = existsSync(memory) && statfsSync(memory).type === 0x01021994;

/** Folders that an edit left in memory. */
const left = (): string[] => readdirSync(memory).filter((name) => name.startsWith('writ-secret-'));

test('the editor’s words are split as a shell does, without one', () => {
  const words = (EDITOR: string, VISUAL?: string) =>
    editorWords({ EDITOR, ...(VISUAL !== undefined && { VISUAL }) });
  assert.deepEqual(words('vim -n'), ['vim', '-n']);
  assert.deepEqual(words('"/opt/my editor/bin" --wait'), ['/opt/my editor/bin', '--wait']);
  assert.deepEqual(words("vim -c 'set noundofile' -i NONE"), ['vim', '-c', 'set noundofile', '-i', 'NONE']);
  assert.deepEqual(words('nano', 'code --wait'), ['code', '--wait']);
  assert.deepEqual(words('a; rm -rf $HOME `id`'), ['a;', 'rm', '-rf', '$HOME', '`id`']);
  assert.deepEqual(words(' ', ''), ['vi']);
});

if (!hasMemory) missing('tmpfs at /dev/shm, to edit secrets in');
else {
  describe('writ secrets edit', () => {
    let desk: SecretsDesk;
    const ends: (() => void)[] = [];
    const path = 'secrets/secsvcs/db_password.age';
    const test_ = { after: (work: () => void) => void ends.push(work) };
    const edit = (EDITOR: string, ...words: string[]) =>
      desk.writ(['secrets', 'edit', 'db_password', '--identity', desk.ownerFile, ...words], {
        env: { EDITOR },
      });
    const put = async (value: string): Promise<void> => {
      const words = ['secrets', 'set', 'db_password', '--on', 'secsvcs', '--on', 'websvcs', '--from', '-'];
      assert.equal((await desk.writ(words, { input: value })).exit, 0);
    };
    before(async () => {
      desk = await makeSecretsDesk(test_);
      await desk.admit();
    });
    after(() => {
      for (const end of ends) end();
    });

    test('opens the value in memory for its owner alone, writes what it became everywhere, and leaves nothing', async () => {
      await put('canary-before');
      const seen = join(desk.config, 'seen');
      const editor = makeEditor(
        test_,
        `{ pwd -P; stat -c '%n %a %F' "$1" "$(dirname "$1")"; cat "$1"; } > "${seen}"
cp "$1" "$1~"; mkdir "$(dirname "$1")/.undo"; cp "$1" "$(dirname "$1")/.undo/copy"
printf canary-after > "$1"`,
      );
      const ran = await edit(editor);
      assert.equal(ran.exit, 0, ran.err);
      assert.match(ran.out, /^secrets\/secsvcs\/db_password\.age\nsecrets\/websvcs\/db_password\.age\n/);
      const told = readFileSync(seen, 'utf8');
      assert.match(told, /^\/dev\/shm\/writ-secret-\w+\/db_password 600 regular file$/m);
      assert.match(told, /^\/dev\/shm\/writ-secret-\w+ 700 directory$/m);
      assert.ok(told.endsWith('canary-before'));
      for (const machine of ['secsvcs', 'websvcs'] as const)
        assert.equal(
          await desk.open(`secrets/${machine}/db_password.age`, desk.machines[machine]),
          'canary-after',
        );
      assert.deepEqual(left(), []);
    });

    test('writes nothing without a change, nor for the line end that an editor adds', async () => {
      await put('same');
      const kept = desk.read(path);
      for (const script of [':', 'printf "same\\n" > "$1"']) {
        const ran = await edit(makeEditor(test_, script), '--json');
        assert.deepEqual(JSON.parse(ran.out).changed, false);
        assert.deepEqual(desk.read(path), kept);
      }
      assert.equal((await edit(makeEditor(test_, 'printf "same\\n" > "$1"'), '--keep-newline')).exit, 0);
      assert.equal(await desk.open(path, desk.owner), 'same\n');
      assert.equal((await edit(makeEditor(test_, 'printf "other\\n" > "$1"'))).exit, 0);
      assert.equal(await desk.open(path, desk.owner), 'other\n', 'it had one before');
    });

    test('an editor that fails, is missing, empties the file or takes it away changes nothing and leaves nothing', async () => {
      await put('kept');
      const kept = desk.read(path);
      const cases: Readonly<Record<string, [editor: string, code: string]>> = {
        fails: [makeEditor(test_, 'printf x > "$1"; exit 3'), 'editor_failed'],
        'is killed': [makeEditor(test_, 'printf x > "$1"; kill -INT $$'), 'editor_failed'],
        missing: ['/nonexistent/editor', 'editor_missing'],
        empties: [makeEditor(test_, ': > "$1"'), 'secret_size'],
        removes: [makeEditor(test_, 'rm "$1"'), 'editor_failed'],
        links: [makeEditor(test_, 'rm "$1"; ln -s /etc/passwd "$1"'), 'editor_failed'],
        fills: [makeEditor(test_, 'head -c 600000 /dev/zero > "$1"'), 'editor_failed'],
      };
      for (const [name, [editor, code]] of Object.entries(cases)) {
        const ran = await edit(editor);
        assert.notEqual(ran.exit, 0, name);
        assert.match(ran.err, new RegExp(`Nothing was written\\.\n\\(${code}\\)`), name);
        assert.deepEqual(desk.read(path), kept, name);
        assert.deepEqual(left(), [], name);
      }
    });

    test('machines with different values are edited one by one; an unknown secret and a wrong key are told', async () => {
      await put('one');
      const editor = makeEditor(test_, 'printf two > "$1"');
      assert.equal((await edit(editor, '--on', 'websvcs')).exit, 0);
      assert.equal(await desk.open(path, desk.owner), 'one');
      assert.match((await edit(editor)).err, /secsvcs, websvcs have different values.*\(values_differ\)/s);
      assert.match((await edit(editor, '--on', 'homesvcs')).err, /set the secret db_password for homesvcs/);
      const unknown = await desk.writ(['secrets', 'edit', 'db_pasword']);
      assert.match(unknown.err, /Did you mean db_password\?/);
      const other = join(desk.config, 'other.txt');
      writeFileSync(other, desk.machines.websvcs.identity, { mode: 0o600 });
      const foreign = await edit(editor, '--on', 'secsvcs', '--identity', other);
      assert.match(foreign.err, /is not encrypted to this key.*\(age_not_for_key\)/s);
      writeFileSync(other, 'AGE-SECRET-KEY-1NOTONE\n', { mode: 0o600 });
      const malformed = await edit(editor, '--identity', other);
      assert.match(malformed.err, /^Line 1 of .* is no identity/);
      assert.doesNotMatch(malformed.err, /NOTONE/);
      chmodSync(other, 0o644);
      assert.match((await edit(editor, '--identity', other)).err, /Others may read .*\(config_open\)/s);
      assert.match(
        (await desk.writ(['secrets', 'edit', 'db_password'])).err,
        /--new-identity.*\(identity_missing\)/s,
      );
      assert.deepEqual(left(), []);
    });

    test('without memory to write to nothing is decrypted, unless a folder is named', async () => {
      await put('disk');
      const given = plainPlace({ XDG_RUNTIME_DIR: '/proc' }, undefined);
      assert.ok(given.ok && given.value === memory, 'a folder that is not in memory is passed over');
      const ran = await edit(
        makeEditor(test_, 'pwd -P > /dev/null; printf moved > "$1"'),
        '--tmp',
        desk.config,
      );
      assert.equal(ran.exit, 0, ran.err);
      assert.equal(await desk.open(path, desk.owner), 'moved');
      assert.equal(
        readdirSync(desk.config).some((name) => name.startsWith('writ-secret-')),
        false,
      );
    });

    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) {
      test(`${signal} ends the edit with nothing left and nothing changed`, async () => {
        await put('kept');
        const kept = desk.read(path);
        const ready = join(desk.config, `ready-${signal}`);
        const editor = makeEditor(
          test_,
          `printf changed > "$1"; : > "${ready}"; while :; do sleep 0.05; done`,
        );
        const words = ['secrets', 'edit', 'db_password', '--identity', desk.ownerFile];
        const writ = spawn(process.execPath, [main, ...words, '--repo', desk.repo, '--config', desk.config], {
          env: { PATH: process.env.PATH, EDITOR: editor },
          stdio: 'ignore',
          detached: true,
        });
        const ended = once(writ, 'exit');
        while (!existsSync(ready)) {
          assert.equal(writ.exitCode, null);
          await new Promise((resolve) => setImmediate(resolve));
        }
        assert.equal(left().length, 1);
        // Ctrl-C reaches the whole group of the terminal, and is the editor's to take.
        process.kill(signal === 'SIGINT' ? -writ.pid! : writ.pid!, signal);
        const [code] = (await ended) as [number];
        assert.equal(code, 1);
        assert.deepEqual(left(), []);
        assert.deepEqual(desk.read(path), kept);
      });
    }
  });
}
