import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import * as v from 'valibot';
import { archiveListPath } from '../../../relay/deploy/artifacts/archive-list.ts';
import { createTargetLook } from '../../../relay/deploy/look-target.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import type { ReleaseApp } from '../../../schema/wire/release.ts';
import { targetReportSchema } from '../../../schema/wire/report.ts';
import { type Elsewhere, letFetch } from '../../support/fetching-memory.ts';
import { apply, codeOf, openScene, type Scene, serve, stateOf } from '../../support/release-scene.ts';
import { createStages } from '../../support/stages.ts';
import { makePart, type TestPart } from '../../support/test-part.ts';

const stages = createStages();
afterEach(() => stages.close());

type Fetching = Scene & { readonly elsewhere: Elsewhere };
const open = async (): Promise<Fetching> => {
  const scene = await openScene(stages);
  scene.machine.put('/var/lib/writ-target', '');
  await scene.machine.makeFolder('/var/lib/writ-target', { mode: '0700', owner: 'root:root' });
  return { ...scene, elsewhere: letFetch(scene.machine) };
};

const unit = '[Container]\nImage=localhost/busy:1\n';
const partOf = (artifacts: ReleaseApp['artifacts'], text = unit): Promise<TestPart> =>
  makePart({
    app: { artifacts },
    files: { '/etc/containers/systemd/web.container': text },
    units: [{ service: 'web.service', files: ['web.container'], kind: 'run' }],
  });
const pages = { 'index.html': 'one', 'about.html': 'who' };
const restarts = ({ machine }: Scene): number =>
  machine.ran.filter((words) => /restart -- web/.test(words)).length;
const blobsOf = async ({ machine }: Scene): Promise<string[]> => {
  const names = await machine.list('/var/lib/writ-target/blobs', 100);
  return names.ok ? [...names.value] : [];
};

describe('what an app has from elsewhere', () => {
  test('is fetched by its target once, and is files of the release from then on', async () => {
    const scene = await open();
    const { machine, elsewhere } = scene;
    const theme = elsewhere.serve('theme', 'black', { mode: '0640', owner: 'grafana:root' });
    const part = await partOf([theme, elsewhere.serve('pages', pages)]);
    const done = await apply(scene, part);
    assert.equal(codeOf(done), 'succeeded');
    assert.deepEqual(machine.files(), {
      '/etc/containers/systemd/web.container': unit,
      '/etc/opt/web/pages/about.html': 'who',
      '/etc/opt/web/pages/index.html': 'one',
      '/etc/opt/web/theme.css': 'black',
    });
    const [stat] = await machine
      .stat(['/etc/opt/web/theme.css'])
      .then((stats) => (stats.ok ? stats.value : []));
    assert.deepEqual([stat?.mode, stat?.uid], ['0640', 472]);
    assert.deepEqual(elsewhere.asked, ['https://example.net/pages', 'https://example.net/theme']);
    assert.deepEqual(await createTargetLook(machine)(), {
      ok: true,
      value: { part: part.digest, pending: false, drifted: 0, drift: [] },
    });
    elsewhere.served.clear();
    machine.before = async (call) => assert.ok(!/write|remove|makeFolder|setListing/.test(call), call);
    const again = await apply(scene, part);
    assert.deepEqual('outcome' in again && again.outcome, {
      state: 'succeeded',
      result: { already: true, files: 0, started: 0, restarted: 0, reloaded: 0, stopped: 0 },
    });
    assert.equal(elsewhere.asked.length, 2);
  });

  test('is told when it was changed by hand, and put back without being fetched', async () => {
    const scene = await open();
    const { machine, elsewhere } = scene;
    const part = await partOf([elsewhere.serve('theme', 'black'), elsewhere.serve('pages', pages)]);
    await apply(scene, part);
    machine.put('/etc/opt/web/pages/index.html', 'mine');
    await machine.remove('/etc/opt/web/theme.css');
    const look = await createTargetLook(machine)();
    assert.deepEqual(look.ok && look.value.drift, [
      { kind: 'file', name: '/etc/opt/web/pages/index.html', is: 'changed' },
      { kind: 'file', name: '/etc/opt/web/theme.css', is: 'missing' },
    ]);
    elsewhere.served.clear();
    const before = restarts(scene);
    assert.equal(codeOf(await apply(scene, part)), 'succeeded');
    assert.equal(machine.text('/etc/opt/web/pages/index.html'), 'one');
    assert.equal(machine.text('/etc/opt/web/theme.css'), 'black');
    assert.equal(restarts(scene), before + 1);
  });

  test('follows its digest, and its old bytes are kept as long as the generation that had them', async () => {
    const scene = await open();
    const { machine, elsewhere } = scene;
    const first = await partOf([elsewhere.serve('theme', 'black'), elsewhere.serve('pages', pages)]);
    await apply(scene, first);
    const lists = async () => {
      const names = await machine.list('/var/lib/writ-target/archives', 10);
      return names.ok ? names.value.length : 0;
    };
    const next = { 'index.html': 'two', 'new.html': 'new' };
    const second = await partOf([elsewhere.serve('theme2', 'white'), elsewhere.serve('pages2', next)]);
    assert.equal(codeOf(await apply(scene, second)), 'succeeded');
    assert.equal(machine.text('/etc/opt/web/pages/about.html'), null);
    assert.equal(machine.text('/etc/opt/web/pages/new.html'), 'new');
    assert.equal(machine.text('/etc/opt/web/theme.css'), 'white');
    assert.equal(await lists(), 2);
    // Their servers are gone, and nobody needs them.
    elsewhere.served.clear();
    assert.equal(codeOf(await apply(scene, first)), 'succeeded');
    assert.equal(machine.text('/etc/opt/web/pages/about.html'), 'who');
    assert.equal(elsewhere.asked.length, 4);
    for (const page of 'abcde')
      assert.equal(codeOf(await apply(scene, await partOf([], `${unit}# ${page}\n`))), 'succeeded');
    assert.equal(await lists(), 0);
    // Five parts and five units.
    assert.equal((await blobsOf(scene)).length, 10);
    assert.deepEqual(Object.keys(machine.files()), ['/etc/containers/systemd/web.container']);
  });

  test('goes back with all else when a service fails', async () => {
    const scene = await open();
    const { machine, elsewhere } = scene;
    await apply(scene, await partOf([elsewhere.serve('theme', 'black'), elsewhere.serve('pages', pages)]));
    const before = machine.files();
    const next = [elsewhere.serve('theme2', 'white'), elsewhere.serve('pages2', { 'index.html': 'two' })];
    assert.equal(codeOf(await apply(scene, await partOf(next, `${unit}# Fails\n`))), 'failed service_failed');
    assert.deepEqual(machine.files(), before);
    assert.deepEqual(machine.running(), ['web.service']);
    assert.equal(codeOf(await apply(scene, await partOf(next))), 'succeeded');
    assert.equal(machine.text('/etc/opt/web/theme.css'), 'white');
  });

  test('that is there already is left as it is, and not fetched', async () => {
    const scene = await open();
    const { machine, elsewhere } = scene;
    const theme = elsewhere.serve('theme', 'black');
    await machine.makeFolder('/etc/opt/web', { mode: '0755', owner: 'root:root' });
    machine.put(theme.to, 'black');
    assert.equal(codeOf(await apply(scene, await partOf([theme]))), 'succeeded');
    assert.deepEqual(elsewhere.asked, []);
    const bad = await partOf([elsewhere.serve('theme2', 'white')], `${unit}# Fails\n`);
    assert.equal(codeOf(await apply(scene, bad)), 'failed service_failed');
    assert.equal(machine.text(theme.to), 'black');
    const other = await partOf([elsewhere.serve('pages', { x: 'x' }, { to: '/etc/opt/other/' })]);
    machine.put('/etc/opt/other', '');
    await machine.makeFolder('/etc/opt/other', { mode: '0755', owner: 'root:root' });
    machine.put('/etc/opt/other/x', 'mine');
    assert.equal(codeOf(await apply(scene, other)), 'failed foreign_file');
    assert.equal(machine.text('/etc/opt/other/x'), 'mine');
  });

  test('is none of the other files that a folder is kept free of', async () => {
    const scene = await open();
    const { machine, elsewhere } = scene;
    const artifacts = [elsewhere.serve('pages', pages)];
    await apply(scene, await partOf(artifacts));
    machine.put('/etc/opt/web/pages/mine.html', 'mine');
    const kept = await makePart({ app: { artifacts, prune: ['/etc/opt/web/pages'] } });
    assert.equal(codeOf(await apply(scene, kept)), 'succeeded');
    assert.deepEqual(Object.keys(machine.files()), [
      '/etc/opt/web/pages/about.html',
      '/etc/opt/web/pages/index.html',
    ]);
  });

  test('that cannot be fetched may come the next time; that is another one is not tried again', async () => {
    const scene = await open();
    const { machine, elsewhere } = scene;
    const good = elsewhere.serve('theme', 'black');
    const away = { ...good, url: 'https://example.net/away' };
    const part = await partOf([away]);
    assert.equal(codeOf(await apply(scene, part)), 'failed artifact_unreachable');
    assert.deepEqual((await stateOf(scene)).quarantined, []);
    elsewhere.served.set(away.url, 'black');
    assert.equal(codeOf(await apply(scene, part)), 'succeeded');
    elsewhere.served.set('https://example.net/wrong', 'pink');
    const wrong = await partOf([{ ...good, sha256: 'b'.repeat(64), url: 'https://example.net/wrong' }]);
    assert.equal(codeOf(await apply(scene, wrong)), 'failed artifact_wrong');
    assert.equal(codeOf(await apply(scene, wrong)), 'failed part_quarantined');
    const odd = await partOf([elsewhere.serve('odd', { x: 'x' }, { sha256: 'b'.repeat(64) })]);
    assert.equal(codeOf(await apply(scene, odd)), 'failed artifact_wrong');
    assert.equal(codeOf(await apply(scene, odd)), 'failed part_quarantined');
    assert.equal(machine.text(good.to), 'black');
    assert.equal(machine.text('/var/lib/writ-fetch/incoming/body'), null);
  });

  test('that would be two files at one place is refused, and no part of it is there', async () => {
    const scene = await open();
    const { machine, elsewhere } = scene;
    const bad: ReleaseApp['artifacts'][] = [
      [elsewhere.serve('a', 'a'), elsewhere.serve('b', 'b')],
      [elsewhere.serve('a', 'a', { to: '/etc/opt/web/pages' }), elsewhere.serve('pages', pages)],
      [elsewhere.serve('pages', pages), elsewhere.serve('more', { 'index.html': 'x' })],
      [elsewhere.serve('a', 'a', { to: '/etc/opt/web/' })],
      [elsewhere.serve('pages', pages, { to: '/etc/opt/web/pages' })],
    ];
    for (const artifacts of bad)
      assert.equal(codeOf(await apply(scene, await partOf(artifacts))), 'failed artifact_unfit');
    assert.deepEqual(machine.files(), {});
  });

  test('whose list is gone from the target is fetched again by the same release', async () => {
    const scene = await open();
    const { machine, elsewhere } = scene;
    const archive = elsewhere.serve('pages', pages);
    const part = await partOf([archive]);
    await apply(scene, part);
    const path = `/var/lib/writ-target/archives/${archive.sha256}-0.json`;
    await machine.remove(path);
    const look = await createTargetLook(machine)();
    assert.equal(!look.ok && look.reason, 'target_state_malformed');
    assert.equal(codeOf(await apply(scene, part)), 'succeeded');
    assert.match(machine.text(path)!, /^\{"files":\[\{"digest":/);
    await machine.remove(
      `/var/lib/writ-target/blobs/${(await blobsOf(scene)).find((one) => machine.text(`/var/lib/writ-target/blobs/${one}`) === 'who')}`,
    );
    await machine.remove('/etc/opt/web/pages/about.html');
    assert.equal(codeOf(await apply(scene, part)), 'succeeded');
    assert.equal(machine.text('/etc/opt/web/pages/about.html'), 'who');
    assert.equal(elsewhere.asked.length, 3);
  });

  test('threat 31: whose list a target made up brings it no bytes but those of its own part', async () => {
    const scene = await open();
    const { machine, elsewhere } = scene;
    const archive = elsewhere.serve('pages', pages);
    const part = await partOf([archive]);
    const others = await makePart({ files: { '/etc/opt/other': 'of another target' } });
    serve(scene, others);
    const { digest } = others.part.files[0]!;
    const made = canonicalJson({ v: 1, files: [{ path: 'x', digest, mode: '0644' }] });
    await machine.makeFolder('/var/lib/writ-target/archives', { mode: '0700', owner: 'root:root' });
    machine.put(archiveListPath(archive), made);
    assert.equal(codeOf(await apply(scene, part)), 'failed blob_missing');
    assert.deepEqual(machine.files(), {});
    assert.ok(!(await blobsOf(scene)).includes(digest.slice('sha256:'.length)));
    // What it fetched meanwhile says what is true.
    assert.equal(codeOf(await apply(scene, part)), 'succeeded');
  });

  test('has its drift in a report, however long its name is', async () => {
    const scene = await open();
    const { machine, elsewhere } = scene;
    const to = `/etc/opt/${'a'.repeat(200)}/`;
    const name = `${'b'.repeat(44)}😀${'c'.repeat(200)}`;
    assert.equal(
      codeOf(await apply(scene, await partOf([elsewhere.serve('p', { [name]: 'x' }, { to })]))),
      'succeeded',
    );
    await machine.remove(`${to}${name}`);
    const look = await createTargetLook(machine)();
    assert.ok(look.ok);
    const { part, drifted, drift } = look.value;
    assert.equal(drift[0]?.is, 'missing');
    assert.match(drift[0]!.name, /^\/etc\/opt\/a+\/b+.*…$/u);
    assert.ok(drift[0]!.name.isWellFormed());
    assert.ok(v.is(targetReportSchema, { part, drifted, drift, seen: 'ok', seen_at: 1 }));
  });

  test('comes whole by the next try, whenever its target is lost on the way, and nothing else is left', async () => {
    const play = async (lostAt: number) => {
      const scene = await open();
      const { machine, elsewhere } = scene;
      await apply(scene, await partOf([elsewhere.serve('old', { 'index.html': 'old' })]));
      const next = await partOf([elsewhere.serve('theme', 'black'), elsewhere.serve('pages', pages)]);
      let calls = 0;
      machine.fault = () => {
        calls += 1;
        return calls > lostAt ? 'unreachable' : null;
      };
      const first = await apply(scene, next);
      machine.fault = null;
      const last = codeOf(await apply(scene, next));
      const blobs = (await blobsOf(scene))
        .map((name) => machine.text(`/var/lib/writ-target/blobs/${name}`)!)
        .sort();
      return {
        first,
        last,
        files: machine.files(),
        running: machine.running(),
        blobs,
        calls,
        left: await machine.stat(['/var/lib/writ-fetch']),
      };
    };
    const whole = await play(Number.POSITIVE_INFINITY);
    assert.equal(codeOf(whole.first), 'succeeded');
    const ends = ({ last, files, running, blobs, left }: Awaited<ReturnType<typeof play>>) =>
      canonicalJson({ last, files, running, blobs, left });
    assert.ok(whole.calls > 30);
    // Neighbours are mostly calls of one step.
    for (let lostAt = 0; lostAt < whole.calls; lostAt += 3)
      assert.equal(ends(await play(lostAt)), ends(whole), `lost after ${lostAt} calls`);
  });
});
