import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { longestGapMs } from '../../../../src/config/generate/vmalert/schedule.ts';
import { vmalert } from '../../../../src/config/generate/vmalert.ts';
import { checkWith } from '../../../support/checkers.ts';
import { generateFor } from '../../../support/compiled-home.ts';
import { missing } from '../../../support/missing.ts';
import { watched, watchedHome, watcher } from '../../../support/watched-home.ts';

type Rule = {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: { readonly summary: string };
};
type Group = { readonly name: string; readonly interval?: string; readonly rules: readonly Rule[] };

function made(options: object = {}, changes = {}) {
  const { home } = watched(changes);
  const { made: output, doubts } = generateFor(vmalert, 'rules', home, watcher, { ...options });
  assert.ok(output.kind === 'file');
  const { groups = [] } = parse(output.text) as { readonly groups?: readonly Group[] };
  const rules = groups.flatMap((group) => group.rules);
  return {
    text: output.text,
    groups,
    rules,
    doubts,
    named: (name: string) => rules.filter(({ alert }) => alert === name),
  };
}

test('there is a group for each kind of thing, and each alert says how bad it is and what it is about', () => {
  const { groups, rules, doubts } = made();
  assert.deepEqual(doubts, []);
  assert.deepEqual(
    groups.map(({ name }) => name),
    ['host', 'guest', 'app', 'backup', 'certificate', 'drift', 'storage'],
  );
  for (const { alert, labels, annotations } of rules) {
    assert.match(labels.severity!, /^(info|warning|critical)$/, alert);
    assert.match(labels.topic!, /^[a-z]+$/, alert);
    assert.ok(annotations.summary.length > 0, alert);
  }
});

test('an app is stopped when one of its services is; what runs once or on demand is none of them', () => {
  const units = {
    'apps/web/app.yaml': `on: secsvcs
units: [web.container, once.container, web-dump.service, web-dump.timer, web.volume]
service: "haproxy.service"
`,
    'apps/web/once.container': '[Container]\nImage=docker.io/library/x:1\n[Service]\nType=oneshot\n',
    'apps/web/web-dump.service': '[Service]\nExecStart=/bin/true\n',
    'apps/web/web-dump.timer': '[Timer]\nOnCalendar=daily\n',
    'apps/web/web.volume': '[Volume]\n',
  };
  const [rule] = made({}, units)
    .named('AppStopped')
    .filter(({ labels }) => labels.app === 'web');
  assert.match(rule!.expr, /name=~"haproxy\\\\\.service\|web-dump\\\\\.timer\|web\\\\\.service"/);
  assert.ok(rule!.expr.endsWith('== 3)'), rule!.expr);
});

test('only names whose machines are always on are expected to answer', () => {
  const unanswered = made().named('AppUnanswered');
  assert.deepEqual(
    unanswered.map(({ labels }) => `${labels.app} ${labels.machine}`),
    ['web secsvcs'],
  );
});

test('a title is a text, whatever it holds', () => {
  const title = 'The "{{ $labels.x }}" of \'us\': no {%{HOME}';
  const { named, text } = made(
    {},
    {
      'apps/web/app.yaml': `title: ${JSON.stringify(title)}\n${watchedHome['apps/web/app.yaml'] as string}`,
    },
  );
  assert.equal(
    named('AppStopped').find(({ labels }) => labels.app === 'web')!.annotations.summary,
    'The "{{ "{{" }} $labels.x }}" of \'us\': no {{ "{%" }}{HOME} does not run on secsvcs',
  );
  const verdicts = checkWith('promtool', ['check', 'rules', '{}/rules.yml'], { 'rules.yml': text });
  if (verdicts.length === 0) missing('promtool, which judges rules with titles that look like templates');
  for (const { by, accepted, said } of verdicts) assert.ok(accepted, `${by}: ${said}`);
});

test('options turn alerts off, and say when and how loudly they are raised', () => {
  const more = { name: 'own', rules: [{ alert: 'Mine', expr: 'up == 2' }] };
  const { named, groups, doubts } = made({
    interval: '10s',
    off: ['HostLost', 'GuestDown', 'GuestAnother'],
    for: { AppStopped: '2s' },
    severity: { AppStopped: 'critical' },
    extra: [more],
  });
  assert.deepEqual(doubts, []);
  assert.deepEqual(named('HostLost'), []);
  assert.ok(
    groups.every(({ name }) => name !== 'guest'),
    'a group without rules is not made',
  );
  for (const { for: wait, labels } of named('AppStopped')) {
    assert.deepEqual([wait, labels.severity], ['2s', 'critical']);
  }
  assert.deepEqual(groups.at(-1), more);
  assert.deepEqual(new Set(groups.slice(0, -1).map(({ interval }) => interval)), new Set(['10s']));
});

test('alerts that are not there and wrong options are told', () => {
  const told = (options: object) =>
    made(options).doubts.map(({ code, message, suggestion }) => `${code}: ${message}. ${suggestion ?? ''}`);
  assert.deepEqual(told({ off: ['HostSilnt'] }), [
    'wrong_option: there is no alert HostSilnt. Did you mean HostSilent?',
  ]);
  assert.equal(told({ severity: { HostSilent: 'loud' } }).length, 1);
  assert.equal(told({ for: { HostSilent: 'soon' } }).length, 1);
});

test('limits are those of the storage, and of a pool its metadata have their own', () => {
  const limits = [...made().named('StorageFull'), ...made().named('PoolMetadataFull')].map(
    ({ expr }) => expr,
  );
  assert.deepEqual(limits, [
    'house_storage_used_percent{machine="pve1",storage="root"} > 85',
    'house_thin_pool_data_percent{machine="pve2",storage="vms"} > 80',
    'house_storage_used_percent{machine="pve2",storage="hdd"} > 90',
    'house_thin_pool_metadata_percent{machine="pve2",storage="vms"} > 60',
  ]);
});

test('a backup is old when the longest pause of its schedule has passed, and the grace', () => {
  const ages = (options = {}) =>
    made(options)
      .named('BackupOld')
      .map(({ expr }) => Number(/> (\d+)(?: unless|$)/.exec(expr)![1]) / 3600);
  assert.deepEqual(ages(), [36, 180, 36]);
  assert.deepEqual(ages({ backup_grace: '1h' }), [25, 169, 25]);
});

const hour = 3_600_000;
for (const [cron, gap] of [
  ['30 3 * * *', 24 * hour],
  ['0 4 * * 0', 7 * 24 * hour],
  ['0 4 * * 7', 7 * 24 * hour],
  ['0 0 1 * *', 31 * 24 * hour],
  ['0 0,12 * * *', 12 * hour],
  ['0 8-20/4 * * *', 12 * hour],
  ['*/15 * * * *', hour / 4],
  ['0 22 * * 1-5', 3 * 24 * hour],
  // Either of both days.
  ['0 0 1 * 1', 7 * 24 * hour],
  ['0 0 29 2 *', null],
  ['0 0 31 2 *', null],
] as const) {
  test(`the longest pause of ${cron} is ${gap === null ? 'not known' : `${gap / hour} h`}`, () => {
    assert.equal(longestGapMs(cron), gap);
  });
}
