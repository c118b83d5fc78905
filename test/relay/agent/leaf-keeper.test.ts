import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { leafRecordFile } from '../../../relay/deploy/leaves/leaf-record.ts';
import { permit } from '../../../schema/x509/names.ts';
import { certOf, dayMs, openLeafScene } from '../../support/leaf-scene.ts';

const tls = '/etc/opt/web/tls';
const succeeded = (done: { state: string }): void =>
  assert.equal(done.state, 'succeeded', JSON.stringify(done));
const codeOf = (done: { state: string; code?: string }): string => done.code ?? done.state;

test('a release that declares a certificate comes up with it, made for this target and its names', async () => {
  const scene = await openLeafScene();
  const part = await scene.part([certOf()]);
  succeeded(await scene.apply(part));
  const leaf = scene.leaf();
  assert.equal(leaf.subjectAltName, 'DNS:web, DNS:websvcs');
  assert.ok(leaf.checkPrivateKey(createPrivateKey(scene.machine.text(`${tls}/key.pem`)!)));
  const chain = scene.machine
    .text(`${tls}/cert.pem`)!
    .match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g)!;
  assert.equal(chain.length, 2);
  const [, issuer] = chain.map((pem) => new X509Certificate(pem));
  const root = new X509Certificate(scene.machine.text(`${tls}/ca.pem`)!);
  assert.ok(leaf.verify(issuer!.publicKey) && issuer!.verify(root.publicKey));
  const stats = await scene.machine.stat([`${tls}/key.pem`, `${tls}/cert.pem`]);
  const [key, cert] = stats.ok ? stats.value : [];
  assert.deepEqual([key!.mode, key!.uid, cert!.mode], ['0600', 472, '0644']);
  assert.deepEqual(scene.machine.running(), ['web.service']);
  // Nothing of it is in a generation, and a second time nothing is done.
  const ran = scene.machine.ran.length;
  const again = await scene.apply(part);
  assert.ok(again.state === 'succeeded' && again.result.already);
  assert.deepEqual(await scene.keeper.tend(scene.machine, part.digest), [
    { app: 'web', name: 'tls', expires: leaf.validToDate.getTime() },
  ]);
  assert.equal(scene.machine.ran.length, ran);
});

test('it is renewed when a third of its time is left, with its key, and its users are told', async () => {
  const scene = await openLeafScene();
  const part = await scene.part([certOf()]);
  succeeded(await scene.apply(part));
  const [first, key] = [scene.leaf(), scene.machine.text(`${tls}/key.pem`)];
  scene.now += 19 * dayMs;
  await scene.keeper.tend(scene.machine, part.digest);
  assert.equal(scene.leaf().serialNumber, first.serialNumber);
  scene.now += 1.1 * dayMs;
  const writes: string[] = [];
  scene.machine.before = async (call, about) => void (call === 'write' && writes.push(about));
  const [report] = await scene.keeper.tend(scene.machine, part.digest);
  const second = scene.leaf();
  assert.notEqual(second.serialNumber, first.serialNumber);
  assert.equal(report!.expires, second.validToDate.getTime());
  assert.ok(Math.abs(report!.expires - scene.now - 30 * dayMs) < 1000);
  assert.equal(scene.machine.text(`${tls}/key.pem`), key);
  assert.ok(second.checkPrivateKey(createPrivateKey(key!)));
  assert.deepEqual(
    scene.machine.ran.filter((line) => line.includes('try-')),
    ['systemctl try-reload-or-restart -- web.service'],
  );
  // The record first, and last that nobody is owed anything.
  assert.deepEqual(writes, [leafRecordFile, `${tls}/cert.pem`, leafRecordFile]);
});

test('a certificate that was made while the clock was ahead is made anew once the clock is right', async () => {
  const scene = await openLeafScene();
  const part = await scene.part([certOf()]);
  succeeded(await scene.apply(part));
  const tendAt = async (days: number, synchronised: boolean): Promise<number> => {
    scene.now += days * dayMs;
    scene.synchronised = synchronised;
    await scene.keeper.tend(scene.machine, part.digest);
    return (scene.leaf().validFromDate.getTime() - scene.now) / dayMs;
  };
  assert.ok((await tendAt(40, false)) < 0);
  // A clock that nobody vouches for may be the one that is wrong: what it made would have ended for everybody else.
  assert.ok((await tendAt(-40, false)) > 39);
  assert.ok((await tendAt(0, true)) < 0);
  const { serialNumber } = scene.leaf();
  await tendAt(1, true);
  assert.equal(scene.leaf().serialNumber, serialNumber);
});

test('a name of more than 64 letters is no common name, and a certificate’s all the same', async () => {
  const scene = await openLeafScene();
  const long = `${'x'.repeat(63)}.web`;
  succeeded(await scene.apply(await scene.part([certOf({ names: [long] })])));
  assert.deepEqual([scene.leaf().subject, scene.leaf().subjectAltName], ['CN=tls', `DNS:${long}`]);
});

test('a relay that died before it told the users tells them when it is back', async () => {
  const scene = await openLeafScene();
  const part = await scene.part([certOf({ on_change: 'restart' })]);
  succeeded(await scene.apply(part));
  scene.now += 25 * dayMs;
  scene.machine.fault = (call, about) => (call === 'run' && about.includes('try-') ? 'unreachable' : null);
  const [untold] = await scene.keeper.tend(scene.machine, part.digest);
  assert.equal(untold!.code, 'certificate_users_untold');
  scene.machine.fault = null;
  await scene.restart();
  const [told] = await scene.keeper.tend(scene.machine, part.digest);
  assert.equal(told!.code, undefined);
  assert.equal(scene.machine.ran.at(-1), 'systemctl try-restart -- web.service');
});

test('whatever call fails on the way of a renewal, key and certificate fit, and the next look ends it', async () => {
  for (let failing = 0; ; failing += 1) {
    const scene = await openLeafScene();
    const part = await scene.part([certOf()]);
    succeeded(await scene.apply(part));
    scene.now += 25 * dayMs;
    let calls = 0;
    let failed = false;
    scene.machine.fault = () => {
      calls += 1;
      failed ||= calls > failing;
      return failed ? 'unreachable' : null;
    };
    await scene.keeper.tend(scene.machine, part.digest);
    scene.machine.fault = null;
    assert.ok(
      scene.leaf().checkPrivateKey(createPrivateKey(scene.machine.text(`${tls}/key.pem`)!)),
      `${failing}`,
    );
    await scene.restart();
    const [report] = await scene.keeper.tend(scene.machine, part.digest);
    assert.ok(report!.expires > scene.now + 29 * dayMs && report!.code === undefined, JSON.stringify(report));
    assert.ok(
      scene.machine.ran.some((line) => line.includes('try-reload')),
      `${failing}`,
    );
    if (!failed) break;
    assert.ok(failing < 50);
  }
});

test('a key that is lost or changed is made anew, with its certificate', async () => {
  const scene = await openLeafScene();
  const part = await scene.part([certOf()]);
  succeeded(await scene.apply(part));
  scene.machine.put(`${tls}/key.pem`, 'something else');
  await scene.keeper.tend(scene.machine, part.digest);
  assert.ok(scene.leaf().checkPrivateKey(createPrivateKey(scene.machine.text(`${tls}/key.pem`)!)));
  scene.machine.put(`${tls}/cert.pem`, 'something else');
  scene.machine.put(`${tls}/ca.pem`, 'something else');
  await scene.keeper.tend(scene.machine, part.digest);
  assert.equal(scene.leaf().subjectAltName, 'DNS:web, DNS:websvcs');
  assert.ok(scene.leaf(`${tls}/ca.pem`).ca);
});

test('nothing is changed while a step is at work there', async () => {
  const scene = await openLeafScene();
  const part = await scene.part([certOf()]);
  succeeded(await scene.apply(part));
  const before = scene.leaf().serialNumber;
  scene.now += 25 * dayMs;
  scene.busy = true;
  await scene.keeper.tend(scene.machine, part.digest);
  assert.equal(scene.leaf().serialNumber, before);
});

test('a certificate that is no longer declared goes, and its folder with it', async () => {
  const scene = await openLeafScene();
  succeeded(
    await scene.apply(
      await scene.part([
        certOf(),
        certOf({ name: 'b', cert: '/etc/opt/b/c.pem', key: '/etc/opt/b/k.pem', ca: undefined }),
      ]),
    ),
  );
  assert.ok(scene.machine.text('/etc/opt/b/k.pem') !== null);
  succeeded(await scene.apply(await scene.part([certOf()])));
  assert.equal(scene.machine.text('/etc/opt/b/k.pem'), null);
  assert.ok(scene.machine.text(`${tls}/key.pem`) !== null);
  const without = await scene.part([]);
  succeeded(await scene.apply(without));
  assert.deepEqual(
    Object.keys(scene.machine.files()).filter((path) => path.endsWith('.pem')),
    [],
  );
  const stats = await scene.machine.stat([tls, '/etc/opt/b']);
  assert.deepEqual(stats, { ok: true, value: [null, null] });
  assert.deepEqual(await scene.keeper.tend(scene.machine, without.digest), []);
});

test('an activation that fails leaves no certificate of its own for long', async () => {
  const scene = await openLeafScene();
  const good = await scene.part([certOf()]);
  succeeded(await scene.apply(good));
  const draft = await scene.part(
    [certOf({ name: 'b', cert: '/etc/opt/web/b.pem', key: '/etc/opt/web/bk.pem', ca: undefined })],
    { page: 'two' },
  );
  scene.machine.fault = (call, about) => (call === 'run' && / restart /.test(about) ? 'unreachable' : null);
  const done = await scene.apply(draft);
  assert.equal(done.state, 'failed');
  scene.machine.fault = null;
  await scene.apply(good);
  await scene.keeper.tend(scene.machine, good.digest);
  assert.deepEqual(
    Object.keys(scene.machine.files()).filter((path) => path.endsWith('.pem')),
    [`${tls}/ca.pem`, `${tls}/cert.pem`, `${tls}/key.pem`],
  );
  assert.ok(scene.leaf().checkPrivateKey(createPrivateKey(scene.machine.text(`${tls}/key.pem`)!)));
});

test('what cannot be made is refused before anything changes, each by its code', async () => {
  const scene = await openLeafScene();
  const other = ['websvcs', 'web', 'secsvcs'];
  const { root, issuer } = (await scene.part([certOf()])).part.authority!;
  const twoRoots = { root: `${root}${issuer}`, issuer };
  for (const [code, part] of [
    ['certificate_not_permitted', await scene.part([certOf({ names: other })])],
    ['certificate_not_permitted', await scene.part([certOf({ names: ['web', '192.168.20.11'] })])],
    ['authority_foreign', await scene.part([certOf()], { foreign: true })],
    ['authority_missing', await scene.part([certOf()], { authority: null })],
    ['authority_expired', await scene.part([certOf()], { days: 0.5 })],
    ['authority_malformed', await scene.part([certOf()], { authority: { root: 'x', issuer: 'y' } })],
    ['authority_malformed', await scene.part([certOf()], { authority: twoRoots })],
  ] as const) {
    assert.equal(codeOf(await scene.apply(part)), code);
    assert.deepEqual(scene.machine.files(), {}, code);
  }
  const mixed = await scene.part([certOf()]);
  const strange = await openLeafScene();
  const theirs = (await strange.part([certOf()])).part.authority!;
  const spliced = await scene.part([certOf()], {
    authority: { ...mixed.part.authority!, root: theirs.root },
  });
  assert.equal(codeOf(await scene.apply(spliced)), 'authority_malformed');
  succeeded(await scene.apply(await scene.part([certOf({ names: other })], { permitted: permit(other) })));
});

test('somebody else’s file is not written over', async () => {
  const scene = await openLeafScene();
  scene.machine.put('/etc/opt/mine.pem', 'mine');
  const part = await scene.part([certOf({ key: '/etc/opt/mine.pem' })]);
  assert.equal(codeOf(await scene.apply(part)), 'foreign_file');
  assert.equal(scene.machine.text('/etc/opt/mine.pem'), 'mine');
});

test('another intermediate renews what was made by the one before', async () => {
  const scene = await openLeafScene();
  succeeded(await scene.apply(await scene.part([certOf()])));
  const before = scene.leaf().serialNumber;
  scene.now += dayMs;
  const next = await scene.part([certOf()], { permitted: permit(['websvcs', 'web', 'more']) });
  succeeded(await scene.apply(next));
  await scene.keeper.tend(scene.machine, next.digest);
  assert.notEqual(scene.leaf().serialNumber, before);
  assert.ok(scene.machine.ran.includes('systemctl try-reload-or-restart -- web.service'));
});

test('an intermediate that ends soon is no reason to renew at each look', async () => {
  const scene = await openLeafScene();
  const part = await scene.part([certOf()], { days: 12 });
  succeeded(await scene.apply(part));
  const first = scene.leaf();
  assert.ok(first.validToDate.getTime() <= scene.now + 12 * dayMs);
  scene.now += 10 * dayMs;
  await scene.keeper.tend(scene.machine, part.digest);
  assert.equal(scene.leaf().serialNumber, first.serialNumber);
});

test('the key of a relay is made once, and one that others may read is not used', async () => {
  const scene = await openLeafScene();
  const key = scene.disk.files.get('authority.pem');
  await scene.restart();
  assert.deepEqual(scene.disk.files.get('authority.pem'), key);
  scene.disk.exposed = async () => true;
  await scene.restart();
  assert.equal(codeOf(await scene.apply(await scene.part([certOf()]))), 'authority_key_missing');
});
