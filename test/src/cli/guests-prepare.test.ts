import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDebianMachine } from '../../support/debian-machine.ts';
import { startDeployHome } from '../../support/deploy-home.ts';

test('what a guest lacks is shown, and installed after a word', async (t) => {
  const inside = createDebianMachine(['qemu-guest-agent', 'age']);
  const home = await startDeployHome(t, { inside });
  const shown = await home.writ(['guests', 'prepare', 'websvcs', '--dry-run']);
  assert.equal(shown.exit, 0, shown.err);
  assert.equal(
    shown.out,
    [
      'websvcs lacks these packages:',
      '  podman            runs the containers',
      '  aardvark-dns      lets containers find each other by name',
      '  catatonit         is what RunInit= starts',
      'Nothing was installed.',
      '',
    ].join('\n'),
  );
  const nobody = await home.writ(['guests', 'prepare', 'websvcs']);
  assert.deepEqual([nobody.exit, inside.apt], [2, []], nobody.err);
  const no = await home.writ(['guests', 'prepare', 'websvcs'], { answers: ['n'] });
  assert.deepEqual([no.exit, inside.apt], [3, []], no.err);
  const yes = await home.writ(['guests', 'prepare', 'websvcs'], { answers: ['y'] });
  assert.equal(yes.exit, 0, yes.err);
  assert.match(yes.err, /Install podman, aardvark-dns and catatonit on websvcs\? \[y\/N\]/);
  assert.equal(yes.out, 'Websvcs is prepared.\nVerified against the receipts of its relays.\n');
  const again = await home.writ(['guests', 'prepare', 'websvcs', '--yes']);
  assert.equal(again.out, 'websvcs has all that releases need.\n');
  assert.equal(inside.apt.length, 2);
});

test('why a guest cannot be prepared is told, with what to do', async (t) => {
  const inside = createDebianMachine();
  inside.files.put('/usr/lib/os-release', 'ID=debian\nVERSION_ID="12"\n');
  const home = await startDeployHome(t, { inside });
  const old = await home.writ(['guests', 'prepare', 'websvcs', '--yes']);
  assert.equal(old.exit, 1, old.err);
  assert.match(old.out, /^Could not look at websvcs: the Debian or the Podman of websvcs is too old\./);
  assert.match(
    old.out,
    /Code: guest_too_old .*\nUpgrade the guest to Debian 13.*\nNothing was installed\.\n$/,
  );
  const none = await home.writ(['guests', 'prepare', 'webvcs', '--yes']);
  assert.deepEqual([none.exit, inside.apt], [2, []]);
  assert.match(none.err, /Did you mean websvcs\?/);
});
