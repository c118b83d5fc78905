import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDeployHome, textOf } from '../../../support/deploy-home.ts';

const off = { 100: { running: false } };

test('a target on a host that sleeps is woken, updated and put back', async (t) => {
  const home = await startDeployHome(t, { tower: 'off', guests: off });
  const shown = await home.deploy('--wake', '--dry-run');
  assert.match(shown.out, /^pve2: woken for it, and put back to sleep afterwards unless in use by then$/m);
  assert.match(shown.out, /^websvcs: started for it if off/m);
  assert.match(shown.out, /Nothing was signed/);

  const ran = await home.deploy('--wake');
  assert.equal(ran.exit, 0, ran.err + ran.out);
  assert.match(ran.out, /^websvcs {2}deployed, healthy, synced$/m);
  assert.equal(home.machine.text('/etc/opt/web/web.ini'), 'colour = blue\n');
  const { commands } = JSON.parse((await home.writ(['command', '--json'])).out) as {
    commands: { order: { action: string; target: string }; principal: string }[];
  };
  assert.deepEqual(commands.map(({ order }) => `${order.action} ${order.target}`).reverse(), [
    'host.wake pve2',
    'guest.start websvcs',
    'guest.shutdown websvcs',
    'host.shutdown pve2',
  ]);
  assert.match(ran.out, /^The tower is awake; it took .*\nWebsvcs is running\.\nWebsvcs is off\.\n.*tower/m);
  await home.until(['status'], /^pve2 {2}.*(powering off|off)/m);
  assert.deepEqual(
    home.tower.events.map(({ kind, vmid }) => (vmid === undefined ? kind : `${kind} ${vmid}`)),
    ['powered_on', 'guest_started 100', 'guest_stopped 100', 'powered_off'],
  );
});

test('a guest that is off on a host that is on is started and shut down alone', async (t) => {
  const home = await startDeployHome(t, { guests: off });
  await home.until(['status'], /websvcs +stopped/);
  const asleep = await home.deploy();
  assert.equal(asleep.exit, 5, asleep.err);
  assert.match(asleep.out, /waits for its relay/);
  const ran = await home.deploy('--wake');
  assert.equal(ran.exit, 0, ran.err + ran.out);
  assert.match(ran.err, /on its way already/);
  assert.match(ran.out, /Websvcs is running\.\nWebsvcs is off\.\n$/);
  assert.equal(home.machine.text('/etc/opt/web/web.ini'), 'colour = blue\n');
  assert.equal(home.tower.guest(100).running, false);
  assert.equal(home.tower.poweredOn, true);

  // What runs is left as it is.
  await home.writ(['start', 'websvcs']);
  home.edit('vars.yaml', 'colour: red\n');
  const awake = await home.deploy('--wake');
  assert.equal(awake.exit, 0, awake.err);
  assert.doesNotMatch(awake.err + awake.out, /started for it|Websvcs is/);
  assert.equal(home.tower.guest(100).running, true);
});

test('a host that was on all the time, and one that somebody uses by then, stay on', async (t) => {
  await t.test('by what its relay signs of its boot', async (t) => {
    const home = await startDeployHome(t, { tower: 'silent' });
    const ran = await home.deploy('--wake');
    assert.equal(ran.exit, 0, ran.err + ran.out);
    assert.doesNotMatch(ran.out, /power/);
    assert.deepEqual([home.tower.poweredOn, home.tower.guest(100).running], [true, true]);
  });
  await t.test('by what its relay sees of its guests', async (t) => {
    const gaming = { running: true, users: [{ user: 'someone' }] };
    const home = await startDeployHome(t, { tower: 'off', guests: { ...off, 102: gaming } });
    const ran = await home.deploy('--wake');
    assert.equal(ran.exit, 0, ran.err + ran.out);
    assert.match(ran.out, /^Could not shut down the tower: .*in use.* Code: in_use/m);
    assert.deepEqual([home.tower.guest(100).running, home.tower.guest(102).running], [false, true]);
    assert.equal(home.tower.poweredOn, true);
  });
  await t.test('by what somebody ordered there since', async (t) => {
    const home = await startDeployHome(t, { tower: 'off', guests: off });
    let ordered: Promise<unknown> | undefined;
    home.machine.before = async (call) => {
      if (call !== 'write') return;
      ordered ??= home.writ(['start', 'gaming', '--no-wait']);
      await ordered;
    };
    const ran = await home.deploy('--wake');
    assert.equal(ran.exit, 0, ran.err + ran.out);
    assert.match(
      ran.out,
      /^Pve2 stays on: operator ordered to start gaming \(cmd_\w+\) since it was woken\.$/m,
    );
    assert.equal(home.tower.guest(102).running, true);
  });
});

test('a deployment that fails is told, and what was woken is put back all the same', async (t) => {
  const home = await startDeployHome(t, { guests: off });
  await home.until(['status'], /websvcs +stopped/);
  home.edit('apps/blog/blog.container', `${textOf(home, 'apps/blog/blog.container')}# Fails\n`);
  const ran = await home.deploy('--wake');
  assert.equal(ran.exit, 1, ran.err + ran.out);
  assert.match(ran.out, /^websvcs {2}not deployed/);
  assert.match(ran.out, /service_failed/);
  assert.match(ran.out, /Websvcs is off\.\n$/);
  assert.equal(home.tower.guest(100).running, false);
});

test('nothing else is shut down for it: a guest that shares a device with one that runs stays off', async (t) => {
  const guests = { ...off, 102: { running: true } };
  const home = await startDeployHome(t, { tower: 'off', guests, sharing: true });
  const ran = await home.deploy('--wake');
  assert.equal(ran.exit, 5, ran.err + ran.out);
  assert.match(
    ran.out,
    /^To start websvcs would also shut down gaming: that was not signed\. It waits until/m,
  );
  assert.deepEqual([home.tower.guest(100).running, home.machine.text('/etc/opt/web/web.ini')], [false, null]);
});

test('whoever gives up is told what stands awake', async (t) => {
  const home = await startDeployHome(t, { guests: off });
  await home.until(['status'], /websvcs +stopped/);
  const person = new AbortController();
  home.machine.before = async (call) => {
    if (call === 'write') person.abort();
  };
  const words = ['deploy', '--repo', home.repo, '--yes', '--wake'];
  const ran = await home.writ(words, { signal: person.signal });
  assert.equal(ran.exit, 4, ran.err + ran.out);
  assert.match(ran.err, /dep_\w+ was accepted and goes on/);
  assert.match(ran.err, /websvcs was woken for it, and not put back\..*\n {2}writ shutdown websvcs$/m);
  assert.equal(home.tower.guest(100).running, true);
});

test('whoever gives up while it wakes is told what may be on by then', async (t) => {
  const home = await startDeployHome(t, { guests: off });
  await home.until(['status'], /websvcs +stopped/);
  const person = new AbortController();
  const words = ['deploy', '--repo', home.repo, '--yes', '--wake'];
  const ran = home.writ(words, { signal: person.signal });
  await home.until(['command'], /start websvcs/);
  person.abort();
  const { exit, err } = await ran;
  assert.equal(exit, 4, err);
  assert.match(
    err,
    /websvcs may be on by now\. To put that back, in this order:\n {2}writ shutdown websvcs$/m,
  );
});
