import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { commands } from '../../../src/cli/commands.ts';
import { readRootFile, writeRootFile } from '../../../src/cli/home.ts';
import { sealRoot } from '../../../src/cli/seal.ts';
import { type ServeOptions, serve } from '../../../src/main.ts';
import { runWrit } from './terminal-fixture.ts';

const examples = join(import.meta.dirname, '../../../examples');
const house = join(examples, 'house.yaml');
const homelab = join(examples, 'homelab');

/**
 * How each command is called on a home whose relays have not enrolled, with the exit that tells the truth there
 * and a word of its own that it must say. A command that answers without doing anything has no such word.
 */
const calls: Readonly<Record<string, { words: readonly string[]; exit: number; says: RegExp }>> = {
  relays: { words: [], exit: 0, says: /no relay/i },
  'relays add': { words: ['cloud'], exit: 0, says: /writ-enrol\./ },
  'relays approve': { words: ['--yes'], exit: 0, says: /cloud|no relay|nobody|none/i },
  completion: { words: ['bash'], exit: 0, says: /complete -F _writ writ/ },
  'tokens create': { words: ['phone', '--scope', 'status'], exit: 0, says: /Bearer/ },
  'tokens list': { words: [], exit: 0, says: /phone/ },
  'tokens revoke': { words: ['tok_00000000000000000000000000'], exit: 3, says: /token/i },
  'trust show': { words: [], exit: 0, says: /version 1/ },
  'trust rotate': { words: ['none'], exit: 2, says: /desk, paper or operator/ },
  'trust add-github': { words: ['deploy'], exit: 2, says: /also needs --repository-id/ },
  'trust add-key': { words: ['laptop'], exit: 2, says: /what writ desk new prints/ },
  'trust add-notary': { words: ['nowhere'], exit: 3, says: /no host nowhere/ },
  'desk new': { words: [], exit: 3, says: /holds the keys of a home already/ },
  'desk join': { words: ['x'], exit: 2, says: /no code of writ trust add-key/ },
  'trust revoke': { words: ['pve2'], exit: 2, says: /names no identity pve2/ },
  'trust readers': { words: ['--none'], exit: 0, says: /trust stays version 1/ },
  'trust command': { words: [], exit: 0, says: /grants no command of an app/ },
  'trust heal': { words: [], exit: 0, says: /put nothing back by themselves/ },
  'trust publish': { words: [], exit: 0, says: /has trust version 1/ },
  'trust recover': { words: ['/nonexistent'], exit: 3, says: /holds the keys of a home already/ },
  'house show': { words: [], exit: 0, says: /runbooks:/ },
  'house set': { words: [house], exit: 0, says: /trust is version 1/ },
  'trust sign': { words: [house], exit: 0, says: /trust stays version 1/ },
  'config check': { words: ['--repo', examples], exit: 1, says: /there is no homelab\.yaml/ },
  'config build': { words: ['--repo', examples], exit: 1, says: /Nothing was written/ },
  'config schema': { words: ['app'], exit: 0, says: /"units"/ },
  'config migrate': { words: ['--repo', 'no-such-folder'], exit: 2, says: /no folder no-such-folder/ },
  'new app': { words: ['web', '--repo', examples], exit: 2, says: /no homelab\.yaml/ },
  'guests prepare': { words: ['websvcs'], exit: 3, says: /relay/i },
  adopt: { words: ['no-such-folder', '--on', 'x'], exit: 2, says: /nothing at no-such-folder/ },
  'secrets list': { words: ['--repo', homelab], exit: 0, says: /acme_dns_token/ },
  'secrets check': { words: ['--repo', homelab], exit: 1, says: /recipient_untrusted/ },
  'secrets set': { words: ['x', '--on', 'nowhere', '--repo', homelab], exit: 3, says: /your own recipient/ },
  'secrets edit': { words: ['x', '--on', 'nowhere', '--repo', homelab], exit: 2, says: /nowhere|identity/ },
  'secrets rotate': { words: ['no_such', '--repo', homelab], exit: 2, says: /no_such/ },
  'secrets import': { words: ['no-such-file', '--repo', homelab], exit: 2, says: /no-such-file/ },
  'secrets recipients': { words: ['--repo', homelab], exit: 0, says: /NOT CONFIRMED/ },
  'ca init': { words: ['--repo', examples], exit: 2, says: /no homelab\.yaml/ },
  'ca sign': { words: ['--repo', homelab], exit: 2, says: /no private CA yet/ },
  'ca list': { words: ['--repo', homelab], exit: 1, says: /pve1 +not signed/ },
  'ci init': { words: ['--repo', examples], exit: 2, says: /Trust names no workflow that may release/ },
  'ci check': { words: ['--repo', examples], exit: 2, says: /There is no workflow in/ },
  'ci order': { words: ['--repo', examples], exit: 2, says: /It needs the home’s id/ },
  plan: { words: ['--repo', examples, '--base', 'no-such-commit'], exit: 2, says: /Nothing was compared/ },
  deploy: { words: ['--repo', homelab, '--yes'], exit: 3, says: /Nothing was signed or uploaded/ },
  deployments: { words: [], exit: 0, says: /Nothing was deployed yet/ },
  targets: { words: [], exit: 0, says: /No release names a target yet/ },
  diff: { words: ['websvcs'], exit: 2, says: /names a target websvcs/ },
  history: { words: ['websvcs'], exit: 0, says: /Nothing was deployed to websvcs yet/ },
  rollback: { words: ['websvcs', '--yes'], exit: 3, says: /another part ever ran on websvcs/ },
  retry: { words: ['websvcs', '--yes'], exit: 3, says: /Nothing failed on websvcs last/ },
  doctor: { words: [], exit: 0, says: /relays_heard/ },
  status: { words: [], exit: 0, says: /cloud/ },
  wake: { words: ['pve2'], exit: 3, says: /relay/i },
  shutdown: { words: ['devtop'], exit: 3, says: /relay/i },
  reboot: { words: ['devtop'], exit: 3, says: /relay/i },
  start: { words: ['gaming'], exit: 3, says: /relay/i },
  stop: { words: ['gaming'], exit: 3, says: /relay/i },
  suspend: { words: ['gaming'], exit: 3, says: /relay/i },
  resume: { words: ['gaming'], exit: 3, says: /relay/i },
  sleep: { words: ['pve2'], exit: 3, says: /relay/i },
  run: { words: ['start-gaming'], exit: 3, says: /relay/i },
  command: { words: [], exit: 0, says: /no command|none|nothing/i },
  approvals: { words: [], exit: 0, says: /Nothing waits for your approval/ },
  approve: { words: ['cmd_00000000000000000000000000'], exit: 3, says: /does not wait for approval/ },
  deny: { words: ['cmd_00000000000000000000000000'], exit: 3, says: /There is no command cmd_0/ },
  'audit verify': { words: [], exit: 0, says: /entries|whole/i },
  'audit export': { words: [], exit: 0, says: /"seq":1,/ },
};

/** Started otherwise: by this test itself, and in tests of their own. */
const startedElsewhere = ['watch', 'serve', 'backup', 'restore', 'init', 'move', 'edge-setup'];

test('every command does what it says or says why not: none is a stub', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-stub-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const options: ServeOptions = {
    dataDir: join(folder, 'data'),
    listen: [{ host: '127.0.0.1', port: 0 }],
    write: () => {},
  };
  const started = await serve(options);
  assert.ok(started.ok);
  t.after(() => started.value.close());
  const config = join(folder, 'owner');
  const claimed = await runWrit([
    'init',
    started.value.setupCode!,
    '--house',
    house,
    '--trial',
    '--config',
    config,
  ]);
  assert.equal(claimed.exit, 0, claimed.err);
  // Nobody is there to type a passphrase: a command that asked for it where nothing changes would end otherwise.
  const root = readRootFile(config);
  assert.ok(root.ok && root.value.sealed === 'trial');
  writeRootFile(config, await sealRoot(root.value.secret, 'nobody knows this one'));

  const names = commands.map(({ name }) => name);
  assert.deepEqual([...Object.keys(calls), ...startedElsewhere].sort(), [...names].sort());
  for (const [name, { words, exit, says }] of Object.entries(calls)) {
    const ran = await runWrit([...name.split(' '), ...words, '--config', config]);
    const told = `writ ${name}: exit ${ran.exit}\n${ran.out}\n${ran.err}`;
    assert.equal(ran.exit, exit, told);
    assert.match(ran.out + ran.err, says, told);
    assert.doesNotMatch(ran.out + ran.err, /not.implemented|not yet there|todo/i, told);
  }
});
