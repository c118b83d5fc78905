import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { allActions } from '../../../schema/actions/index.ts';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import {
  checkStep,
  evaluateIntent,
  evaluateOrder,
  findGrant,
  keyOf,
  nameOfKey,
  releasableTargets,
} from '../../../schema/trust/evaluate.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import type { Intent, Step } from '../../../schema/wire/intent.ts';
import type { ReleaseOrder } from '../../../schema/wire/release-order.ts';
import { documentOf, genesis, home, type Keys, makeKeys, reasonOf } from './sample.ts';

let keys: Keys;
let trust: Trust;

before(async () => {
  keys = await makeKeys();
  trust = await genesis(documentOf(keys), [keys.desk]);
});

const stepOf = (action: string, target: string, relay: string, params = {}): Step => ({
  relay,
  action,
  target,
  params,
  after: [],
});
const intentOf = (...steps: Step[]): Intent => ({
  home,
  steps,
  nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
  issued_at: 1,
  expires: 2,
});
const judge = (identity: string, ...steps: Step[]): string =>
  reasonOf(evaluateIntent(trust, identity, intentOf(...steps)));

/** Written out by hand from the sample document: who may order what, and which relay does it. */
const allowed: readonly (readonly [identity: string, action: string, target: string, relay: string])[] = [
  ['controller', 'host.wake', 'pve2', 'pve1'],
  ['controller', 'guest.start', 'gaming', 'pve2'],
  ['controller', 'guest.start', 'devtop', 'pve2'],
  ['controller', 'guest.shutdown', 'gaming', 'pve2'],
  ['controller', 'guest.shutdown', 'devtop', 'pve2'],
  ['controller', 'host.shutdown', 'pve2', 'pve2'],
  ['operator', 'guest.stop', 'gaming', 'pve2'],
  ['operator', 'guest.stop', 'devtop', 'pve2'],
  ['operator', 'guest.stop', 'router', 'pve1'],
  ['operator', 'guest.start', 'router', 'pve1'],
  ['operator', 'host.reboot', 'pve1', 'pve1'],
  ['operator', 'host.reboot', 'pve2', 'pve2'],
];

const odd = [
  'constructor',
  '__proto__',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '',
  '*',
  'nobody',
];

describe('evaluation', () => {
  test('threat 17: of all identities, actions, targets and relays, just the granted ones may', () => {
    const identities = ['controller', 'operator', 'pve1', 'pve2', 'root-desk', 'root-paper', ...odd];
    const actions = [...allActions.map(({ type }) => type as string), 'guest.explode', 'host.', ...odd];
    const targets = ['cloud', 'pve1', 'pve2', 'router', 'gaming', 'devtop', ...odd];
    const relays = ['cloud', 'pve1', 'pve2', 'gaming', ...odd];
    const expected = new Set(allowed.map((row) => row.join(' ')));
    const found = new Set<string>();
    let count = 0;
    for (const identity of identities) {
      for (const action of actions) {
        for (const target of targets) {
          for (const relay of relays) {
            if (judge(identity, stepOf(action, target, relay)) === 'accepted') {
              found.add([identity, action, target, relay].join(' '));
            }
            count += 1;
          }
        }
      }
    }
    assert.deepEqual(found, expected);
    assert.ok(count > 40_000, String(count));
  });

  test('each refusal has its reason', () => {
    for (const [identity, step, reason] of [
      ['controller', stepOf('guest.explode', 'gaming', 'pve2'), 'action_unknown'],
      ['controller', stepOf('guest.start', 'macos', 'pve2'), 'target_unknown'],
      ['controller', stepOf('guest.start', 'pve2', 'pve2'), 'target_unknown'],
      ['controller', stepOf('host.wake', 'gaming', 'pve1'), 'target_unknown'],
      ['controller', stepOf('host.wake', 'pve1', 'pve1'), 'target_unknown'],
      ['operator', stepOf('host.reboot', 'cloud', 'cloud'), 'target_unknown'],
      ['controller', stepOf('guest.start', 'gaming', 'pve1'), 'relay_wrong'],
      ['controller', stepOf('host.wake', 'pve2', 'pve2'), 'relay_wrong'],
      ['controller', stepOf('guest.start', 'gaming', 'pve2', { force: true }), 'params_invalid'],
      ['controller', stepOf('guest.stop', 'gaming', 'pve2'), 'not_granted'],
      ['controller', stepOf('guest.start', 'router', 'pve1'), 'not_granted'],
      ['operator', stepOf('host.wake', 'pve2', 'pve1'), 'not_granted'],
      ['pve2', stepOf('guest.start', 'gaming', 'pve2'), 'not_granted'],
    ] as const) {
      assert.equal(judge(identity, step), reason, `${identity} ${step.action} ${step.target} ${step.relay}`);
    }
  });

  test('a refusal says what was asked of whom', () => {
    const told = (identity: string, step: Step) => evaluateIntent(trust, identity, intentOf(step));
    for (const [identity, step, reason, detail] of [
      [
        'operator',
        stepOf('guest.explode', 'gaming', 'pve2'),
        'action_unknown',
        'there is no action guest.explode',
      ],
      ['operator', stepOf('guest.start', 'macos', 'pve2'), 'target_unknown', 'there is no guest macos'],
      [
        'operator',
        stepOf('app.command', 'gaming', 'pve2'),
        'target_unknown',
        'gaming is no command of an app, such as websvcs/wiki/reindex',
      ],
      [
        'operator',
        stepOf('app.command', 'macos/wiki/reindex', 'pve2'),
        'target_unknown',
        'there is no guest macos',
      ],
      [
        'controller',
        stepOf('host.wake', 'pve2', 'pve2'),
        'relay_wrong',
        'host.wake on pve2 is done by pve1, not pve2',
      ],
      [
        'controller',
        stepOf('guest.start', 'gaming', 'pve2', { force: true }),
        'params_invalid',
        'the parameters of guest.start on gaming are not of its shape',
      ],
      [
        'controller',
        stepOf('guest.stop', 'gaming', 'pve2'),
        'not_granted',
        'controller may not order guest.stop on gaming',
      ],
    ] as const) {
      assert.deepEqual(told(identity, step), { ok: false, reason, detail });
    }
    const good = stepOf('guest.start', 'gaming', 'pve2');
    assert.deepEqual(told('controller', good), { ok: true, value: true });
    assert.deepEqual(checkStep(trust, good), { ok: true, value: true });
  });

  test('threat 6: one identity covers every step, and two never add up', () => {
    const [start, stop] = [stepOf('guest.start', 'gaming', 'pve2'), stepOf('guest.stop', 'devtop', 'pve2')];
    assert.equal(judge('controller', start, start), 'accepted');
    assert.equal(judge('operator', stop, stop), 'accepted');
    for (const identity of ['controller', 'operator']) {
      assert.equal(judge(identity, start, stop), 'not_granted');
      assert.equal(judge(identity, stop, start), 'not_granted');
    }
  });

  test('threat 8: a step of another relay is judged as well', () => {
    const good = stepOf('guest.start', 'gaming', 'pve2');
    for (const [bad, reason] of [
      [stepOf('guest.stop', 'router', 'pve1'), 'not_granted'],
      [stepOf('guest.start', 'gaming', 'cloud'), 'relay_wrong'],
      [stepOf('guest.explode', 'gaming', 'pve2'), 'action_unknown'],
      [stepOf('guest.start', 'gaming', 'pve2', { x: 1 }), 'params_invalid'],
    ] as const) {
      assert.equal(judge('controller', ...Array(62).fill(good), bad), reason);
    }
  });

  test('an unknown action in a grant never matches', async () => {
    const document: TrustDocument = documentOf(keys);
    const operator = document.identities.operator;
    assert.ok(operator?.kind === 'key');
    const actions = ['guest.explode', 'guest.constructor', 'host.to-string', 'release.undo', 'app.restart'];
    operator.may = actions.map((action) => ({ action, on: ['gaming', 'pve1', 'router'] }));
    const future = await genesis(document, [keys.desk]);
    for (const action of actions) {
      for (const target of ['gaming', 'pve1', 'router']) {
        assert.equal(findGrant(future, 'operator', action, target), null);
        const step = stepOf(action, target, target === 'gaming' ? 'pve2' : 'pve1');
        assert.equal(reasonOf(evaluateIntent(future, 'operator', intentOf(step))), 'action_unknown');
      }
    }
  });

  test('what a release orders is no action of an intent, granted or not', async () => {
    const document: TrustDocument = documentOf(keys);
    const { operator } = document.identities;
    assert.ok(operator?.kind === 'key');
    operator.may = [...operator.may, { action: 'release.apply', on: ['gaming'], paths: ['/etc/opt/**'] }];
    const granting = await genesis(document, [keys.desk]);
    const part = stepOf('release.apply', 'gaming', 'pve2', { part: `sha256:${'a'.repeat(64)}` });
    assert.deepEqual(checkStep(granting, part), { ok: true, value: true });
    for (const steps of [[part], [stepOf('guest.stop', 'gaming', 'pve2'), part]]) {
      assert.deepEqual(evaluateIntent(granting, 'operator', intentOf(...steps)), {
        ok: false,
        reason: 'action_unknown',
        detail: 'release.apply is ordered by a release, not by an intent',
      });
    }
  });

  describe('a release', () => {
    const orderOf = (...parts: [target: string, relay: string][]): ReleaseOrder => ({
      v: 1,
      home,
      release: `sha256:${'e'.repeat(64)}`,
      commit: null,
      order: { run_id: 0, run_attempt: 0, desk: 1 },
      issued_at: 1,
      parts: parts.map(([target, relay]) => ({ relay, target, digest: `sha256:${'a'.repeat(64)}` })),
    });
    const grant = (...on: string[]) => ({ action: 'release.apply', on, paths: ['/etc/opt/**'] });

    const granting = async (): Promise<Trust> => {
      const document: TrustDocument = documentOf(keys);
      const { controller, operator } = document.identities;
      assert.ok(operator?.kind === 'key' && controller?.kind === 'key');
      operator.may = [grant('gaming', 'router'), grant('pve1')];
      controller.may = [{ ...grant('gaming', 'router', 'pve1', 'cloud'), limit: '9/1h' }];
      return genesis(document, [keys.desk]);
    };

    test('threat 6: is one identity’s whole, each part by the house’s relay of its target', async () => {
      const trusting = await granting();
      const told = (identity: string, ...parts: [string, string][]) =>
        reasonOf(evaluateOrder(trusting, identity, orderOf(...parts)));
      assert.equal(told('operator', ['gaming', 'pve2']), 'accepted');
      assert.equal(told('operator', ['gaming', 'pve2'], ['pve1', 'pve1'], ['router', 'pve1']), 'accepted');
      assert.equal(told('operator', ['gaming', 'pve1']), 'relay_wrong');
      assert.equal(told('operator', ['gaming', 'pve2'], ['pve1', 'pve2']), 'relay_wrong');
      assert.equal(told('operator', ['devtop', 'pve2'], ['gaming', 'pve2']), 'not_granted');
      assert.equal(told('operator', ['cloud', 'cloud']), 'not_granted');
      assert.equal(told('operator', ['nobody', 'pve2']), 'target_unknown');
      for (const name of ['pve2', 'root-desk', ...odd]) {
        assert.equal(told(name, ['gaming', 'pve2']), 'not_granted', name);
      }
    });

    test('may go to the targets that an identity is granted, each by its own relay', async () => {
      const { document } = await granting();
      assert.deepEqual(releasableTargets(document, 'pve1'), ['pve1', 'router']);
      assert.deepEqual(releasableTargets(document, 'pve2'), ['gaming']);
      // The controller’s grant is worth nothing.
      assert.deepEqual(releasableTargets(document, 'cloud'), []);
      assert.deepEqual(releasableTargets(trust.document, 'pve2'), []);
    });

    test('threat 1: is not the controller’s to order, whatever trust grants it', async () => {
      const trusting = await granting();
      assert.notEqual(findGrant(trusting, 'controller', 'release.apply', 'gaming'), null);
      assert.deepEqual(evaluateOrder(trusting, 'controller', orderOf(['gaming', 'pve2'])), {
        ok: false,
        reason: 'not_granted',
        detail: 'controller may order no release',
      });
    });
  });

  test('names that every object has find nothing', () => {
    for (const name of odd) {
      assert.equal(findGrant(trust, name, 'guest.start', 'gaming'), null);
      assert.equal(findGrant(trust, 'controller', name, 'gaming'), null);
      assert.equal(findGrant(trust, 'controller', 'guest.start', name), null);
      assert.equal(reasonOf(checkStep(trust, stepOf(name, 'gaming', 'pve2'))), 'action_unknown');
      assert.equal(reasonOf(checkStep(trust, stepOf('guest.start', name, 'pve2'))), 'target_unknown');
      assert.equal(reasonOf(checkStep(trust, stepOf('host.shutdown', name, 'pve2'))), 'target_unknown');
      assert.equal(reasonOf(checkStep(trust, stepOf('host.wake', name, 'pve1'))), 'target_unknown');
      assert.equal(reasonOf(checkStep(trust, stepOf('guest.start', 'gaming', name))), 'relay_wrong');
      assert.equal(keyOf(trust, 'key')(name), undefined);
      assert.equal(nameOfKey(trust, name), undefined);
    }
  });

  test('a key is found by its thumbprint, for the kind and the name that are asked for', () => {
    assert.equal(keyOf(trust, 'key')(keys.controller.kid)?.kid, keys.controller.kid);
    assert.equal(keyOf(trust, 'key', 'controller')(keys.controller.kid)?.kid, keys.controller.kid);
    assert.equal(keyOf(trust, 'relay', 'pve1')(keys.pve1.kid)?.kid, keys.pve1.kid);
    assert.equal(nameOfKey(trust, keys.pve2.kid), 'pve2');
    for (const [kind, kid, name] of [
      ['relay', keys.controller.kid, undefined],
      ['key', keys.pve1.kid, undefined],
      ['key', keys.operator.kid, 'controller'],
      ['relay', keys.pve1.kid, 'pve2'],
      ['key', keys.desk.kid, undefined],
      ['key', keys.spare.kid, undefined],
    ] as const) {
      assert.equal(keyOf(trust, kind, name)(kid), undefined);
    }
  });
});
