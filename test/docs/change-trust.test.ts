import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TrustDocument } from '../../schema/trust/document.ts';
import { linesOf, passphrases, startLife } from './life.ts';

const withPassphrase = [[/^Passphrase/, passphrases.first]] as const;
const askNothing = [[/./, 'nobody should be asked']] as const;

test('docs/change-trust.md: what changes is told in words, and a passphrase is asked for only when there is something to sign', async (t) => {
  const life = await startLife(t);
  const { desk, folder } = life;
  const lines = linesOf('change-trust.md');
  assert.equal(lines.length, 6, 'every line of the page is played, some of them by the next test');
  const [fromHouse, show, byHand] = lines as [string, string, string];
  const [renew] = linesOf('change-trust.md', 'Renew') as [string];

  const same = await desk.does(fromHouse, askNothing);
  assert.match(same.out, /Nothing changes: trust stays version 2/);
  assert.doesNotMatch(same.err, /Passphrase/);
  const house = join(folder, 'house.yaml');
  writeFileSync(house, readFileSync(house, 'utf8').replace('the tower', 'the big tower'));
  const titled = await desk.does(fromHouse, withPassphrase);
  assert.match(
    titled.err,
    /pve2: title the big tower instead of the tower\.\nTrust version 3 holds until 20/,
  );

  // By hand: a mirror, fewer rights for the controller, and two roots from now on.
  const [question, file] = show.split(' > ') as [string, string];
  const path = join(folder, file);
  const edit = async (change: (document: TrustDocument) => void): Promise<void> => {
    const shown = JSON.parse((await desk.does(question)).out) as { document: TrustDocument };
    change(shown.document);
    writeFileSync(path, JSON.stringify(shown));
  };
  await edit(() => {});
  assert.match((await desk.does(byHand, askNothing)).out, /Nothing changes: trust stays version 3/);
  await edit((document) => {
    document.mirror = 'https://mirror.example.net/trust.jws';
    document.threshold = 2;
    document.expires = '2031-01-01T00:00:00Z';
    const { controller } = document.identities;
    assert.ok(controller?.kind === 'key');
    controller.may[0]!.limit = '2/1d';
  });
  const both = [...withPassphrase, [/on paper/, life.paper]] as const;
  const edited = await desk.does(byHand, both);
  assert.match(edited.err, /From now on 2 of 2 roots must sign/);
  assert.match(edited.err, /mirror: https:\/\/mirror\.example\.net\/trust\.jws, instead of nothing/);
  assert.match(edited.err, /may no longer wake pve2, at most 6 times in an hour/);
  assert.match(
    edited.err,
    /may wake pve2, at most 2 times in a day\.|may wake pve2, at most 2 times in 1 day/,
  );
  assert.match(edited.out, /version 4 is signed; it holds until 2031-01-01/);
  assert.match(edited.out, /Relays also look at https:\/\/mirror/);
  const stale = await desk.writ(byHand, both);
  assert.equal(stale.exit, 3);
  assert.match(stale.err, /was made from version 3, and version 4 has come since/);
  writeFileSync(path, '{"digest":1}');
  assert.match((await desk.writ(byHand, both)).err, /document_invalid/);

  const renewed = await desk.does(renew, both);
  assert.match(renewed.err, /Who may order what stays as it is\./);
  assert.match(renewed.err, /Passphrase[\s\S]*on paper/, 'two roots sign');
  const { version, expires } = (await desk.trust()).document;
  assert.deepEqual([version, expires === '2031-01-01T00:00:00Z'], [5, false]);

  // Both at once: the house file has the last word on what it says.
  await edit((document) => {
    document.threshold = 1;
    document.alarm = { ntfy: 'https://ntfy.example.net/home' };
  });
  const joint = await desk.does(`${fromHouse} --document ${file}`, both);
  assert.match(joint.err, /From now on 1 of 2 roots must sign/);
  assert.match(joint.err, /mirror: nothing, instead of https:\/\/mirror/);
  assert.match(joint.err, /may wake pve2, at most 6 times in an hour/);
  const last = (await desk.trust()).document;
  assert.deepEqual([last.version, last.threshold, last.alarm, last.mirror], [6, 1, null, null]);

  const relay = await life.start('pve1');
  await relay.follows(6);
  const refused = await desk.writ(renew, [...withPassphrase, [/Sign trust/, 'n']]);
  assert.match(refused.err, /not_confirmed/);
});

test('docs/change-trust.md: a workflow of GitHub Actions and a notary are told, and relays follow', async (t) => {
  const life = await startLife(t);
  const { desk, folder } = life;
  const [addGithub, addNotary] = linesOf('change-trust.md', 'A workflow of GitHub Actions') as [
    string,
    string,
  ];
  const relay = await life.start('pve1');
  // A virtual machine, as a relay with Proxmox would have it adopted.
  const shown = JSON.parse((await desk.does('writ trust show --json')).out) as { document: TrustDocument };
  shown.document.house.hosts.pve1!.proxmox = true;
  shown.document.house.guests.websvcs = {
    ...{ host: 'pve1', kind: 'qemu', vmid: 200, identity: 'the-uuid', exclusive: [], order: 1 },
    ...{ in_use: 'never', agent: true },
  };
  writeFileSync(join(folder, 'trust.json'), JSON.stringify(shown));
  await desk.does('writ trust sign --document trust.json', withPassphrase);

  const added = await desk.does(addGithub, withPassphrase);
  assert.match(added.err, /deploy is new: GitHub workflow writ\.yml of repository 1296269 on main\.\n/);
  assert.match(added.err, /deploy may apply releases to websvcs under \/etc/);
  const sleeping = await desk.writ(addNotary.replace('pve1', 'pve2'), askNothing);
  assert.match(sleeping.err, /pve2 sleeps/);
  const notary = await desk.does(addNotary, withPassphrase);
  assert.match(notary.err, /pve1's relay becomes a notary/);
  assert.match((await desk.does(addNotary, askNothing)).out, /Nothing changes: trust stays version 5/);
  await relay.follows(5);
  await relay.stop();
  const told = await life.console('pve1', 'sudo writ-relay trust show');
  assert.match(told.out, /^notaries {5}pve1$/m);
  assert.match(told.out, /deploy {7}release\.apply on websvcs, paths/);

  const [revoke] = linesOf('revoke.md', 'A key') as [string];
  const gone = await desk.does(revoke.replace('laptop', 'deploy'), withPassphrase);
  assert.match(gone.err, /deploy is revoked: no release of its workflow is taken any more/);
});
