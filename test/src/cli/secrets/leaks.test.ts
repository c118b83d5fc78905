import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeEditor, makeSecretsDesk } from '../../../support/secrets-desk.ts';

const main = join(import.meta.dirname, '../../../../src/cli/main.ts');
const canary = 'CANARY-7f3a9c';

/** Every file below a folder, but the editors and inputs of this test. */
function holders(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => join(folder, path))
    .filter((path) => statSync(path).isFile() && readFileSync(path).includes(canary));
}

test('threat 20: no value is in any output, temporary folder, repo, key folder or argument, also when a command fails', async (t) => {
  const desk = await makeSecretsDesk(t);
  await desk.admit();
  const temporary = join(desk.config, '..', 'tmp');
  const inputs = join(desk.config, '..', 'inputs');
  for (const folder of [temporary, inputs]) mkdirSync(folder);
  const clear = join(inputs, 'clear.yaml');
  writeFileSync(clear, `db_password: ${canary}\nother: *${canary}\n`);
  const importable = join(inputs, 'good.yaml');
  writeFileSync(importable, `db_password: ${canary}\nunlisted: ${canary}\n`);
  const seen = join(inputs, 'argv');
  const editor = (script: string) =>
    makeEditor(t, `tr '\\0' '\\n' < "/proc/$PPID/cmdline" >> "${seen}"; ${script}`);
  const good = editor(`printf '${canary}-edited' > "$1"`);
  const bad = editor(`printf '${canary}-edited' > "$1"; exit 1`);
  const large = editor(`i=0; while [ $i -lt 40000 ]; do printf '${canary}-large'; i=$((i+1)); done > "$1"`);
  const empty = editor(`cp "$1" "$1.bak"; : > "$1"`);
  const own = ['--identity', desk.ownerFile];
  let said = '';
  const run = (words: readonly string[], more: { input?: string; EDITOR?: string } = {}): number | null => {
    const ran = spawnSync(
      process.execPath,
      [main, 'secrets', ...words, '--repo', desk.repo, '--config', desk.config],
      {
        encoding: 'utf8',
        input: more.input ?? '',
        env: {
          PATH: process.env.PATH,
          TMPDIR: temporary,
          HOME: temporary,
          EDITOR: more.EDITOR ?? 'false',
          NODE_COMPILE_CACHE: join(inputs, 'cache'),
        },
      },
    );
    said += ran.stdout + ran.stderr;
    return ran.status;
  };
  assert.equal(run(['set', 'db_password', '--from', '-'], { input: canary }), 0);
  assert.equal(run(['set', 'shared_token', '--from', importable, '--json']), 0);
  assert.equal(run(['set', 'db_password', '--from', '-'], { input: canary.repeat(50_000) }), 2);
  assert.equal(run(['set', canary.toLowerCase(), '--from', '-'], { input: canary }), 2);
  said = said.replaceAll(canary.toLowerCase(), '');
  if (existsSync('/dev/shm')) {
    assert.equal(run(['edit', 'db_password', ...own], { EDITOR: good }), 0);
    assert.equal(run(['edit', 'db_password', ...own, '--json'], { EDITOR: bad }), 1);
    assert.equal(run(['edit', 'db_password', ...own], { EDITOR: large }), 1);
    assert.equal(run(['edit', 'db_password', ...own], { EDITOR: empty }), 2);
    assert.doesNotMatch(readFileSync(seen, 'utf8'), new RegExp(canary));
    assert.deepEqual(holders('/dev/shm'), []);
  }
  assert.equal(run(['list']), 0);
  assert.equal(run(['check', '--json']), 0);
  assert.equal(run(['import', clear, '--yes']), 2);
  assert.equal(run(['import', importable, '--yes']), 2);
  assert.equal(run(['import', importable, '--yes', '--on', 'secsvcs']), 0);
  assert.equal(run(['rotate', '--recipients', ...own]), 0);
  assert.equal(run(['rotate', 'db_password', '--json']), 0);
  assert.ok(said.length > 1000);
  assert.doesNotMatch(said, new RegExp(canary, 'i'));
  for (const folder of [desk.repo, desk.config, temporary]) assert.deepEqual(holders(folder), []);
});
