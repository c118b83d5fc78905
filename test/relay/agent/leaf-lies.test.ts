import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leafRecordFile } from '../../../relay/deploy/leaves/leaf-record.ts';
import { permit } from '../../../schema/x509/names.ts';
import { certOf, dayMs, openLeafScene } from '../../support/leaf-scene.ts';

const succeeded = (done: { state: string }): void =>
  assert.equal(done.state, 'succeeded', JSON.stringify(done));

test('a target has nobody told but those who use a certificate, each once', async () => {
  const scene = await openLeafScene();
  const part = await scene.part([certOf()]);
  succeeded(await scene.apply(part));
  const record = JSON.parse(scene.machine.text(leafRecordFile)!) as { owed: object[] };
  const named = [
    'web.service',
    'web.service',
    ...Array.from({ length: 500 }, (_, at) => `other${at}@.service`),
  ];
  record.owed = named.map((service) => ({ service, how: 'restart', failed: 0 }));
  const bytes = new TextEncoder().encode(JSON.stringify(record));
  await scene.machine.writeAll([{ path: leafRecordFile, bytes, mode: '0600', owner: 'root:root' }]);
  const before = scene.machine.ran.length;
  await scene.keeper.tend(scene.machine, part.digest);
  assert.deepEqual(scene.machine.ran.slice(before), ['systemctl try-restart -- web.service']);
  await scene.keeper.tend(scene.machine, part.digest);
  assert.equal(scene.machine.ran.length, before + 1);
});

test('a target that tells a time which is no date is not believed', async () => {
  const scene = await openLeafScene();
  const part = await scene.part([certOf()]);
  succeeded(await scene.apply(part));
  const text = scene.machine.text(leafRecordFile)!;
  const bytes = new TextEncoder().encode(text.replace(/"not_after":\d+/, '"not_after":9007199254740991'));
  await scene.machine.writeAll([{ path: leafRecordFile, bytes, mode: '0600', owner: 'root:root' }]);
  const reports = await scene.keeper.tend(scene.machine, part.digest);
  assert.deepEqual(reports, [{ app: 'web', name: 'tls', expires: 0, code: 'foreign_file' }]);
});

test('a target that claims a part which was never ordered here gets nothing for it', async () => {
  const scene = await openLeafScene();
  succeeded(await scene.apply(await scene.part([certOf()])));
  const stolen = await scene.part([certOf({ names: ['other-guest'] })], {
    permitted: permit(['other-guest']),
  });
  assert.deepEqual(await scene.keeper.tend(scene.machine, stolen.digest), []);
  assert.equal(scene.leaf().subjectAltName, 'DNS:web, DNS:websvcs');
});

test('a target that claims the part before gets no name that the one in force has not', async () => {
  const scene = await openLeafScene();
  const first = await scene.part([certOf({ names: ['web'] })]);
  for (const [names, left] of [
    [['web', 'websvcs'], ['tls']],
    [['websvcs'], []],
    [null, []],
  ] as const) {
    succeeded(await scene.apply(first));
    succeeded(await scene.apply(await scene.part(names === null ? [] : [certOf({ names: [...names] })])));
    await scene.restart();
    const state = '/var/lib/writ-target/state.json';
    const text = scene.machine.text(state)!;
    const lie = text.replace(/"current":"[^"]+"/, `"current":"${first.digest}"`);
    assert.notEqual(lie, text);
    const bytes = new TextEncoder().encode(lie);
    await scene.machine.writeAll([{ path: state, bytes, mode: '0600', owner: 'root:root' }]);
    const reports = await scene.keeper.tend(scene.machine, first.digest);
    assert.deepEqual(
      reports.map(({ name }) => name),
      left,
    );
    await scene.machine.writeAll([
      { path: state, bytes: new TextEncoder().encode(text), mode: '0600', owner: 'root:root' },
    ]);
  }
});

test('a target cannot bring anything but a key into a certificate', async () => {
  const scene = await openLeafScene();
  const part = await scene.part([certOf()]);
  succeeded(await scene.apply(part));
  const before = scene.leaf();
  const record = scene.machine.text(leafRecordFile)!;
  const [, key] = /"key":"([^"]+)"/.exec(record)!;
  scene.now += 25 * dayMs;
  // A shorter key, and what would be read as extensions of the certificate behind it.
  const bytes = Buffer.from(key!, 'base64');
  const compressed = Buffer.concat([
    Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
    bytes.subarray(26, 59),
  ]);
  const forged = Buffer.concat([
    compressed,
    Buffer.from('a31e301c301a0603551d110413301182077365637376637300000000000000000000', 'hex'),
  ]);
  scene.machine.put(leafRecordFile, record.replace(key!, forged.subarray(0, 91).toString('base64')));
  const [report] = await scene.keeper.tend(scene.machine, part.digest);
  assert.equal(report!.code, 'foreign_file');
  assert.equal(scene.leaf().serialNumber, before.serialNumber);
});
