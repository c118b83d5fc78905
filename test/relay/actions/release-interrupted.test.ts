import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { createMemoryMachine } from '../../support/memory-machine.ts';
import { observeAfter, type Stage } from '../../support/perform.ts';
import { apply, codeOf, openScene as open, type Scene, stateOf } from '../../support/release-scene.ts';
import { createStages, running } from '../../support/stages.ts';
import { type TestPart, webPart } from '../../support/test-part.ts';

const stages = createStages();
afterEach(() => stages.close());
const openScene = (changes: Partial<Stage> = {}, guest: object = running): Promise<Scene> =>
  open(stages, changes, guest);

describe('a release that the relay’s death interrupted', () => {
  /** Applies a second release, and cuts it off before the n-th call that the machine is asked for. */
  async function cutAt(
    tower: Scene,
    count: number,
  ): Promise<{ scene: Scene; part: TestPart; wasCut: boolean }> {
    const machine = createMemoryMachine();
    const scene: Scene = { ...tower, machine, machineOf: () => machine };
    assert.equal(codeOf(await apply(scene, await webPart('one\n'))), 'succeeded');
    const part = await webPart('two\n');
    let calls = 0;
    const { resolve, promise } = Promise.withResolvers<void>();
    const never = new Promise<never>(() => {});
    machine.before = async () => {
      calls += 1;
      if (calls < count) return;
      resolve();
      await never;
    };
    const life = new AbortController();
    await Promise.race([apply({ ...scene, signal: life.signal }, part), promise]);
    life.abort();
    machine.before = null;
    return { scene, part, wasCut: calls >= count };
  }

  test('threat 10: is undone or was done, whole, and what is told of it is true', async () => {
    const told = new Set<string>();
    const tower = await openScene();
    for (let count = 3; ; count += 1) {
      const { scene, part, wasCut } = await cutAt(tower, count);
      const outcome = await observeAfter(scene, 'release.apply', 'websvcs', {
        params: { part: part.digest },
      });
      const page = scene.machine.text('/etc/opt/web/index.html');
      told.add(outcome.state);
      if (outcome.state === 'succeeded') assert.equal(page, 'two\n', `at ${count}`);
      else {
        assert.deepEqual(outcome, { state: 'failed', code: 'activation_undone' }, `at ${count}`);
        assert.equal(page, 'one\n', `at ${count}`);
      }
      assert.deepEqual(scene.machine.running(), ['web.service'], `at ${count}`);
      assert.equal((await stateOf(scene)).pending, null);
      if (!wasCut) break;
    }
    assert.deepEqual([...told].sort(), ['failed', 'succeeded']);
  });

  test('is told with the fault of its part, where it had failed and was put back', async () => {
    const scene = await openScene();
    const bad = await webPart('two\n', '[Container]\n# Fails\n');
    assert.equal(codeOf(await apply(scene, bad)), 'failed service_failed');
    const params = { part: bad.digest };
    assert.deepEqual(await observeAfter(scene, 'release.apply', 'websvcs', { params }), {
      state: 'failed',
      code: 'service_failed',
    });
  });

  test('threat 32: is told in codes, whatever the guest says of itself', async () => {
    const scene = await openScene();
    const bad = await webPart('two\n', '[Container]\n# Fails\n');
    await apply(scene, bad);
    const path = '/var/lib/writ-target/state.json';
    const params = { part: bad.digest };
    scene.machine.put(path, scene.machine.text(path)!.replace('service_failed', 'the_password_is_hunter2'));
    assert.deepEqual(await observeAfter(scene, 'release.apply', 'websvcs', { params }), {
      state: 'failed',
      code: 'activation_undone',
    });
    scene.machine.put(path, '{}');
    assert.partialDeepStrictEqual(await observeAfter(scene, 'release.apply', 'websvcs', { params }), {
      state: 'unknown',
      code: 'target_state_malformed',
    });
  });

  test('is not known while the guest is off, and tells when putting back fails', async () => {
    const tower = await openScene();
    const cut = async () => {
      for (let count = 3; ; count += 1) {
        const one = await cutAt(tower, count);
        assert.ok(one.wasCut);
        if ((await stateOf(one.scene)).pending !== null) return one;
      }
    };
    const { scene, part } = await cut();
    const params = { part: part.digest };
    scene.machine.fault = (call) => (call === 'run' ? 'unreachable' : null);
    assert.partialDeepStrictEqual(await observeAfter(scene, 'release.apply', 'websvcs', { params }), {
      state: 'unknown',
      code: 'revert_failed',
    });
    scene.machine.fault = null;
    const guest = { kind: 'qemu', vmid: 100 } as const;
    assert.ok((await scene.tower!.proxmox.stop(guest)).ok);
    const before = scene.time.clock.uptimeMs();
    assert.partialDeepStrictEqual(await observeAfter(scene, 'release.apply', 'websvcs', { params }), {
      state: 'unknown',
      code: 'guest_not_running',
    });
    assert.ok(scene.time.clock.uptimeMs() - before >= 120_000, 'it may be about to start');
    assert.ok((await scene.tower!.proxmox.start(guest)).ok);
    assert.deepEqual(await observeAfter(scene, 'release.apply', 'websvcs', { params }), {
      state: 'failed',
      code: 'activation_undone',
    });
  });
});
