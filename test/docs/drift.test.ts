import assert from 'node:assert/strict';
import { test } from 'node:test';
import { standingName } from '../../schema/trust/document.ts';
import { linesOf, passphrases, startLife } from './life.ts';

const house = `v: 1
hosts:
  pve1: { title: the small server, proxmox: true }
  pve2: { title: the tower, proxmox: false }
guests:
  secsvcs: { host: pve1, vmid: 101, order: 70 }
  websvcs: { host: pve1, vmid: 200, order: 50 }
`;
const withPassphrase = [[/^Passphrase/, passphrases.first]] as const;
const [heal, list, revoke] = linesOf('drift.md', 'By itself') as [string, string, string];

test('docs/drift.md lets relays put back what was changed by hand, lists where, and takes it back', async (t) => {
  const { desk } = await startLife(t, house);
  const { document: before } = await desk.trust();
  assert.equal((await desk.does(list)).out.trim(), 'Relays put nothing back by themselves.');
  const granted = await desk.does(heal, withPassphrase);
  assert.match(granted.err, /standing may put right secsvcs and websvcs under .*, at most 4 times in a day/);
  const { document } = await desk.trust();
  const operator = before.identities.operator;
  assert.ok(operator?.kind === 'key');
  const { paths } = operator.may.find(({ action }) => action === 'release.apply')!;
  const right = (name: string) => ({ action: 'release.heal', on: [name], limit: '4/1d', paths });
  assert.deepEqual(document.identities[standingName], {
    kind: 'standing',
    may: [right('secsvcs'), right('websvcs')],
  });
  assert.equal((await desk.does(list)).out.trim(), 'secsvcs\nwebsvcs');
  await desk.does(revoke, withPassphrase);
  await desk.does(revoke.replace('websvcs', 'secsvcs'), withPassphrase);
  const { document: after } = await desk.trust();
  assert.deepEqual(after.identities, before.identities);
});

test('it is refused for what is no virtual machine, without a limit of that shape, and for nobody', async (t) => {
  const { desk } = await startLife(t, house);
  const { document } = await desk.trust();
  for (const [line, says] of [
    ['writ trust heal pve1', /pve1 is no virtual machine/],
    ['writ trust heal websvcs --limit often', /often is no limit/],
    ['writ trust heal --revoke', /needs the name of a guest/],
    ['writ trust heal websvcs --revoke', /says nothing of the kind of websvcs/],
  ] as const) {
    const said = await desk.writ(line);
    assert.equal(said.exit, 2, line);
    assert.match(said.err, says);
  }
  assert.equal((await desk.trust()).document.version, document.version);
});
