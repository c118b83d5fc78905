import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { perform, type Stage } from '../../support/perform.ts';
import {
  apply,
  codeOf,
  openScene as open,
  releasePaths as paths,
  type Scene,
  serve,
} from '../../support/release-scene.ts';
import { createStages, houseWith, running } from '../../support/stages.ts';
import { makePart, type PartDraft, type TestPart, webPart } from '../../support/test-part.ts';

const stages = createStages();
afterEach(() => stages.close());
const openScene = (changes: Partial<Stage> = {}, guest: object = running): Promise<Scene> =>
  open(stages, changes, guest);

describe('a release is refused before anything is done', () => {
  const refusedWith = async (
    code: string,
    part: TestPart,
    changes: Partial<Stage> = {},
    guest: object = running,
  ) => {
    const scene = await openScene(changes, guest);
    scene.machine.before = async (call) =>
      assert.ok(!/write|remove|makeFolder|setListing|rename/.test(call), call);
    const done = await apply(scene, part);
    assert.equal(codeOf(done), code);
    return done;
  };

  test('for a guest that is another one, not adopted, off, suspended or without an agent', async () => {
    const part = await webPart('one\n');
    await refusedWith('guest_mismatch', part, { house: houseWith('websvcs', { identity: 'another' }) });
    await refusedWith(
      'guest_mismatch',
      part,
      {},
      { ...running, uuid: '99999999-9999-4999-8999-999999999999' },
    );
    const { identity: _, ...bare } = houseWith('websvcs', {}).guests.websvcs!;
    const house = { ...houseWith('websvcs', {}), guests: { websvcs: bare } };
    await refusedWith('guest_not_adopted', part, { house });
    await refusedWith('guest_not_running', part, {}, { running: false });
    const suspended = await openScene();
    suspended.tower!.simulator.guest(100).paused = true;
    assert.equal(codeOf(await apply(suspended, part)), 'guest_paused');
    await refusedWith('agent_not_configured', part, { house: houseWith('websvcs', { agent: false }) });
    await refusedWith(
      'agent_silent',
      part,
      {},
      { ...running, agent: { enabled: true, answersAfterMs: Number.POSITIVE_INFINITY } },
    );
  });

  test('threat 8: for a part of another target or relay', async () => {
    await refusedWith('part_foreign', await makePart({ target: 'gaming' }));
    await refusedWith('part_foreign', await makePart({ relay: 'pve1' }));
  });

  test('threat 9: without all bytes of its part, or with a part of another shape', async () => {
    const scene = await openScene();
    const part = await webPart('one\n');
    for (const digest of part.blobs.keys()) {
      serve(scene, part);
      scene.served.delete(digest);
      const done = await perform(scene, 'release.apply', 'websvcs', { part: part.digest });
      assert.match(codeOf(done), /^(failed )?blob_missing$/);
      assert.deepEqual([scene.machine.files(), scene.machine.running()], [{}, []]);
    }
    for (const text of ['{}', 'x', '[]', JSON.stringify({ ...part.part, more: 1 })]) {
      const bytes = new TextEncoder().encode(text);
      const odd: TestPart = { ...part, blobs: new Map([[part.digest, bytes]]) };
      assert.equal(codeOf(await apply(scene, odd)), 'part_malformed');
    }
  });

  test('with what cannot be brought about yet, by name', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const apt = [{ name: 'x', uri: 'https://x', suites: ['x'], components: [], key: digest }];
    const done = await refusedWith('part_needs_more', await makePart({ app: { apt } }));
    assert.equal('detail' in done && done.detail, 'sources of packages');
  });

  test('threat 31: for a path that is not granted, or never', async () => {
    const of = (files: Record<string, string>, app: PartDraft['app'] = {}) => makePart({ files, app });
    await refusedWith('path_not_granted', await of({ '/etc/haproxy/haproxy.cfg': 'x' }));
    await refusedWith('path_not_granted', await webPart('x'), { paths: [] });
    await refusedWith(
      'path_not_granted',
      await of({}, { dirs: [{ path: '/srv/x', mode: '0755', owner: 'root:root' }] }),
    );
    const everything = { paths: ['/**'] };
    for (const path of [
      '/etc/writ-relay/config.json',
      '/etc/sudoers.d/x',
      '/etc/systemd/system/writ-relay.service',
    ]) {
      await refusedWith('path_never', await of({ [path]: 'x' }), everything);
    }
    await refusedWith(
      'path_never',
      await of({}, { dirs: [{ path: '/root/x', mode: '0755', owner: 'root:root' }] }),
      everything,
    );
  });

  test('threat 31: for what it would remove of the generation before', async () => {
    const wide = { paths: ['/**'] };
    const scene = await openScene(wide);
    const files = { '/srv/other/x': 'x', '/etc/opt/web/y': 'y' };
    assert.equal(codeOf(await apply(scene, await makePart({ files }))), 'succeeded');
    const narrow = { ...scene, paths };
    const gone = await makePart({ files: { '/etc/opt/web/y': 'z' } });
    assert.equal(codeOf(await apply(narrow, gone)), 'path_not_granted');
    assert.equal(scene.machine.text('/srv/other/x'), 'x');
    const kept = await makePart({ files: { '/srv/other/x': 'x', '/etc/opt/web/y': 'z' } });
    assert.equal(codeOf(await apply(narrow, kept)), 'path_not_granted');
    assert.equal(codeOf(await apply(scene, gone)), 'succeeded');
    assert.equal(scene.machine.text('/srv/other/x'), null);
  });

  test('threat 31: for a unit that would take Writ’s place, or open what no release may touch', async () => {
    const unit = (text: string) => makePart({ files: { '/etc/containers/systemd/web.container': text } });
    await refusedWith('unit_takes_place', await unit('[Container]\nServiceName=writ-relay\n'));
    await refusedWith('unit_takes_place', await unit('[Install]\nAlias=writ-relay.service\n'));
    await refusedWith('unit_opens_never', await unit('[Container]\nVolume=/etc/pve:/x\n'));
    const service = [{ service: 'writ-relay.service', files: [], kind: 'run' as const }];
    await refusedWith('unit_takes_place', await makePart({ units: service }));
  });

  test('where the record of what runs there is damaged, or a part of it is gone', async () => {
    const [before, after] = [await webPart('one\n'), await webPart('two\n')];
    const blob = `/var/lib/writ-target/blobs/${before.digest.slice('sha256:'.length)}`;
    for (const damage of [
      (scene: Scene) => void scene.machine.put(blob, '{}'),
      (scene: Scene) => scene.machine.remove(blob),
      (scene: Scene) => void scene.machine.put('/var/lib/writ-target/state.json', '{}'),
    ]) {
      const scene = await openScene();
      assert.equal(codeOf(await apply(scene, before)), 'succeeded');
      await damage(scene);
      assert.equal(codeOf(await apply(scene, after)), 'target_state_malformed');
      assert.equal(scene.machine.text('/etc/opt/web/index.html'), 'one\n');
    }
  });
});
