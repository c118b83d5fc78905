import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as v from 'valibot';
import { judgePart, judgeRemoved, unitsOf } from '../../../schema/trust/judge-part.ts';
import { type ReleaseApp, releasePartSchema } from '../../../schema/wire/release.ts';
import { makePart, type PartDraft } from '../../support/test-part.ts';

const granted = ['/etc/opt/**', '/srv/web/*', '/var/lib/containers/storage/volumes/**'];
const say = async (draft: PartDraft, paths: readonly string[] = granted): Promise<string> => {
  const judged = judgePart(paths, (await makePart(draft)).part);
  return judged.ok ? 'allowed' : `${judged.reason} ${judged.detail}`;
};
const app = (change: Partial<ReleaseApp>): PartDraft => ({ app: change });
const owned = { mode: '0600', owner: 'root:root' } as const;
const artifact = (to: string) =>
  app({
    artifacts: [
      { url: 'https://x', sha256: 'a'.repeat(64), to, ...owned, unpack: false, strip: 0, on_change: 'none' },
    ],
  });
const cert = (paths: { cert: string; key: string; ca?: string }) =>
  app({ certs: [{ name: 'x', kind: 'server', names: [], ...paths, ...owned, on_change: 'none' }] });

describe('threat 31: what a part may touch', () => {
  test('is judged for each path of whatever kind', async () => {
    const fine = '/etc/opt/x';
    const bad = '/etc/other/x';
    const cases: [PartDraft, string][] = [
      [{ files: { [fine]: 'x' } }, 'allowed'],
      [{ files: { [fine]: 'x', [bad]: 'x' } }, `path_not_granted ${bad}`],
      [app({ dirs: [{ path: fine, ...owned }] }), 'allowed'],
      [app({ dirs: [{ path: bad, ...owned }] }), `path_not_granted ${bad}`],
      [cert({ cert: fine, key: fine }), 'allowed'],
      [cert({ cert: bad, key: fine }), `path_not_granted ${bad}`],
      [cert({ cert: fine, key: bad }), `path_not_granted ${bad}`],
      [cert({ cert: fine, key: fine, ca: bad }), `path_not_granted ${bad}`],
      [artifact(fine), 'allowed'],
      [artifact(bad), `path_not_granted ${bad}`],
      [artifact('/etc/opt/x/'), 'allowed'],
      [artifact('/srv/web/x'), 'allowed'],
      // What is unpacked may be anything below.
      [artifact('/srv/web/'), 'path_not_granted /srv/web/**'],
      [app({ prune: [fine] }), 'allowed'],
      [app({ prune: ['/srv/web'] }), 'path_not_granted /srv/web/**'],
      [app({ users: [{ name: 'x', groups: [], shell: '/bin/sh', home: bad }] }), 'allowed'],
      [{ files: { 'volume:data/x': 'x' }, file: { volume: 'systemd-data' } }, 'allowed'],
    ];
    for (const [draft, expected] of cases) assert.equal(await say(draft), expected, JSON.stringify(draft));
    assert.equal(
      await say({ files: { 'volume:data/a/b': 'x' }, file: { volume: 'systemd-data' } }, ['/etc/**']),
      'path_not_granted /var/lib/containers/storage/volumes/systemd-data/_data/a/b',
    );
  });

  test('may have a folder with all that is below where each depth is granted, and not only some', async () => {
    const says = (...granted: string[]) => say(app({ prune: ['/opt/x'] }), granted);
    const refused = 'path_not_granted /opt/x/**';
    assert.equal(await says('/opt/x/*/*'), refused);
    assert.equal(await says('/opt/x/*'), refused);
    assert.equal(await says('/opt/x/*', '/opt/x/*/*'), refused);
    assert.equal(await says('/opt/x/*', '/opt/x/*/*/**'), refused, 'not the second');
    assert.equal(await says('/opt/x/*/**'), refused, 'not the first');
    assert.equal(await says('/opt/x/*', '/opt/x/*/**'), 'allowed');
    assert.equal(await says('/opt/*/**'), 'allowed');
  });

  test('never reaches what judges it, however wide the grant', async () => {
    const everything = ['/**'];
    for (const [draft, path] of [
      [{ files: { '/etc/writ/x': 'x' } }, '/etc/writ/x'],
      [app({ dirs: [{ path: '/etc/ssh/x', ...owned }] }), '/etc/ssh/x'],
      [cert({ cert: '/etc/opt/x', key: '/etc/ssh/ssh_host_ed25519_key' }), '/etc/ssh/ssh_host_ed25519_key'],
      [artifact('/usr/bin/writ-relay'), '/usr/bin/writ-relay'],
      [artifact('/usr/'), '/usr/**'],
      [app({ prune: ['/etc'] }), '/etc/**'],
      [app({ prune: ['/var/lib/writ-relay'] }), '/var/lib/writ-relay/**'],
    ] as [PartDraft, string][]) {
      assert.equal(await say(draft, everything), `path_never ${path}`);
    }
  });

  test('are no services of Writ’s own, of sshd or of Proxmox VE', async () => {
    for (const service of [
      ...['writ-relay.service', 'writ.service', 'writ-relay-act.socket'],
      ...['ssh.service', 'ssh.socket', 'sshd@x.service', 'pve-cluster.service', 'pvedaemon.service'],
    ]) {
      const units = [{ service, files: [], kind: 'run' as const }];
      assert.equal(await say({ units }), `unit_takes_place ${service}`);
    }
    const units = [{ service: 'pve-exporter.service', files: [], kind: 'run' as const }];
    assert.equal(await say({ units }), 'allowed');
  });

  test('are not fetched from elsewhere, where nobody would have judged their text', async () => {
    const everything = ['/**'];
    for (const to of [
      '/etc/containers/systemd/web.container',
      '/etc/containers/systemd/web/web.volume',
      '/etc/systemd/system/web.service.d/more.conf',
      '/usr/lib/systemd/system/web.service.d/',
      // The same folder, by a link that every Debian has.
      '/lib/systemd/system/web.service',
      '/lib/systemd/system/web.service.d/',
    ]) {
      assert.equal(await say(artifact(to), everything), `unit_fetched ${to}`);
    }
  });

  test('are judged by their text by whichever name their folder goes', async () => {
    const { part } = await makePart({ files: { '/lib/systemd/system/web.service.d/x.conf': '[Unit]\n' } });
    assert.deepEqual(
      unitsOf(part).map(({ name }) => name),
      ['web.service.d/x.conf'],
    );
  });

  test('are named one by one: no pattern, path or option stands for a service', async () => {
    for (const service of [
      ...['*', '[w]rit-relay.service', '?rit-relay.service', 'w*.service', 'w*', '--root=/x', 'web'],
      ...['/etc/systemd/system/writ-relay.service', 'a b.service', 'a.service\nb.service', ''],
    ]) {
      const { part } = await makePart({ units: [{ service, files: [], kind: 'run' }] });
      assert.ok(!v.is(releasePartSchema, part), service);
    }
    for (const service of ['web.service', 'web@1.service', 'web@.service', 'a\\x2db.mount']) {
      const { part } = await makePart({ units: [{ service, files: [], kind: 'run' }] });
      assert.ok(v.is(releasePartSchema, part), service);
    }
  });

  test('asks for health in one request, and for so long as a text says', async () => {
    const fine = { scheme: 'http' as const, port: 80, path: '/a?b=c%20d', status: 200, within: '60s' };
    const is = async (change: object): Promise<boolean> =>
      v.is(releasePartSchema, (await makePart(app({ health: { ...fine, ...change } }))).part);
    assert.deepEqual([await is({}), await is({ path: '' })], [true, true]);
    for (const path of ['/ HTTP/1.0\r\nX: y\r\n\r\nPOST /x', '/a b', 'x', '/\n']) {
      assert.equal(await is({ path }), false, JSON.stringify(path));
    }
    for (const within of ['', 'long', '1', '-1s', '1s\n']) assert.equal(await is({ within }), false, within);
  });

  test('are no units of which a secret is a part: nobody who judges them could read that', async () => {
    const text = '[Install]\nAlias=~writ:secret:s~\n';
    for (const path of ['/etc/systemd/system/x.service', '/etc/containers/systemd/x.container.d/1.conf']) {
      for (const kind of ['file', 'unit'] as const) {
        const part = { files: { [path]: text }, file: { kind, secrets: ['s'] } };
        const told = `unit_takes_place ${path} would be filled in with secrets`;
        assert.equal(await say(part, ['/etc/**']), told);
      }
    }
    assert.equal(await say({ files: { '/etc/opt/x': text }, file: { secrets: ['s'] } }), 'allowed');
  });

  test('is there once: no path is named twice, and none is below another file', async () => {
    const is = async (files: Record<string, string>): Promise<boolean> =>
      v.is(releasePartSchema, (await makePart({ files })).part);
    assert.ok(await is({ '/etc/opt/a/b': 'x', '/etc/opt/a/c': 'x', '/etc/opt/ab': 'x', 'volume:v/x': 'x' }));
    assert.ok(!(await is({ '/etc/opt/a': 'x', '/etc/opt/a/b': 'x' })));
    assert.ok(!(await is({ 'volume:v/a/b/c': 'x', 'volume:v/a': 'x' })));
    const { part } = await makePart({ files: { '/etc/opt/a': 'x' } });
    assert.ok(!v.is(releasePartSchema, { ...part, files: [...part.files, ...part.files] }));
  });

  test('counts what only the generation before had, but for what was seeded', async () => {
    const before = await makePart({ files: { '/etc/other/x': 'x', '/etc/opt/y': 'y' } });
    const seeded = await makePart({ files: { '/etc/other/x': 'x' }, file: { manage: 'seed' } });
    const after = await makePart({ files: { '/etc/opt/z': 'z' } });
    const judged = judgeRemoved(granted, before.part, after.part);
    assert.deepEqual(judged, { ok: false, reason: 'path_not_granted', detail: '/etc/other/x' });
    assert.ok(judgeRemoved(granted, seeded.part, after.part).ok);
    assert.ok(judgeRemoved(granted, before.part, before.part).ok);
    assert.ok(judgeRemoved(['/etc/**'], before.part, after.part).ok);
  });
});

test('units are known by their folder, whatever the part calls them', async () => {
  const { part } = await makePart({
    files: {
      '/etc/containers/systemd/a.container': 'a',
      '/etc/opt/x': 'x',
      '/etc/systemd/system/b.d/c.conf': 'c',
    },
    file: { kind: 'file' },
  });
  assert.deepEqual(
    unitsOf(part).map(({ name }) => name),
    ['a.container', 'b.d/c.conf'],
  );
});
