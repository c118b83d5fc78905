import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RelayOverrides } from '../../relay/overrides.ts';
import type { TrustGrant } from '../../schema/trust/grant.ts';
import { playReleases, type ReleaseScene, releasePaths } from '../support/release-play.ts';
import { makePart, type TestPart, webPart } from '../support/test-part.ts';

const often: RelayOverrides = { targetIntervalMs: 20_000 };
const page = '/etc/opt/web/index.html';

/** Trust lets relays put back what was changed by hand on the guest. */
const allow = (
  { home, relay }: ReleaseScene,
  grant: Partial<TrustGrant> = {},
  expires?: string,
): Promise<unknown> => {
  const may = [{ action: 'release.heal', on: ['websvcs'], limit: '2/1d', paths: releasePaths, ...grant }];
  const before = relay.events.length;
  return home
    .amend((document) => ({
      ...document,
      ...(expires !== undefined && { expires }),
      identities: { ...document.identities, standing: { kind: 'standing', may } },
    }))
    .then(() => relay.until('trust_in_force', () => relay.events.length > before));
};

async function runOne(
  { deploy, outcome, reported }: ReleaseScene,
  part: Promise<TestPart> = webPart('one\n'),
): Promise<string> {
  const one = await part;
  assert.equal(await outcome(await deploy(one)), 'succeeded');
  await reported(({ part, drifted }) => part !== null && drifted === 0);
  return one.digest;
}

const heals = ({ api }: ReleaseScene) =>
  api.receipts.map(({ receipt }) => receipt).filter(({ action }) => action === 'release.heal');

test('what was changed by hand is put back where trust says so, its users restart, and receipts tell of it', () =>
  playReleases(async (scene) => {
    await allow(scene);
    await runOne(scene);
    const { machine, api } = scene;
    const { length } = machine.ran;
    machine.put(page, 'by hand\n');
    await api.until('both receipts', () => heals(scene).length === 2);
    assert.equal(machine.text(page), 'one\n');
    assert.deepEqual(
      heals(scene).map(({ state, target }) => [state, target]),
      [
        ['started', 'websvcs'],
        ['succeeded', 'websvcs'],
      ],
    );
    assert.partialDeepStrictEqual(heals(scene)[1]!.result, { already: false, files: 1, restarted: 1 });
    assert.ok(machine.ran.slice(length).some((argv) => String(argv).includes('web.service')));
  }, often));

test('what somebody put beside the files stays, also in folders that releases keep free of other files', () =>
  playReleases(async (scene) => {
    const { machine, api } = scene;
    await allow(scene);
    await runOne(scene, makePart({ files: { [page]: 'one\n' }, app: { prune: ['/etc/opt/web'] } }));
    machine.put('/etc/opt/web/other', 'somebody’s\n');
    machine.put(page, 'by hand\n');
    await api.until('both receipts', () => heals(scene).length === 2);
    assert.deepEqual([machine.text(page), machine.text('/etc/opt/web/other')], ['one\n', 'somebody’s\n']);
  }, often));

test('without that it stays as it is, and is told', () =>
  playReleases(async (scene) => {
    await runOne(scene);
    scene.machine.put(page, 'by hand\n');
    await scene.reported(({ drifted }) => drifted === 1);
    await scene.relay.idle();
    assert.equal(scene.machine.text(page), 'by hand\n');
    assert.deepEqual(heals(scene), []);
  }, often));

test('threat 26: not more often than its limit, whoever changes it again and again', () =>
  playReleases(async (scene) => {
    await allow(scene);
    await runOne(scene);
    const { api, machine, relay } = scene;
    for (const count of [1, 2]) {
      machine.put(page, `by hand ${count}\n`);
      await api.until(
        'it is back',
        () => heals(scene).length === 2 * count && machine.text(page) === 'one\n',
      );
    }
    machine.put(page, 'once more\n');
    await relay.until('not_done_by_itself', ({ fields }) => fields.code === 'limit_reached');
    assert.equal(machine.text(page), 'once more\n');
    assert.equal(heals(scene).length, 4);
  }, often));

test('threat 2: it goes on under a trust document that has expired', () =>
  playReleases(async (scene) => {
    const end = new Date(scene.time.clock.now() + 60 * 60_000).toISOString().replace(/\.\d+Z$/, 'Z');
    await allow(scene, {}, end);
    await runOne(scene);
    scene.time.speed = 1_000;
    await scene.time.clock.sleep(Date.parse(end) - scene.time.clock.now());
    scene.machine.put(page, 'by hand\n');
    const ended = await scene.relay.until('step_ended', (event) => event.fields.action === 'release.heal');
    assert.deepEqual([ended.fields.state, scene.machine.text(page)], ['succeeded', 'one\n']);
  }, often));

test('threat 31: it touches nothing beyond the paths of its grant', () =>
  playReleases(async (scene) => {
    await allow(scene, { paths: ['/etc/containers/systemd/**'] });
    await runOne(scene);
    scene.machine.put(page, 'by hand\n');
    await scene.relay.until('not_done_by_itself', ({ fields }) => fields.code === 'path_not_granted');
    assert.equal(scene.machine.text(page), 'by hand\n');
    assert.deepEqual(heals(scene), []);
  }, often));

test('threat 1: nobody can order it, whatever trust grants them', () =>
  playReleases(
    async (scene) => {
      const digest = await runOne(scene);
      const { home, api, machine } = scene;
      await home.amend((document) => {
        const { operator } = document.identities;
        assert.ok(operator?.kind === 'key');
        const may = [...operator.may, { action: 'release.heal', on: ['websvcs'], paths: releasePaths }];
        return { ...document, identities: { ...document.identities, operator: { ...operator, may } } };
      });
      await scene.relay.until('trust_in_force');
      machine.put(page, 'by hand\n');
      const intent = await home.intent([
        { action: 'release.heal', target: 'websvcs', params: { part: digest } },
      ]);
      api.offer({ relay: 'pve2', intent });
      assert.equal((await api.outcome(intent)).code, 'action_unknown');
      assert.equal(machine.text(page), 'by hand\n');
    },
    { targetIntervalMs: 24 * 60 * 60_000 },
  ));

test('it waits while something is at work there, and does not undo what was not settled', () =>
  playReleases(async (scene) => {
    await allow(scene);
    await runOne(scene);
    const { machine, deploy, outcome } = scene;
    const two = await deploy(await webPart('two\n'));
    machine.put(page, 'by hand\n');
    assert.equal(await outcome(two), 'succeeded');
    await scene.relay.idle();
    assert.equal(machine.text(page), 'two\n');
  }, often));
