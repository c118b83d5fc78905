import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { actionOf, allActions } from '../../../schema/actions/index.ts';
import { lifetimeOf } from '../../../schema/actions/lifetime.ts';
import { isPlanOf } from '../../../schema/api/plan-of.ts';
import type { HouseFile } from '../../../schema/manifest/house.ts';
import { maxIntentLifetimeMs } from '../../../schema/wire/limits.ts';
import type { GuestReport } from '../../../schema/wire/report.ts';
import { itemsOf, plan } from '../../../src/domain/planning.ts';
import type { HostState } from '../../../src/domain/world.ts';
import { testHouse } from '../../support/relay-home.ts';
import { input } from './plan-input.ts';

describe('properties', () => {
  const guests = Object.keys(testHouse.guests);
  const item = fc.oneof(
    fc.record({
      action: fc.constantFrom(...allActions.filter((a) => a.on === 'guest').map((a) => a.type)),
      target: fc.constantFrom(...guests),
    }),
    fc.record({
      action: fc.constantFrom('host.wake', 'host.shutdown', 'host.reboot'),
      target: fc.constant('pve2'),
    }),
  );
  const steps = fc.array(fc.record({ item, evenIfFailed: fc.boolean() }), { minLength: 1, maxLength: 12 });
  const states = fc.constantFrom<HostState>('awake', 'off', 'powering_off', 'silent', 'unseen');
  const guestStates = fc.dictionary(
    fc.constantFrom(...guests),
    fc.constantFrom<GuestReport['state']>('running', 'stopped', 'paused'),
  );

  test('every plan is sound, whatever is asked and however the house stands', () => {
    let sound = 0;
    fc.assert(
      fc.property(steps, states, guestStates, fc.boolean(), (asked, host, reported, covered) => {
        const runbooks: HouseFile['runbooks'] = {
          book: {
            title: 'Book',
            steps: asked.map(({ item: one, evenIfFailed }) => ({
              ...one,
              params: {},
              even_if_failed: evenIfFailed,
            })),
          },
        };
        const told = { hosts: { pve2: host }, guests: host === 'awake' ? reported : {} };
        const result = plan(
          input({ runbook: 'book' }, told, { runbooks, covers: () => covered, granted: () => covered }),
        );
        if (!result.ok) {
          assert.ok(['host_already_off', 'rival_not_covered'].includes(result.reason), result.reason);
          return;
        }
        const planned = result.value.steps;
        const woken = planned.filter((step) => step.action === 'host.wake').map((step) => step.target);
        assert.equal(new Set(woken).size, woken.length, 'each host is woken at most once');
        for (const [index, step] of planned.entries()) {
          const relay = actionOf(step.action)!.relayFor(testHouse, step.target);
          assert.ok(relay.ok && relay.value === step.relay, 'the relay is the house’s');
          assert.ok(
            step.after.every((after) => after.step < index && after.step >= 0),
            'after names earlier steps',
          );
          assert.equal(new Set(step.after.map((after) => after.step)).size, step.after.length);
          for (const after of step.after) {
            assert.notEqual(
              planned[after.step]!.action,
              'host.shutdown',
              'nothing waits for a host to be off',
            );
          }
          const needsHost = step.relay === 'pve2' && step.action !== 'host.shutdown';
          if (needsHost && host !== 'awake') {
            const wake = planned.findIndex((one) => one.action === 'host.wake');
            assert.ok(wake >= 0 && wake < index, 'who needs a sleeping host comes after its wake');
            assert.ok(
              step.after.some((after) => after.step === wake && after.if === 'succeeded'),
              'and only if it succeeded',
            );
          }
        }
        const items = itemsOf({ runbook: 'book' }, runbooks);
        assert.ok(items.ok && isPlanOf(planned, items.value), 'a plan is a plan of its order');
        sound += 1;
        const lifetime = lifetimeOf(planned);
        assert.ok(lifetime > 0 && lifetime <= maxIntentLifetimeMs);
      }),
      { numRuns: 2000 },
    );
    assert.ok(sound > 400, `only ${sound} plans were looked at`);
  });

  test('steps that were not asked for make no plan of the order', () => {
    const items = [{ action: 'guest.start', target: 'gaming', params: {}, evenIfFailed: false }];
    const step = (action: string, target: string, params = {}) => ({
      relay: 'pve2',
      action,
      target,
      params,
      after: [],
    });
    assert.equal(isPlanOf([step('guest.start', 'gaming')], items), true);
    assert.equal(isPlanOf([step('guest.shutdown', 'devtop'), step('guest.start', 'gaming')], items), true);
    assert.equal(isPlanOf([step('guest.stop', 'devtop'), step('guest.start', 'gaming')], items), false);
    assert.equal(isPlanOf([step('guest.start', 'devtop')], items), false);
    assert.equal(isPlanOf([step('host.wake', 'pve2')], items), false);
    assert.equal(isPlanOf([step('guest.start', 'gaming', { timeout_s: 10 })], items), false);
    assert.equal(isPlanOf([step('guest.start', 'gaming'), step('guest.start', 'gaming')], items), false);
  });
});
