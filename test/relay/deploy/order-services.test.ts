import assert from 'node:assert/strict';
import { test } from 'node:test';
import { orderServices, resolveWork } from '../../../relay/deploy/order-services.ts';
import type { Systemd, UnitState } from '../../../relay/deploy/systemd.ts';
import { changedUnits } from '../../../schema/change/units.ts';
import { ok } from '../../../schema/result.ts';
import type { ReleasePart } from '../../../schema/wire/release.ts';
import { buildTree, smallHome, type Tree } from '../../support/repo-fixture.ts';

const home: Tree = {
  'homelab.yaml': smallHome['homelab.yaml']!,
  'apps/net/app.yaml': 'on: websvcs\nunits: [net.network]\n',
  'apps/net/net.network': '[Network]\nSubnet=10.89.7.0/24\n',
  'apps/base/app.yaml': 'on: websvcs\nunits: [base.container]\n',
  'apps/base/base.container': '[Container]\nImage=localhost/a:1\nNetwork=net.network\n',
  'apps/a/app.yaml':
    'on: websvcs\nunits: [a.container, a.volume, made.build, made/Containerfile]\nuses: [base]\n',
  'apps/a/a.container': '[Container]\nImage=made.build\nVolume=a.volume:/a\n',
  'apps/a/a.volume': '[Volume]\n',
  'apps/a/made.build': '[Build]\nImageTag=localhost/made:1\nSetWorkingDirectory=unit\n',
  'apps/a/made/Containerfile': 'FROM scratch\n',
  'apps/work/app.yaml': 'on: websvcs\nunits: [work@.service, work.target, echo.socket, echo.service]\n',
  'apps/work/work@.service': '[Service]\nExecStart=/bin/sleep 1\n',
  'apps/work/work.target': '[Unit]\nWants=work@1.service\n',
  'apps/work/echo.socket': '[Socket]\nListenStream=7\n',
  'apps/work/echo.service': '[Service]\nExecStart=/bin/cat\n',
};

async function workOf(changes: Parameters<typeof buildTree>[1], from: Parameters<typeof buildTree>[1] = {}) {
  const part = async (files: Parameters<typeof buildTree>[1]): Promise<ReleasePart> => {
    const { release, findings } = await buildTree({ ...home, 'apps/a/app.yaml': appA }, files);
    assert.ok(release !== undefined, JSON.stringify(findings));
    return release.manifest.parts.find(({ target }) => target === 'websvcs')!;
  };
  const [before, after] = [await part(from), await part(changes)];
  return orderServices(before, after, changedUnits(before, after));
}
const appA = [
  'on: websvcs',
  'units: [a.container, a.volume, made.build]',
  'files: [{ from: made/Containerfile, to: /etc/containers/systemd/Containerfile }]',
  'uses: [base]',
  '',
].join('\n');

test('apps are started behind those that they use, and all at first', async () => {
  const { release } = await buildTree({ ...home, 'apps/a/app.yaml': appA });
  const after = release!.manifest.parts.find(({ target }) => target === 'websvcs')!;
  const work = orderServices(undefined, after, changedUnits(undefined, after));
  assert.deepEqual(
    work.groups.map(({ app, start }) => [app, ...start]),
    [
      ['base', 'base.service'],
      ['a', 'a.service'],
      ['work', 'echo.socket', 'work.target'],
    ],
  );
  assert.deepEqual([work.stop, work.remake, work.drop], [[], [], []]);
});

test('a network that changes is made anew, a volume never, and an image is built before its user starts', async () => {
  const network = await workOf({ 'apps/net/net.network': '[Network]\nSubnet=10.89.8.0/24\n' });
  assert.deepEqual([network.remake, network.groups], [['net-network.service'], []]);
  const volume = await workOf({ 'apps/a/a.volume': '[Volume]\nLabel=a=b\n' });
  assert.deepEqual(
    volume.groups.map(({ restart }) => restart),
    [['a.service']],
  );
  const image = await workOf({ 'apps/a/made.build': `${home['apps/a/made.build']}Label=a=b\n` });
  assert.deepEqual(
    image.groups.map(({ restart }) => restart[0]),
    ['made-build.service'],
  );
});

test('a network that goes is taken away', async () => {
  const gone = await workOf({
    'apps/net/app.yaml': undefined,
    'apps/net/net.network': undefined,
    'apps/base/base.container': '[Container]\nImage=localhost/a:1\n',
  });
  assert.deepEqual([gone.stop, gone.drop], [['net-network.service'], ['net-network.service']]);
});

/** What systemd would say. */
const systemd = (states: Readonly<Record<string, Partial<UnitState>>>, instances: readonly string[]) =>
  ({
    instances: async (templates: readonly string[]) => ok(templates.length === 0 ? [] : instances),
    show: async (names: readonly string[]) =>
      ok(names.map((service) => ({ service, active: 'inactive', triggers: [], ...states[service] }))),
  }) as unknown as Systemd;

test('of a template, its instances are meant', async () => {
  const work = await workOf({ 'apps/work/work@.service': '[Service]\nExecStart=/bin/sleep 2\n' });
  assert.deepEqual(
    work.groups.map(({ restart }) => restart),
    [['work@.service']],
  );
  const resolved = await resolveWork(
    systemd({}, ['work@1.service', 'work@b.service', 'worker@1.service']),
    work,
  );
  assert.deepEqual(resolved.ok && resolved.value.groups[0]!.restart, ['work@1.service', 'work@b.service']);
  const none = await resolveWork(systemd({}, []), work);
  assert.deepEqual(none.ok && none.value.groups[0]!.restart, []);
});

test('a socket that restarts takes along what it has started', async () => {
  const work = await workOf({ 'apps/work/echo.socket': '[Socket]\nListenStream=8\n' });
  assert.deepEqual(work.groups[0]!.restart, ['echo.socket']);
  const states = (active: string) => ({
    'echo.socket': { triggers: ['echo.service'] },
    'echo.service': { active },
  });
  const runs = await resolveWork(systemd(states('active'), []), work);
  assert.deepEqual(runs.ok && runs.value.groups[0]!.restart, ['echo.socket', 'echo.service']);
  const rests = await resolveWork(systemd(states('inactive'), []), work);
  assert.deepEqual(rests.ok && rests.value.groups[0]!.restart, ['echo.socket']);
});
