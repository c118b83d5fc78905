import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, describe, test } from 'node:test';
import type { ActContext, ActionPorts } from '../../../relay/actions/action.ts';
import { ok, refuse } from '../../../schema/result.ts';
import type { Stage } from '../../support/perform.ts';
import { apply, codeOf, openScene as open, type Scene, serve, stateOf } from '../../support/release-scene.ts';
import { createStages, running } from '../../support/stages.ts';
import { makePart, webPart } from '../../support/test-part.ts';

const stages = createStages();
afterEach(() => stages.close());
const openScene = (changes: Partial<Stage> = {}, guest: object = running): Promise<Scene> =>
  open(stages, changes, guest);

describe('a release on its target', () => {
  test('is brought about, told in its phases and counted; a second time nothing is written', async () => {
    const scene = await openScene();
    const part = await webPart('one\n');
    const done = await apply(scene, part);
    assert.deepEqual(done, {
      outcome: {
        state: 'succeeded',
        result: { already: false, files: 3, started: 1, restarted: 0, reloaded: 0, stopped: 0 },
      },
      phases: ['staged', 'activated'],
    });
    assert.deepEqual(scene.machine.running(), ['web.service']);
    assert.equal(scene.machine.text('/etc/opt/web/index.html'), 'one\n');
    scene.machine.before = async (call) => assert.ok(!/write|remove|makeFolder|setListing/.test(call), call);
    const again = await apply(scene, part);
    assert.deepEqual('outcome' in again && again.outcome, {
      state: 'succeeded',
      result: { already: true, files: 0, started: 0, restarted: 0, reloaded: 0, stopped: 0 },
    });
  });

  test('that fails leaves what ran before, and is not tried again unless somebody says so', async () => {
    const scene = await openScene();
    await apply(scene, await webPart('one\n'));
    const bad = await webPart('two\n', '[Container]\nImage=x\n# Fails\n');
    assert.equal(codeOf(await apply(scene, bad)), 'failed service_failed');
    assert.equal(scene.machine.text('/etc/opt/web/index.html'), 'one\n');
    assert.deepEqual(scene.machine.running(), ['web.service']);
    assert.equal(codeOf(await apply(scene, bad)), 'failed part_quarantined');
    assert.equal(codeOf(await apply(scene, bad, { again: true })), 'failed service_failed');
    const broken = await webPart('two\n', '[Container]\nImage=x\n# Broken\n');
    assert.equal(codeOf(await apply(scene, broken)), 'failed unit_invalid');
    assert.equal(codeOf(await apply(scene, await webPart('three\n'))), 'succeeded');
  });

  test('that takes a package for granted changes nothing until it is there, and then is no longer refused', async () => {
    const scene = await openScene();
    await apply(scene, await webPart('one\n'));
    const app = { packages: [{ name: 'jq' }] };
    const part = await makePart({ app, files: { '/etc/opt/web/index.html': 'two\n' } });
    const { run } = scene.machine;
    scene.machine.before = async (call) =>
      assert.ok(!/write|remove|makeFolder|setListing|change/.test(call), call);
    const done = await apply(scene, part);
    assert.equal(codeOf(done), 'failed packages_missing');
    assert.equal('outcome' in done && 'detail' in done.outcome && done.outcome.detail, 'jq is not installed');
    scene.machine.before = null;
    const stdout = new TextEncoder().encode('installed\t1.7.1-6\tjq\n');
    scene.machine.run = async (argv, options) =>
      argv[0] === 'dpkg-query' ? ok({ code: 0, stdout, stderr: new Uint8Array() }) : run(argv, options);
    assert.equal(codeOf(await apply(scene, part)), 'succeeded');
    assert.equal(scene.machine.text('/etc/opt/web/index.html'), 'two\n');
  });

  test('keeps folders free of other files where it says so, also when it is ordered again, and puts them back', async () => {
    const scene = await openScene();
    const { machine } = scene;
    const page = (text: string, unit = '[Container]\nImage=x\n') =>
      makePart({
        app: { prune: ['/etc/opt/web'] },
        units: [{ service: 'web.service', files: ['web.container'], kind: 'run' }],
        files: { '/etc/opt/web/index.html': text, '/etc/containers/systemd/web.container': unit },
      });
    const others = ['/etc/opt/web/old.html', '/etc/opt/web/sub/older.html'];
    const seed = async (): Promise<void> => {
      await machine.makeFolder('/etc/opt/web/sub', { mode: '0750', owner: 'root:root' });
      for (const path of others) machine.put(path, 'somebody’s\n');
    };
    const left = (): (string | null)[] => others.map((path) => machine.text(path));
    const one = await page('one\n');
    assert.equal(codeOf(await apply(scene, one)), 'succeeded');
    await seed();
    assert.equal(
      codeOf(await apply(scene, await page('two\n', '[Container]\n# Fails\n'))),
      'failed service_failed',
    );
    assert.deepEqual(left(), ['somebody’s\n', 'somebody’s\n'], 'what failed has put them back');
    assert.equal(codeOf(await apply(scene, one)), 'succeeded', 'the same again');
    assert.deepEqual(left(), [null, null]);
    const gone = await machine.stat(['/etc/opt/web/sub', '/etc/opt/web']);
    assert.deepEqual(gone.ok && gone.value.map((stat) => stat?.kind), [undefined, 'folder']);
    await seed();
    assert.equal(codeOf(await apply(scene, await page('three\n'))), 'succeeded');
    assert.deepEqual([...left(), machine.text('/etc/opt/web/index.html')], [null, null, 'three\n']);
  });

  test('that would empty the wrong folder is told in the host’s log, which folder it is', async () => {
    const scene = await openScene();
    const { run } = scene.machine;
    const many = Array.from({ length: 5_001 }, (_, index) => `/etc/opt/${index}\0`).join('');
    scene.machine.run = async (argv, options) =>
      argv[0] === 'find'
        ? ok({ code: 0, stdout: new TextEncoder().encode(many), stderr: new Uint8Array() })
        : run(argv, options);
    const done = await apply(scene, await makePart({ app: { prune: ['/etc/opt'] } }));
    assert.equal(codeOf(done), 'failed prune_too_much');
    assert.match(JSON.stringify(done), /"detail":"over 5000 files, .* in \/etc\/opt"/);
  });

  test('that cannot be put back either is told as such', async () => {
    const scene = await openScene();
    await apply(scene, await webPart('one\n'));
    let isLost = false;
    scene.machine.fault = (_, about) => {
      isLost ||= /systemctl restart/.test(about);
      return isLost ? 'unreachable' : null;
    };
    assert.equal(codeOf(await apply(scene, await webPart('two\n'))), 'unknown revert_failed');
    scene.machine.fault = null;
    assert.notEqual((await stateOf(scene)).pending, null);
    // The next one begins by putting back.
    assert.equal(codeOf(await apply(scene, await webPart('three\n'))), 'succeeded');
    assert.equal((await stateOf(scene)).pending, null);
  });

  test('has codes for what the target could not', async () => {
    for (const [reason, code] of [
      ['no_space', 'failed target_disk_full'],
      ['read_only', 'failed target_read_only'],
      ['machine_error', 'failed target_error'],
    ] as const) {
      const scene = await openScene();
      scene.machine.fault = (call, about) => (call === 'write' && about.startsWith('/etc') ? reason : null);
      assert.equal(codeOf(await apply(scene, await webPart('one\n'))), code);
      scene.machine.fault = null;
      assert.deepEqual([scene.machine.files(), scene.machine.running()], [{}, []]);
    }
    const foreign = await openScene();
    foreign.machine.put('/etc/opt/web/index.html', 'of somebody else\n');
    assert.equal(codeOf(await apply(foreign, await webPart('one\n'))), 'failed foreign_file');
  });
});

test('a guest that has just started is given the time that its agent takes', async () => {
  const agent = { enabled: true, answersAfterMs: 40_000 };
  const scene = await openScene({}, { ...running, agent });
  assert.equal(codeOf(await apply(scene, await webPart('one\n'))), 'succeeded');
  assert.equal(scene.machine.text('/etc/opt/web/index.html'), 'one\n');
});

test('an activation that takes too long is given up and put back', async () => {
  const scene = await openScene();
  assert.equal(codeOf(await apply(scene, await webPart('one\n'))), 'succeeded');
  stages.time.speed = 100_000;
  const part = await webPart('two\n');
  serve(scene, part);
  let signal: ActContext['signal'] | undefined;
  scene.machine.run = ((run) => async (argv, options) => {
    if (argv[1] === 'restart' && signal === undefined && options.signal !== undefined) {
      signal = options.signal;
      if (!signal.aborted) await once(signal, 'abort');
      return refuse('aborted');
    }
    return run(argv, options);
  })(scene.machine.run);
  assert.equal(codeOf(await apply(scene, part)), 'failed activation_timeout');
  assert.equal(scene.machine.text('/etc/opt/web/index.html'), 'one\n');
});

test('threat 27: a release that cuts its host off is put back, and may be tried again', async () => {
  const scene = await openScene();
  assert.equal(codeOf(await apply(scene, await webPart('one\n'))), 'succeeded');
  const part = await webPart('two\n');
  serve(scene, part);
  const asked: string[] = [];
  const watchPath: ActionPorts['watchPath'] = async () => {
    asked.push(scene.machine.text('/etc/opt/web/index.html')!);
    return async () => {
      asked.push(scene.machine.text('/etc/opt/web/index.html')!);
      return refuse('cut_off', 'https://writ.example.net does not answer any more');
    };
  };
  assert.equal(codeOf(await apply({ ...scene, watchPath }, part)), 'failed cut_off');
  assert.deepEqual(asked, ['one\n', 'two\n'], 'looked at before the change, and after it');
  assert.equal(scene.machine.text('/etc/opt/web/index.html'), 'one\n');
  assert.equal(codeOf(await apply(scene, part)), 'succeeded', 'silence is no fault of the part');
});
