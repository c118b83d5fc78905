import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goDuration, quietWindows, type Window } from '../../../../src/config/generate/gatus/quiet.ts';
import { offTimes, weekMinutes } from '../../../../src/config/generate/shared/off-times.ts';
import { homeOf } from '../../../support/compiled-home.ts';
import { homelabWith, watchedHome } from '../../../support/seen-home.ts';

const dayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const mondayMs = Date.UTC(2026, 0, 5);

const msOf = (go: string): number =>
  [...go.matchAll(/(\d+)([hms])/g)].reduce(
    (sum, [, count, unit]) =>
      sum + Number(count) * { h: 3_600_000, m: 60_000, s: 1000 }[unit as 'h' | 'm' | 's'],
    0,
  );

/** Whether Gatus is silent, as its own program decides it, in UTC. */
function isSilent({ start, duration, every }: Window, nowMs: number): boolean {
  const now = new Date(nowMs);
  const [hour, minute] = start.split(':').map(Number) as [number, number];
  const day = now.getUTCDate() - (now.getUTCHours() < hour ? 1 : 0);
  const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), day);
  if (every !== undefined && !every.includes(dayNames[new Date(midnight).getUTCDay()]!)) return false;
  const begin = midnight + (hour * 60 + minute) * 60_000;
  return nowMs > begin && nowMs < begin + msOf(duration);
}

/** Minutes of the week, from Monday's midnight, in which all windows together are silent. */
function silentMinutes(windows: readonly Window[]): Set<number> {
  const found = new Set<number>();
  for (let minute = 0; minute < weekMinutes; minute += 1) {
    // In the second week, so that yesterday is a day like others; within the minute, for its ends are in none.
    const now = mondayMs + (weekMinutes + minute) * 60_000 + 30_000;
    if (windows.some((window) => isSilent(window, now))) found.add(minute);
  }
  return found;
}

type Awake = { readonly days?: string; readonly from: string; readonly to: string };

const offBy = (awake: readonly Awake[], settle: string, machine = 'websvcs') => {
  const { home, findings } = homeOf({
    ...watchedHome,
    ...homelabWith(['awake: { from: "07:00", to: "23:00" }', `awake: ${JSON.stringify(awake)}`]),
  });
  assert.deepEqual(findings, []);
  return offTimes(home, machine, settle);
};

/** The minutes in which a host is to be on, told day by day. */
function awakeMinutes(awake: readonly Awake[], settleMinutes: number): Set<number> {
  const week = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
  const found = new Set<number>();
  for (const { days = 'mon-sun', from, to } of awake) {
    const on = new Set<number>();
    for (const part of days.split(',')) {
      const [first, last] = part.split('-').map((name) => week.indexOf(name)) as [number, number?];
      for (let day = first; ; day = (day + 1) % 7) {
        on.add(day);
        if (day === (last ?? first)) break;
      }
    }
    const minutes = (time: string): number => Number(time.split(':')[0]) * 60 + Number(time.split(':')[1]);
    const length = (minutes(to) - minutes(from) + 1440) % 1440;
    for (const day of on) {
      for (let at = settleMinutes; at < length; at += 1)
        found.add((day * 1440 + minutes(from) + at) % weekMinutes);
    }
  }
  return found;
}

const schedules: Readonly<Record<string, readonly Awake[]>> = {
  'every day alike': [{ from: '07:00', to: '23:00' }],
  'over midnight': [{ days: 'fri', from: '18:30', to: '02:15' }],
  'over the end of the week': [{ days: 'sat-mon', from: '20:00', to: '01:00' }],
  'workdays and weekends': [
    { days: 'mon-fri', from: '06:45', to: '22:00' },
    { days: 'sat,sun', from: '09:00', to: '23:59' },
  ],
  'overlapping, and with a gap of minutes': [
    { from: '00:00', to: '12:00' },
    { days: 'wed', from: '11:00', to: '13:10' },
    { from: '12:05', to: '23:55' },
  ],
  'one short hour a week': [{ days: 'sun', from: '23:30', to: '00:20' }],
};

for (const [name, awake] of Object.entries(schedules)) {
  test(`Gatus is silent exactly when the host is off on purpose: ${name}`, () => {
    for (const settle of [0, 10]) {
      const off = offBy(awake, `${settle}m`)!;
      const silent = silentMinutes(quietWindows(off, 'UTC'));
      const on = awakeMinutes(awake, settle);
      for (let minute = 0; minute < weekMinutes; minute += 1)
        assert.equal(silent.has(minute), !on.has(minute), `minute ${minute}, settle ${settle}`);
    }
  });
}

test('no window goes over midnight, and days that are alike have one', () => {
  const windows = quietWindows(
    offBy([{ days: 'mon-fri', from: '07:00', to: '23:00' }], '10m')!,
    'Europe/Berlin',
  );
  assert.deepEqual(windows, [
    {
      start: '00:00',
      duration: '7h10m',
      every: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'],
      timezone: 'Europe/Berlin',
    },
    { start: '00:00', duration: '24h', every: ['Saturday', 'Sunday'], timezone: 'Europe/Berlin' },
    {
      start: '23:00',
      duration: '1h',
      every: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'],
      timezone: 'Europe/Berlin',
    },
  ]);
});

test('what is always on is never off on purpose; of what is started on demand nobody can say', () => {
  const awake = [{ from: '07:00', to: '23:00' }];
  assert.deepEqual(offBy(awake, '10m', 'secsvcs'), []);
  assert.deepEqual(offBy(awake, '10m', 'cloud'), []);
  assert.equal(offBy(awake, '10m', 'gaming'), null);
  const { home } = homeOf({
    ...watchedHome,
    ...homelabWith(['{ mode: scheduled, awake: { from: "07:00", to: "23:00" } }', '{ mode: on-demand }']),
  });
  assert.equal(offTimes(home, 'websvcs', '10m'), null);
  assert.equal(offTimes(home, 'pve2', '10m'), null);
});

test('durations are as Go reads them', () => {
  assert.deepEqual([1000, 60_000, 90_000, 3_600_000, 5_400_000, 864_000_000].map(goDuration), [
    '1s',
    '1m',
    '90s',
    '1h',
    '1h30m',
    '240h',
  ]);
});
