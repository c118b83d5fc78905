import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { commands } from '../../../src/cli/commands.ts';
import { completionOf, noNames, scriptOf, shells } from '../../../src/cli/completion.ts';
import { exitCodes } from '../../../src/cli/help.ts';
import { manPage } from '../../../src/cli/man.ts';
import { missing } from '../../support/missing.ts';
import { runWrit } from './terminal-fixture.ts';

const house = {
  hosts: ['pve1', 'pve2'],
  guests: ['gaming', 'devtop'],
  runbooks: ['night'],
  scopes: ['status', 'run@night', 'app.command@websvcs/wiki/reindex'],
};
const words = (...line: string[]): string[] =>
  completionOf(commands, house)
    .candidates(line)
    .map(({ word }) => word);

test('commands, their second words, options and names of the house are completed', () => {
  assert.deepEqual(words('rel'), ['relays']);
  assert.deepEqual(words('relays', 'a'), ['add', 'approve']);
  assert.deepEqual(words('wake', ''), ['pve1', 'pve2']);
  assert.deepEqual(words('start', 'g'), ['gaming']);
  assert.ok(words('shutdown', '').includes('pve2') && words('shutdown', '').includes('gaming'));
  assert.deepEqual(words('run', ''), ['night', 'websvcs/wiki/reindex']);
  assert.deepEqual(words('trust', 'command', ''), ['websvcs/wiki/reindex']);
  assert.deepEqual(words('trust', 'add-notary', ''), ['pve1', 'pve2']);
  assert.deepEqual(words('trust', 'add-github', 'x', '--on', 'd'), ['devtop']);
  assert.deepEqual(words('trust', 'add-key', 'x', '--may', ''), ['app.command@websvcs/wiki/reindex']);
  assert.deepEqual(words('relays', 'add', 'pve1', 'p'), ['pve2']);
  assert.deepEqual(words('tokens', 'create', 'x', '--sc'), ['--scope']);
  assert.deepEqual(words('tokens', 'create', 'x', '--scope', 'status', '--sc'), ['--scope']);
  assert.deepEqual(words('tokens', 'create', 'x', '--scope', 'r'), ['run@night']);
  assert.deepEqual(words('tokens', 'create', 'x', '--days', ''), []);
  assert.deepEqual(words('tokens', 'create', ''), [], 'a new name is nobody’s yet');
  assert.deepEqual(words('rollback', 'pve1', ''), ['pve2', 'gaming', 'devtop']);
  assert.deepEqual(words('diff', 'd'), ['devtop']);
  assert.deepEqual(words('deploy', '--only', 'g'), ['gaming']);
  assert.deepEqual(words('deploy', '--only', 'gaming', '--on'), ['--only']);
  assert.deepEqual(words('status', '--json', '--js'), []);
  assert.deepEqual(words('nonsense', ''), []);
});

test('every command can be reached by completing its words', () => {
  for (const { name } of commands) {
    const parts = name.split(' ');
    for (const [index, part] of parts.entries()) {
      assert.ok(words(...parts.slice(0, index), part).includes(part), name);
    }
  }
});

test('writ completion words answers a word and what it is on each line, without a home as well', async () => {
  const ran = await runWrit(['completion', 'words', '--', 'audit', 'v']);
  assert.equal(ran.exit, 0, ran.err);
  assert.match(ran.out, /^verify\tCheck that/);
  assert.equal((await runWrit(['completion', 'ksh'])).exit, 2);
  assert.deepEqual(completionOf(commands, noNames).candidates(['wake', '']), []);
});

const shellChecks = { bash: ['-n'], zsh: ['-n'], fish: ['--no-execute'] } as const;

for (const name of shells) {
  test(`the script for ${name} is one that ${name} takes`, (t) => {
    assert.match(scriptOf(name), /writ completion words --/);
    if (spawnSync(name, ['--version']).error !== undefined)
      return missing(`${name}, to check its completion script`);
    const folder = mkdtempSync(join(tmpdir(), 'writ-completion-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'script');
    writeFileSync(file, scriptOf(name));
    const checked = spawnSync(name, [...shellChecks[name], file], { encoding: 'utf8' });
    assert.equal(checked.status, 0, checked.stderr);
  });
}

test('bash completes a command line by asking writ', () => {
  const writ = `writ() { '${process.execPath}' '${join(import.meta.dirname, '../../../src/cli/main.ts')}' "$@"; }`;
  const line = 'COMP_WORDS=(writ audit ex); COMP_CWORD=2; _writ; echo "$COMPREPLY"';
  const ran = spawnSync('bash', ['-c', `${writ}\n${scriptOf('bash')}\n${line}`], { encoding: 'utf8' });
  assert.equal(ran.stdout.trim(), 'export', ran.stderr);
});

test('the manual page names every command, option and exit code, and man takes it', () => {
  const page = manPage(commands, { version: '1.2.3', exitCodes });
  const plain = page.replaceAll('\\-', '-');
  for (const { name, options } of commands) {
    assert.ok(plain.includes(`.SS writ ${name}`), name);
    for (const option of Object.keys(options)) assert.ok(plain.includes(`--${option}`), option);
  }
  assert.doesNotMatch(page, /^\.(?!TH|SH|SS|TP|PP|EX|EE|BI? |I )/m);
  const man = spawnSync('man', ['--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-'], {
    input: page,
    encoding: 'utf8',
    env: { ...process.env, MANWIDTH: '100' },
  });
  if (man.error !== undefined) return missing('man, to check the manual page');
  assert.equal(man.stderr, '');
  // Bold and underlined text comes overstruck.
  const shown = man.stdout.split('\b').reduce((text, part) => text.slice(0, -1) + part);
  assert.match(shown, /writ relays add HOST/);
});
