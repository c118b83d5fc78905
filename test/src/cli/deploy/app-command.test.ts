import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Machine } from '../../../../relay/machine/machine.ts';
import { ok } from '../../../../schema/result.ts';
import type { TrustDocument } from '../../../../schema/trust/document.ts';
import { makeIdentity } from '../../../../src/cli/secrets/age.ts';
import { startDeployHome } from '../../../support/deploy-home.ts';
import { createMemoryMachine } from '../../../support/memory-machine.ts';

const declared = [
  'commands:',
  '  reindex: { exec: [blog-reindex, --all], timeout: 2m }',
  '  purge: { exec: [blog-purge] }',
  '',
].join('\n');

/** A guest whose program `blog-purge` fails, and the commands that were run there. */
function makeInside(): { machine: Machine; ran: string[] } {
  const memory = createMemoryMachine();
  const ran: string[] = [];
  const bytes = (text: string) => new Uint8Array(Buffer.from(text));
  const machine: Machine = {
    ...memory,
    async run(argv, options) {
      const at = argv.indexOf('writ-command');
      if (at < 0) return memory.run(argv, options);
      ran.push(argv.slice(at + 1).join(' '));
      const fails = argv[at + 1] === 'blog-purge';
      return ok({ code: fails ? 7 : 0, stdout: bytes('no space left for a canary'), stderr: bytes('') });
    },
  };
  return { machine, ran };
}

test('a command that an app declares is granted by its full name, ordered, and told by its exit code', async (t) => {
  const { machine, ran } = makeInside();
  const home = await startDeployHome(t, { inside: machine });
  const path = join(home.repo, 'apps/blog/app.yaml');
  writeFileSync(path, `${readFileSync(path, 'utf8')}${declared}`);
  const writ = (...words: string[]) => home.writ(words);
  assert.equal((await home.deploy()).exit, 0);

  // What trust does not grant is not even asked for.
  assert.match((await writ('trust', 'command')).out, /^Trust grants no command of an app/);
  const ungranted = await writ('run', 'websvcs/blog/reindex');
  assert.equal(ungranted.exit, 3);
  assert.match(
    ungranted.err,
    /not grant you websvcs\/blog\/reindex[\s\S]*writ trust command websvcs\/blog\/reindex/,
  );
  for (const [words, exit, says] of [
    [['websvcs/blog'], 2, /no name of a command/],
    [['websvc/blog/reindex'], 2, /Did you mean websvcs\?/],
    [['pve2/blog/reindex'], 3, /pve2 is a host: commands of apps run on virtual machines alone/],
  ] as const) {
    for (const command of [['run'], ['trust', 'command']]) {
      const refused = await writ(...command, ...words);
      assert.deepEqual([refused.exit, says.test(refused.err)], [exit, true], refused.err);
    }
  }
  const granted = await writ('trust', 'command', 'websvcs/blog/reindex', 'websvcs/blog/purge', '--yes');
  assert.equal(granted.exit, 0, granted.err);
  assert.match(granted.out, /operator may run websvcs\/blog\/purge/);
  assert.match((await writ('trust', 'command', 'websvcs/blog/purge')).out, /^Nothing changes/);

  const done = await writ('run', 'websvcs/blog/reindex');
  assert.equal(done.exit, 0, done.err);
  assert.match(
    done.out,
    /^Reindex of blog on websvcs has run; it took \d+ s\.\nVerified against the receipts/m,
  );
  assert.deepEqual(ran, ['blog-reindex --all']);

  const failed = await writ('run', 'websvcs/blog/purge');
  assert.equal(failed.exit, 1, failed.err);
  assert.match(failed.out, /Could not run purge of blog on websvcs: it ended with an error\./);
  assert.match(
    failed.out,
    /It ended with 7\. What it printed, where it was sent: writ command (cmd_\w+) --log/,
  );
  assert.doesNotMatch(failed.out, /canary/);

  // What it printed is for the readers that trust names.
  const key = await makeIdentity('classic');
  const identity = join(home.configDir, 'reader.age');
  writeFileSync(identity, `${key.identity}\n`, { mode: 0o600 });
  assert.equal((await writ('trust', 'readers', key.recipient, '--yes')).exit, 0);
  const read = await writ('run', 'websvcs/blog/purge');
  const [, id = ''] = /writ command (cmd_\w+) --log/.exec(read.out) ?? [];
  const told = await writ('command', id, '--identity', identity);
  assert.equal(told.exit, 1);
  assert.match(told.out, /failed \(command_failed\) +by pve2 +signed, exit code 7$/m);
  assert.match(told.out, /^ {2}\| websvcs\/blog\/purge ended with 7\n {2}\| no space left for a canary$/m);
  assert.match((await writ('command', id)).out, /what it said was sent, encrypted to you/);

  // Only what runs there counts: a command that a release took away is gone.
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^ {2}purge: .*\n/m, ''));
  assert.equal((await home.deploy()).exit, 0);
  ran.splice(0);
  const gone = await writ('run', 'websvcs/blog/purge');
  assert.equal(gone.exit, 3);
  assert.match(
    gone.out,
    /what runs on websvcs declares no such command\. Nothing was changed\.\nCode: command_undeclared/,
  );
  assert.deepEqual(ran, []);

  // A house file says nothing of commands, and takes none away.
  const house = join(home.configDir, 'house.yaml');
  writeFileSync(
    house,
    'v: 1\nhosts: { pve2: { title: the big tower } }\nguests: { websvcs: { host: pve2, vmid: 100 } }\n',
  );
  assert.equal((await writ('trust', 'sign', house, '--yes')).exit, 0);
  assert.equal((await writ('trust', 'command')).out.trim(), 'websvcs/blog/purge\nwebsvcs/blog/reindex');

  const shared = await writ('trust', 'command', 'websvcs/blog/reindex', '--controller', '6/1h', '--yes');
  assert.match(shared.out, /controller may run websvcs\/blog\/reindex, at most 6 times in an hour/);
  const token = await writ('tokens', 'create', 'phone', '--scope', 'app.command@websvcs/blog/reindex');
  assert.equal(token.exit, 0, token.err);
  assert.match(token.out, /\/v1\/guests\/websvcs\/apps\/blog\/commands\/reindex/);

  assert.equal((await writ('trust', 'command', 'websvcs/blog/reindex', '--revoke', '--yes')).exit, 0);
  const shown = JSON.parse((await writ('trust', 'show', '--json')).out) as { document: TrustDocument };
  const grants = Object.values(shown.document.identities).flatMap((one) =>
    one.kind === 'key' ? one.may.filter(({ action }) => action === 'app.command') : [],
  );
  assert.deepEqual(grants, [{ action: 'app.command', on: ['websvcs/blog/purge'] }]);
});
