import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { type ActionType, commandActions } from '../../schema/actions/index.ts';
import type { TrustGrant } from '../../schema/trust/grant.ts';
import { type Rig, startRig } from '../relay/agent/fixture.ts';
import { perform } from '../support/perform.ts';
import { createStages, ordersTo, running } from '../support/stages.ts';

const stages = createStages();
afterEach(() => stages.close());

/** What is known of every parameter that any action declares: a new one must be judged here first. */
const judgedParameters: Record<string, { good: readonly unknown[]; bad: readonly unknown[] }> = {
  // How long to wait before giving up. It never adds a power cut.
  timeout_s: {
    good: [10, 180, 600],
    bad: [9, 601, 0, -1, 10.5, 1e9, '180', null, true, [180], { value: 180 }],
  },
};

/** Members that would raise the risk of an action if anybody read them. */
const raisers = [
  'force',
  'forceStop',
  'force_stop',
  'override',
  'overrule-shutdown',
  'in_use',
  'skip_check',
  'skiplock',
  'prune',
  'guests',
  'target',
  'relay',
  'host',
  'vmid',
  'node',
  'identity',
  'mac',
  'address',
  'action',
  'timeout',
  'keepActive',
  'toString',
] as const;

const declaredBy = (type: string): string[] => {
  const card = commandActions.find((action) => action.type === type)!;
  return Object.keys((card.params as unknown as { entries: object }).entries);
};

const targetOf = (type: string): string =>
  type === 'app.command' ? 'gaming/web/reindex' : type.startsWith('host.') ? 'pve2' : 'gaming';

/** A relay whose trust lets somebody order one action on one target, and nothing else. */
async function rigWithGrant(type: string): Promise<Rig> {
  const relay = type === 'host.wake' ? 'pve1' : 'pve2';
  const rig = await startRig({ relay });
  const may: TrustGrant[] = [{ action: type, on: [targetOf(type)] }];
  await rig.home.amend((document) => ({
    ...document,
    identities: {
      ...document.identities,
      operator: { ...document.identities.operator!, may } as never,
    },
  }));
  await rig.state.trust.install(rig.home.versions);
  return rig;
}

const orderWith = async (rig: Rig, action: string, params: Record<string, unknown>): Promise<string> => {
  const step = { relay: rig.relay, action, target: targetOf(action), params };
  const intent = await rig.home.intent([step], { issuedAt: rig.clock.now() });
  const outcome = await rig.order(intent);
  await rig.executor.idle();
  return outcome.kind === 'refused' || outcome.kind === 'dropped' ? outcome.code : outcome.kind;
};

for (const { type } of commandActions) {
  test(`threat 33: no parameter of ${type} makes more of it than its grant says`, async () => {
    const rig = await rigWithGrant(type);
    const declared = declaredBy(type);
    for (const name of raisers) {
      for (const value of [true, 1, 'yes']) {
        assert.equal(await orderWith(rig, type, { [name]: value }), 'params_invalid', `${name}: ${value}`);
      }
    }
    for (const [name, { good, bad }] of Object.entries(judgedParameters)) {
      const isDeclared = declared.includes(name);
      for (const value of bad) {
        assert.equal(await orderWith(rig, type, { [name]: value }), 'params_invalid', `${name}: ${value}`);
      }
      for (const value of good) {
        const expected = isDeclared ? 'started' : 'params_invalid';
        assert.equal(await orderWith(rig, type, { [name]: value }), expected, `${name}: ${value}`);
      }
    }
    assert.deepEqual(
      declared.filter((name) => !Object.hasOwn(judgedParameters, name)),
      [],
      'a parameter that nobody has judged',
    );
    assert.equal(await orderWith(rig, type, { constructor: true }), 'intent_malformed');
    assert.equal(await orderWith(rig, type, {}), 'started');
    for (const deed of rig.deeds) {
      assert.equal(deed.action, type);
      assert.equal(deed.target, targetOf(type));
    }
    // The grant of the mild form is none of any other form.
    for (const other of commandActions) {
      if (other.type === type || other.doneBy !== commandActions.find((card) => card.type === type)!.doneBy)
        continue;
      assert.equal(await orderWith(rig, other.type, {}), 'not_granted', other.type);
    }
    await rig.executor.close();
  });
}

/** Every set of parameters that an action takes, at the ends of their ranges. */
const paramsOf = (type: string): Record<string, unknown>[] => [
  {},
  ...declaredBy(type).flatMap((name) => judgedParameters[name]!.good.map((value) => ({ [name]: value }))),
];

test('threat 33: no parameter gets past the check for use', async () => {
  const stage = await stages.open({ 102: { ...running, users: [{ user: 'anna' }] } });
  const graceful = commandActions.filter((action) => action.inUse === 'refuses');
  assert.ok(graceful.length >= 5);
  for (const { type } of graceful) {
    for (const params of paramsOf(type)) {
      const done = await perform(stage, type as ActionType, targetOf(type), params);
      assert.partialDeepStrictEqual(done, { refused: 'in_use' }, `${type} ${JSON.stringify(params)}`);
    }
  }
  assert.deepEqual(ordersTo(stage.tower), []);
});

test('threat 33: no parameter turns patience into a power cut', async () => {
  const patient = commandActions.filter(({ type }) => declaredBy(type).includes('timeout_s'));
  assert.ok(patient.length >= 8);
  for (const { type } of patient) {
    const stage = await stages.open({ 102: { ...running, ignoresShutdown: true } });
    const done = await perform(stage, type as ActionType, targetOf(type), { timeout_s: 10 });
    assert.ok('outcome' in done && done.outcome.state === 'failed', `${type}: ${JSON.stringify(done)}`);
    const events = stage.tower.simulator.events.map(({ kind }) => kind);
    assert.ok(!events.includes('guest_cut') && !events.includes('powered_off'), `${type}: ${events.join()}`);
    const bodies = stage.tower.simulator.requests.map((request) => JSON.stringify(request));
    assert.ok(!bodies.some((body) => /forceStop|skiplock/i.test(body)), type);
    assert.ok(!ordersTo(stage.tower).some((path) => path.endsWith('/stop')), type);
  }
});
