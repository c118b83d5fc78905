import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDeployHome, textOf } from '../../../support/deploy-home.ts';

test('from the repo to a guest and back, over the real control plane and a real relay', async (t) => {
  const home = await startDeployHome(t);
  const { machine } = home;
  const first = await home.deploy();
  assert.equal(first.exit, 0, first.err + first.out);
  assert.equal(
    first.out,
    'websvcs  deployed, healthy, synced\nVerified against the receipts of its relays.\n',
  );
  assert.equal(machine.text('/etc/opt/web/web.ini'), 'colour = blue\n');
  assert.deepEqual(machine.running(), ['blog.service', 'web.service']);
  const again = await home.deploy();
  assert.deepEqual([again.exit, /There is nothing to deploy/.test(again.out)], [0, true], again.out);

  // What does not come up is put back, told, and not tried again unless somebody says so.
  const unit = textOf(home, 'apps/blog/blog.container');
  home.edit('apps/blog/blog.container', `${unit}# Fails\n`);
  const failed = await home.deploy();
  assert.equal(failed.exit, 1, failed.err + failed.out);
  assert.match(failed.out, /^websvcs {2}not deployed/);
  assert.match(failed.out, /what ran before runs again: service_failed \(service did not come up\)/);
  assert.deepEqual(machine.running(), ['blog.service', 'web.service']);
  const quarantined = await home.deploy();
  assert.match(quarantined.out, /part_quarantined/);
  const retried = await home.writ(['retry', 'websvcs', '--yes', '--wait']);
  assert.match(retried.out, /service_failed/);
  home.edit('apps/blog/blog.container', unit);

  home.edit('vars.yaml', 'colour: red\n');
  assert.equal((await home.deploy()).exit, 0);
  assert.equal(machine.text('/etc/opt/web/web.ini'), 'colour = red\n');
  const history = await home.writ(['history', 'websvcs']);
  assert.match(
    history.out,
    /^0 .* healthy .* signed\n(?: .* signed\n){3}1 .* healthy .* signed\n$/,
    history.out,
  );
  const back = await home.writ(['rollback', 'websvcs', '--yes', '--wait']);
  assert.equal(back.exit, 0, back.err + back.out);
  assert.equal(machine.text('/etc/opt/web/web.ini'), 'colour = blue\n');

  const list = await home.writ(['deployments', '--json']);
  const { deployments } = JSON.parse(list.out) as {
    deployments: { id: string; order: { order: { desk: number } } }[];
  };
  assert.deepEqual(
    deployments.map(({ order }) => order.order.desk),
    [6, 5, 4, 3, 2, 1],
  );
  const one = await home.writ(['deployments', deployments[0]!.id]);
  assert.equal(one.exit, 0, one.err);
  assert.match(one.out, /^ {2}websvcs {2}healthy {2}sha256:\w{12} {2}signed$/m);
});

test('one app comes alone, and what relays report is told in three words', async (t) => {
  const home = await startDeployHome(t);
  const { machine } = home;
  assert.equal((await home.deploy()).exit, 0);
  await home.until(['targets'], /^websvcs {2}deployed, healthy, synced +signed/m);
  assert.doesNotMatch(
    (await home.writ(['targets'])).out,
    /pve2/,
    'of the host itself no release says anything',
  );
  assert.match((await home.writ(['diff', 'websvcs'])).out, /^websvcs: as released, seen /);

  home.edit('apps/blog/blog.ini', 'title = two\n');
  home.edit('vars.yaml', 'colour: red\n');
  const one = await home.deploy('--only', 'blog');
  assert.equal(one.exit, 0, one.err);
  assert.equal(machine.text('/etc/opt/blog/blog.ini'), 'title = two\n');
  assert.equal(machine.text('/etc/opt/web/web.ini'), 'colour = blue\n');
  assert.equal((await home.deploy()).exit, 0);
  assert.equal(machine.text('/etc/opt/web/web.ini'), 'colour = red\n');
});

test('what somebody changes on a guest is told by file, and put back when asked', async (t) => {
  const home = await startDeployHome(t);
  const { machine } = home;
  assert.equal((await home.deploy()).exit, 0);
  machine.put('/etc/opt/web/web.ini', 'colour = black\n');
  const told = await home.until(['diff', 'websvcs'], /was changed/);
  assert.match(
    told,
    /^websvcs: 1 differs from its release, seen .*\n {2}file {2}\/etc\/opt\/web\/web\.ini {2}was changed\n$/,
  );
  assert.match((await home.writ(['targets'])).out, /^websvcs {2}deployed, healthy, not synced {2}1 differ/m);
  const left = await home.deploy();
  assert.match(left.out, /^websvcs: runs already, and 1 thing there differ: writ diff websvcs$/m);
  assert.equal((await home.deploy('--again')).exit, 0);
  assert.equal(machine.text('/etc/opt/web/web.ini'), 'colour = blue\n');
  await home.until(['diff', 'websvcs'], /as released/);
});

test('a target whose host is off gets the newest release when its relay comes', async (t) => {
  const home = await startDeployHome(t, { relay: 'later' });
  const waits = await home.deploy();
  assert.equal(waits.exit, 5, waits.err);
  assert.match(waits.out, /^websvcs {2}not deployed, healthy\?, synced\?$/m);
  home.edit('vars.yaml', 'colour: red\n');
  const newer = await home.deploy();
  assert.equal(newer.exit, 5, newer.err);
  const [, id = ''] = /See: writ deployments (dep_\w+)/.exec(newer.out) ?? [];
  await home.startRelay();
  const came = await home.writ(['deployments', id, '--wait']);
  assert.equal(came.exit, 0, came.err + came.out);
  assert.equal(home.machine.text('/etc/opt/web/web.ini'), 'colour = red\n');
  const { deployments } = JSON.parse((await home.writ(['deployments', '--json'])).out) as {
    deployments: { targets: { state: string }[] }[];
  };
  assert.deepEqual(
    deployments.map(({ targets }) => targets[0]!.state),
    ['healthy', 'superseded'],
  );
});
