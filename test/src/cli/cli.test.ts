import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allActions } from '../../../schema/actions/index.ts';
import { formatSetupCode } from '../../../schema/api/access.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import { nearest } from '../../../schema/near.ts';
import { arityOf } from '../../../src/cli/command.ts';
import { commands } from '../../../src/cli/commands.ts';
import { replaceFile } from '../../../src/cli/files.ts';
import { runWrit } from './terminal-fixture.ts';

test('every command has a summary, examples of itself, and help', async () => {
  for (const command of commands) {
    assert.ok(command.summary.length > 10, command.name);
    assert.ok(command.examples.length > 0, command.name);
    for (const { line } of command.examples) assert.ok(line.startsWith(`writ ${command.name}`), line);
    const help = await runWrit([...command.name.split(' '), '--help']);
    assert.equal(help.exit, 0);
    assert.match(help.out, /Examples/);
    for (const option of Object.keys(command.options)) assert.ok(help.out.includes(`--${option}`), option);
  }
});

test('no two commands have one name, and none hides another', () => {
  const names = commands.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const command of commands) {
    // `relays` takes no argument, so `relays add` can be told from it.
    const deeper = names.some((name) => name.startsWith(`${command.name} `));
    if (deeper) assert.equal(arityOf(command.usage).most, 0, command.name);
  }
});

/** Commands that are not named after the action's verb. */
const elsewhere: Readonly<Record<string, string>> = {
  'release.apply': 'deploy',
  'release.heal': 'trust heal',
  'app.command': 'run',
  'guest.look': 'guests prepare',
  'guest.prepare': 'guests prepare',
};

test('every action of the registry has a command', () => {
  const names = new Set(commands.map(({ name }) => name));
  for (const { type } of allActions) {
    const verb = elsewhere[type] ?? type.split('.')[1]!.replace(/-in-use$/, '');
    assert.ok(names.has(verb), type);
    if (type.endsWith('-in-use')) {
      const command = commands.find(({ name }) => name === verb);
      assert.ok(command?.options['even-if-in-use'] !== undefined, type);
    }
  }
});

test('what is mistyped is answered with exit 2 and the near name', async () => {
  const cases: [string[], RegExp][] = [
    [['staus'], /Did you mean status\?/],
    [['relay', 'add', 'x'], /Did you mean relays add\?/],
    [['tokens'], /create, list, revoke/],
    [['status', '--jsno'], /Did you mean --json\?/],
    [['status', 'more'], /more than it takes/],
    [['start'], /missing[\s\S]*writ start GUEST/],
    [['start', 'gaming', '--yes=no'], /yes/],
    [['tokens', 'create', 'phone'], /--scope/],
    [['tokens', 'create', 'phone', '--scope', 'status', '--days', '1.5'], /--days/],
    [['tokens', 'revoke', 'phone'], /no token's id/],
    [['command', 'x'], /no command's id|There is no home/],
    [['init', 'nonsense'], /no setup code/],
    [['init', 'writ-setup.AAAA'], /no setup code/],
    [['status', '--config'], /config/],
  ];
  for (const [words, says] of cases) {
    const ran = await runWrit(words);
    assert.equal(ran.exit, 2, words.join(' '));
    assert.match(ran.err, says);
    assert.equal(ran.out, '');
  }
});

test('with --json a failure is JSON too', async () => {
  const ran = await runWrit(['status', '--json', '--config', '/nonexistent/writ']);
  assert.equal(ran.exit, 2);
  const told = JSON.parse(ran.out) as { error: { code: string; detail: string } };
  assert.equal(told.error.code, 'no_home');
  assert.match(told.error.detail, /writ init/);
});

test('what the system refuses is told in a sentence', async () => {
  const code = formatSetupCode({
    origin: 'https://192.0.2.1:8420',
    spki: null,
    controller: (await generateKey()).signing.jwk,
    secret: 'A'.repeat(43),
  });
  const folder = import.meta.dirname;
  const ran = await runWrit(['init', code, '--passphrase-file', folder, '--config', '/nonexistent/writ']);
  assert.equal(ran.exit, 1);
  assert.match(ran.err, /^EISDIR: .*\.\n\(system_error\)\n$/);
  const forbidden = await runWrit(['init', code, '--trial', '--config', '/sys/kernel/writ']);
  assert.equal(forbidden.exit, 1);
  assert.match(forbidden.err, /^This user may not do that: .*\/sys\/kernel\/writ.*\n\(system_error\)\n$/);
});

test('a backup that is not there is named, and nothing is made of it', async () => {
  const ran = await runWrit(['restore', '/nonexistent/writ.tar', '--data', '/nonexistent/data']);
  assert.equal(ran.exit, 2);
  assert.match(ran.err, /^There is no file \/nonexistent\/writ\.tar\. Nothing was restored\./);
});

test('a file that cannot be written is named', () => {
  assert.throws(() => replaceFile('/nonexistent/codes.json', '{}'), /\/nonexistent\/codes\.json/);
});

test('without a command the commands and exit codes are listed', async () => {
  for (const words of [[], ['help'], ['--help']]) {
    const ran = await runWrit(words);
    assert.equal(ran.exit, 0);
    for (const { name } of commands) assert.ok(ran.out.includes(`  ${name} `), name);
    assert.match(ran.out, /Exit codes[\s\S]*5 {2}not confirmed/);
  }
  assert.match((await runWrit(['help', 'init'])).out, /writ init CODE/);
});

test('near names', () => {
  assert.equal(nearest('staus', ['status', 'start']), 'status');
  assert.equal(nearest('devtp', ['devtop', 'gaming']), 'devtop');
  assert.equal(nearest('xyz', ['devtop', 'gaming']), undefined);
  assert.equal(nearest('gamign', ['gaming']), 'gaming');
});
