import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Order } from '../../../schema/api/orders.ts';
import type { HouseFile } from '../../../schema/manifest/house.ts';
import { maxSteps } from '../../../schema/wire/intent.ts';
import { type PlanInput, plan } from '../../../src/domain/planning.ts';
import { testHouse } from '../../support/relay-home.ts';
import { input, none, type Told } from './plan-input.ts';

const act = (action: string, target: string, params = {}): Order => ({ action, target, params });

/** A plan in short: "relay action target <afters>". */
function inShort(result: ReturnType<typeof plan>): readonly string[] | string {
  if (!result.ok) return result.reason;
  return result.value.steps.map(({ relay, action, target, after }) => {
    const after_ = after.map((one) => `${one.step}${one.if === 'ended' ? '?' : ''}`).join(',');
    return `${relay} ${action} ${target}${after_ === '' ? '' : ` <${after_}>`}`;
  });
}

const asleep: Told = { hosts: { pve2: 'off' } };
const stopped = { gaming: 'stopped', devtop: 'stopped' } as const;

describe('one action', () => {
  const cases: readonly [string, Order, Told, Partial<PlanInput>, readonly string[] | string][] = [
    ['on an awake host is one step', act('guest.start', 'websvcs'), {}, {}, ['pve2 guest.start websvcs']],
    [
      'on a sleeping host wakes it first',
      act('guest.start', 'websvcs'),
      asleep,
      {},
      ['pve1 host.wake pve2', 'pve2 guest.start websvcs <0>'],
    ],
    [
      'a command of an app is a step on the host of its guest',
      act('app.command', 'websvcs/wiki/reindex'),
      asleep,
      {},
      ['pve1 host.wake pve2', 'pve2 app.command websvcs/wiki/reindex <0>'],
    ],
    ['a command of an app has a full name', act('app.command', 'websvcs'), {}, {}, 'target_unknown'],
    ['no command is on a host itself', act('app.command', 'pve2/wiki/reindex'), {}, {}, 'target_unknown'],
    ['a guest is no command', act('guest.start', 'websvcs/wiki/reindex'), {}, {}, 'target_unknown'],
    [
      'on a silent host that can be woken wakes it as well',
      act('guest.start', 'websvcs'),
      { hosts: { pve2: 'silent' } },
      {},
      ['pve1 host.wake pve2', 'pve2 guest.start websvcs <0>'],
    ],
    [
      'shuts a running rival down first',
      act('guest.start', 'gaming'),
      { guests: { ...stopped, devtop: 'running' } },
      {},
      ['pve2 guest.shutdown devtop', 'pve2 guest.start gaming <0>'],
    ],
    [
      'shuts a rival down that may be running, after the wake',
      act('guest.start', 'gaming'),
      asleep,
      {},
      ['pve1 host.wake pve2', 'pve2 guest.shutdown devtop <0>', 'pve2 guest.start gaming <0,1>'],
    ],
    [
      'leaves a stopped rival alone',
      act('guest.start', 'gaming'),
      { guests: stopped },
      {},
      ['pve2 guest.start gaming'],
    ],
    [
      'resumes as it starts',
      act('guest.resume', 'gaming'),
      { guests: { gaming: 'paused', devtop: 'running' } },
      {},
      ['pve2 guest.shutdown devtop', 'pve2 guest.resume gaming <0>'],
    ],
    [
      'is refused when the caller may not shut a running rival down',
      act('guest.start', 'gaming'),
      { guests: { ...stopped, devtop: 'running' } },
      { covers: none },
      'rival_not_covered',
    ],
    [
      'leaves a rival to the relay when the caller may not shut it down and nobody knows it to run',
      act('guest.start', 'gaming'),
      asleep,
      { covers: none },
      ['pve1 host.wake pve2', 'pve2 guest.start gaming <0>'],
    ],
    [
      'leaves a rival to the relay when the signer may not and nobody knows it to run',
      act('guest.start', 'gaming'),
      {},
      { granted: none },
      ['pve2 guest.start gaming'],
    ],
    [
      'includes a running rival although the signer may not: that is for the operator',
      act('guest.start', 'gaming'),
      { guests: { ...stopped, devtop: 'running' } },
      { granted: none },
      ['pve2 guest.shutdown devtop', 'pve2 guest.start gaming <0>'],
    ],
    ['wakes by the relay that trust names', act('host.wake', 'pve2'), asleep, {}, ['pve1 host.wake pve2']],
    [
      'shuts a host down without waking it',
      act('host.shutdown', 'pve2'),
      {},
      {},
      ['pve2 host.shutdown pve2'],
    ],
    [
      'is refused on a host that is off already',
      act('host.shutdown', 'pve2'),
      asleep,
      {},
      'host_already_off',
    ],
    [
      'is refused on a host that is powering off',
      act('host.shutdown', 'pve2'),
      { hosts: { pve2: 'powering_off' } },
      {},
      'host_already_off',
    ],
    ['is refused for an unknown action', act('guest.explode', 'gaming'), {}, {}, 'action_unknown'],
    ['is refused for a name of the language', act('constructor', 'gaming'), {}, {}, 'action_unknown'],
    ['is refused for an unknown guest', act('guest.start', 'nobody'), {}, {}, 'target_unknown'],
    [
      'is refused for a guest named as the language',
      act('guest.start', 'constructor'),
      {},
      {},
      'target_unknown',
    ],
    ['is refused for a host where a guest is meant', act('guest.start', 'pve2'), {}, {}, 'target_unknown'],
    [
      'is refused for parameters it does not have',
      act('guest.start', 'gaming', { force: true }),
      {},
      {},
      'params_invalid',
    ],
    ['is refused where nothing can wake', act('host.wake', 'pve1'), {}, {}, 'nothing_can_wake'],
    ['is refused on a host without Proxmox', act('host.shutdown', 'pve1'), {}, {}, 'target_unknown'],
    [
      'is refused where no relay is admitted',
      act('guest.start', 'websvcs'),
      {},
      { admitted: none },
      'relay_not_admitted',
    ],
    [
      'is refused where no relay is admitted that wakes',
      act('guest.start', 'websvcs'),
      asleep,
      { admitted: (relay) => relay === 'pve2' },
      'relay_not_admitted',
    ],
    ['is refused for an unknown runbook', { runbook: 'nothing' }, {}, {}, 'runbook_unknown'],
    ['is refused for a runbook named as the language', { runbook: 'constructor' }, {}, {}, 'runbook_unknown'],
  ];
  for (const [title, order, told, change, expected] of cases) {
    test(`an order ${title}`, () => {
      assert.deepEqual(inShort(plan(input(order, told, change))), expected);
    });
  }

  test('sleep is refused for a host that trust does not let sleep', () => {
    const house = {
      ...testHouse,
      hosts: { ...testHouse.hosts, pve2: { ...testHouse.hosts.pve2!, sleeps: false } },
    };
    const order = act('host.shutdown', 'pve2');
    assert.equal(inShort(plan(input(order, {}, { sleep: true, house }))), 'host_does_not_sleep');
    assert.deepEqual(inShort(plan(input(order, {}, { sleep: true }))), ['pve2 host.shutdown pve2']);
    assert.deepEqual(inShort(plan(input(order, {}, { house }))), ['pve2 host.shutdown pve2']);
  });

  test('a host that is off and that nothing can wake refuses', () => {
    const { wake_via: _, ...pve2 } = testHouse.hosts.pve2!;
    const house = { ...testHouse, hosts: { ...testHouse.hosts, pve2: { ...pve2, sleeps: false } } };
    const order = act('guest.start', 'websvcs');
    assert.equal(inShort(plan(input(order, asleep, { house }))), 'nothing_can_wake');
    const silent = plan(input(order, { hosts: { pve2: 'silent' } }, { house }));
    assert.deepEqual(inShort(silent), ['pve2 guest.start websvcs']);
    assert.equal(silent.ok && silent.value.notes.length, 1);
  });
});

type Line = readonly [action: string, target: string, evenIfFailed?: boolean];

const runbook = (...steps: readonly Line[]): HouseFile['runbooks'] => ({
  book: {
    title: 'Book',
    steps: steps.map(([action, target, even_if_failed = false]) => ({
      action,
      target,
      params: {},
      even_if_failed,
    })),
  },
});

describe('a runbook', () => {
  const run = (told: Told, ...steps: readonly Line[]) =>
    inShort(plan(input({ runbook: 'book' }, told, { runbooks: runbook(...steps) })));

  test('is its steps in sequence', () => {
    assert.deepEqual(run({}, ['guest.shutdown', 'devtop'], ['guest.start', 'websvcs']), [
      'pve2 guest.shutdown devtop',
      'pve2 guest.start websvcs <0>',
    ]);
  });
  test('goes on after a failure where it says so', () => {
    assert.deepEqual(run({}, ['guest.shutdown', 'devtop'], ['guest.start', 'websvcs', true]), [
      'pve2 guest.shutdown devtop',
      'pve2 guest.start websvcs <0?>',
    ]);
  });
  test('wakes a host once, where it is needed first', () => {
    assert.deepEqual(run(asleep, ['guest.start', 'websvcs'], ['guest.start', 'files', true]), [
      'pve1 host.wake pve2',
      'pve2 guest.start websvcs <0>',
      'pve2 guest.start files <0,1?>',
    ]);
  });
  test('leaves out a wake that it brought already', () => {
    assert.deepEqual(
      run(asleep, ['guest.start', 'websvcs'], ['host.wake', 'pve2'], ['guest.start', 'files']),
      ['pve1 host.wake pve2', 'pve2 guest.start websvcs <0>', 'pve2 guest.start files <0,1>'],
    );
  });
  test('does not shut a rival down that it shuts down itself', () => {
    assert.deepEqual(run(asleep, ['guest.shutdown', 'devtop'], ['guest.start', 'gaming']), [
      'pve1 host.wake pve2',
      'pve2 guest.shutdown devtop <0>',
      'pve2 guest.start gaming <0,1>',
    ]);
  });
  test('shuts the first holder down where it starts one after the other', () => {
    assert.deepEqual(
      run(
        { guests: stopped },
        ['guest.start', 'gaming'],
        ['guest.shutdown', 'gaming'],
        ['guest.start', 'devtop'],
      ),
      ['pve2 guest.start gaming', 'pve2 guest.shutdown gaming <0>', 'pve2 guest.start devtop <1>'],
    );
  });
  test('does not wait for a host that it shuts down', () => {
    const house = {
      ...testHouse,
      hosts: { ...testHouse.hosts, pve3: { proxmox: true, sleeps: false } },
    };
    const steps = runbook(['guest.shutdown', 'files'], ['host.shutdown', 'pve2'], ['host.shutdown', 'pve3']);
    const planned = plan(input({ runbook: 'book' }, {}, { runbooks: steps, house }));
    assert.deepEqual(inShort(planned), [
      'pve2 guest.shutdown files',
      'pve2 host.shutdown pve2 <0>',
      'pve3 host.shutdown pve3 <0>',
    ]);
  });
  test('is refused when it needs a host that it shut down', () => {
    assert.equal(run({}, ['host.shutdown', 'pve2'], ['guest.start', 'files']), 'host_already_off');
    assert.equal(run({}, ['host.shutdown', 'pve2'], ['host.wake', 'pve2']), 'host_already_off');
  });
  test('is refused with more steps than an intent holds', () => {
    const many = Array.from({ length: maxSteps + 1 }, () => ['guest.start', 'files'] as const);
    assert.equal(run({}, ...many), 'plan_too_long');
  });
});
