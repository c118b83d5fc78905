import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Drift, TargetReport } from '../../../schema/wire/report.ts';
import { reportsOfTargets, targetViews } from '../../../src/domain/target-view.ts';
import type { RelayRecord } from '../../../src/domain/world.ts';
import { makeTestHome } from '../../support/relay-home.ts';

const part = `sha256:${'a'.repeat(64)}`;
const other = `sha256:${'b'.repeat(64)}`;
const file = (name: string): Drift => ({ kind: 'file', name, is: 'changed' });
const unit = (name: string): Drift => ({ kind: 'unit', name, is: 'stopped' });
const report = (change: Partial<TargetReport> = {}): TargetReport => ({
  part,
  seen: 'ok',
  seen_at: 1,
  drifted: change.drift?.length ?? 0,
  drift: [],
  ...change,
});

const fact = {
  target: 'websvcs',
  newest: {
    deployment: 'dep_1',
    commit: 'c'.repeat(40),
    part: {
      part: 0,
      relay: 'pve2',
      target: 'websvcs',
      digest: part,
      state: 'healthy',
      code: null,
      result: null,
      receipted: true,
      startedAt: 1,
      endedAt: 2,
    },
  },
  healthyAt: 2,
} as const;

const viewOf = (told: TargetReport | null) =>
  targetViews(
    [fact],
    told === null ? new Map() : new Map([['websvcs', { relay: 'pve2', report: told }]]),
  )[0]!;

test('a target is deployed, healthy and synced as far as its relay has seen it', () => {
  const many = Array.from({ length: 50 }, (_, at) => file(`/etc/opt/${at}`));
  const cases: readonly [
    string,
    TargetReport | null,
    readonly [boolean | null, boolean | null, boolean | null],
  ][] = [
    ['nobody has seen it', null, [null, null, null]],
    ['all is well', report(), [true, true, true]],
    ['another part is in force', report({ part: other }), [false, true, true]],
    ['nothing was ever applied', report({ part: null }), [false, null, null]],
    ['a file differs', report({ drift: [file('/etc/opt/a')] }), [true, true, false]],
    ['a service stands still', report({ drift: [unit('web.service')] }), [true, false, true]],
    ['both', report({ drift: [file('/etc/opt/a'), unit('web.service')] }), [true, false, false]],
    ['more differs than is listed', report({ drift: many, drifted: 51 }), [true, null, false]],
    ['it could not be looked at', report({ seen: 'agent_silent' }), [true, null, null]],
    ['nor is it known', report({ seen: 'agent_silent', part: null }), [null, null, null]],
  ];
  for (const [name, told, expected] of cases) {
    const { deployed, healthy, synced } = viewOf(told);
    assert.deepEqual([deployed, healthy, synced], expected, name);
  }
});

test('targets that only a release or only a report names are told with what is known', () => {
  const views = targetViews([fact], new Map([['pve1', { relay: 'pve1', report: report() }]]));
  assert.deepEqual(
    views.map(({ target, relay, wanted, deployment, state, commit }) => [
      target,
      relay,
      wanted,
      deployment,
      state,
      commit,
    ]),
    [
      ['pve1', 'pve1', null, null, null, null],
      ['websvcs', 'pve2', part, 'dep_1', 'healthy', 'c'.repeat(40)],
    ],
  );
  assert.deepEqual([views[0]?.deployed, views[0]?.healthy], [null, true]);
});

test('threat 8: a relay is believed of its own host and of the guests on it alone', async () => {
  const home = await makeTestHome({ origins: [{ url: 'https://127.0.0.1:1' }] });
  const record = (name: string, kid: string, targets: readonly string[]): RelayRecord => ({
    kid,
    name,
    session: null,
    sessionAt: null,
    lastSeen: 1,
    protocol: 2,
    trustVersion: 1,
    receipts: { seq: 0, hash: '' },
    report: { targets: Object.fromEntries(targets.map((target) => [target, report()])) } as never,
    reportAt: 1,
  });
  const kidOf = (name: string): string => home.relays[name]!.signing.kid;
  const all = ['pve1', 'pve2', 'websvcs', 'constructor'];
  const relays = [
    record('pve1', kidOf('pve1'), all),
    record('pve2', kidOf('pve2'), all),
    // A key that trust no longer names.
    record('pve1', 'former', ['pve1']),
  ];
  const found = reportsOfTargets(home.trust(), relays);
  assert.deepEqual(
    [...found].map(([target, { relay }]) => [target, relay]),
    [
      ['pve1', 'pve1'],
      ['pve2', 'pve2'],
      ['websvcs', 'pve2'],
    ],
  );
});
