import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { vmalert } from '../../../../src/config/generate/vmalert.ts';
import { generateFor } from '../../../support/compiled-home.ts';
import { machinePlays } from '../../../support/machine-plays.ts';
import { missing } from '../../../support/missing.ts';
import type { Play } from '../../../support/rule-play.ts';
import { playRules } from '../../../support/rule-test.ts';
import { storePlays } from '../../../support/store-plays.ts';
import { watched, watcher } from '../../../support/watched-home.ts';

const { home } = watched();
const { made } = generateFor(vmalert, 'rules', home, watcher);
assert.ok(made.kind === 'file');
const rules = made.text;

const plays: Readonly<Record<string, Play>> = { ...machinePlays, ...storePlays };

/** All that promtool is to find of one rule. */
const playsOf = (alert: string, { bad, before = 0, raised, ends, labels, summary, quiet }: Play) => {
  const none = (minute: number) => ({ minute, alert, raised: [] });
  const fires = { minute: raised, alert, raised: [{ labels, summary }] };
  const expected = [none(before), fires, ...(ends === undefined ? [] : [none(ends)])];
  return [{ course: bad, expected }, ...quiet.map((course) => ({ course, expected: [none(raised)] }))];
};

type Group = {
  readonly name: string;
  readonly rules: readonly { readonly alert: string; readonly expr: string }[];
};
const { groups } = parse(rules) as { readonly groups: readonly Group[] };

/** The rules of one alert alone: whatever else there is takes longer and says nothing of it. */
const rulesOf = (alert: string, changed = (expr: string) => expr): string =>
  JSON.stringify({
    groups: groups.map((group) => ({
      ...group,
      rules: group.rules
        .filter((rule) => rule.alert === alert)
        .map((rule) => ({ ...rule, expr: changed(rule.expr) })),
    })),
  });

test('there is a play for each alert', () => {
  const names = new Set(groups.flatMap((group) => group.rules.map(({ alert }) => alert)));
  assert.deepEqual([...names].sort(), Object.keys(plays).sort());
});

const judged = playRules(rules, [{ course: { up: [[0, 1]] }, expected: [] }]);
if (judged === null) missing('promtool, which plays metrics against the rules of alerts');
const skip = judged === null && 'there is no promtool';

for (const [alert, play] of Object.entries(plays)) {
  test(`${alert} is raised, ends, and is not raised by what is as it should be`, { skip }, () => {
    assert.equal(playRules(rulesOf(alert), playsOf(alert, play)), '');
  });
}

test('promtool takes the whole file', { skip }, () => assert.equal(judged, ''));

test('without the fact that a host is off on purpose, its rest would be told as a fault', { skip }, () => {
  const mute = 'unless on (host) writ_host_expected_off == 1';
  for (const alert of ['HostSilent', 'HostLost', 'MachineUnreachable', 'AppUnreachable']) {
    const blind = rulesOf(alert, (expr) => expr.replace(mute, ''));
    assert.notEqual(blind, rulesOf(alert));
    assert.match(playRules(blind, playsOf(alert, plays[alert]!))!, new RegExp(`alertname: ${alert}`), alert);
  }
});
