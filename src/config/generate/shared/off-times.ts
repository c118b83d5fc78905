import { durationMs } from '../../../../schema/manifest/duration.ts';
import { own } from '../../../../schema/wire/record.ts';
import { machineOf } from '../../compile/routes.ts';
import type { Home } from '../../home.ts';

/** From one minute of the week to another, counted from Monday's midnight; the second is not in it. */
export type Span = readonly [from: number, to: number];

const dayMinutes = 24 * 60;
export const weekMinutes = 7 * dayMinutes;
const dayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/**
 * When a machine is off on purpose, in the time zone of the site, in order and apart: never (an empty list), at times,
 * or `null` where nobody can say, because it is started on demand.
 *
 * @param settle how long it is taken for off after it was to wake
 */
export function offTimes(home: Home, name: string, settle: string): readonly Span[] | null {
  const machine = machineOf(home, name);
  if (machine === undefined || machine.kind === 'device') return [];
  if (machine.kind === 'guest' && machine.ad_hoc) return null;
  const power = own(home.power, machine.kind === 'guest' ? machine.host : machine.name);
  if (power === undefined || power.mode === 'always') return [];
  if (power.mode === 'on-demand' || power.awake.length === 0) return null;
  const late = Math.ceil(durationMs(settle) / 60_000);
  const awake = power.awake.flatMap(({ days, from, to }) =>
    daysOf(days).flatMap((day) => {
      const start = day * dayMinutes + minuteOf(from) + late;
      const end = day * dayMinutes + minuteOf(to) + (to < from ? dayMinutes : 0);
      return start < end ? inWeek([start, end]) : [];
    }),
  );
  return without(joined(awake));
}

/** All times of several lists, in order and apart. */
export function joined(spans: readonly Span[]): Span[] {
  const whole: [number, number][] = [];
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = whole.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else whole.push([from, to]);
  }
  return whole;
}

/** The rest of the week. */
function without(spans: readonly Span[]): Span[] {
  const rest: Span[] = [];
  let at = 0;
  for (const [from, to] of spans) {
    if (from > at) rest.push([at, from]);
    at = to;
  }
  if (at < weekMinutes) rest.push([at, weekMinutes]);
  return rest;
}

/** What goes on after Sunday is on Monday. */
const inWeek = ([from, to]: Span): Span[] => {
  if (from >= weekMinutes) return [[from - weekMinutes, to - weekMinutes]];
  return to <= weekMinutes
    ? [[from, to]]
    : [
        [from, weekMinutes],
        [0, to - weekMinutes],
      ];
};

/** 0 for Monday; `sat-mon` goes over the end of the week. */
const daysOf = (text: string): number[] =>
  text.split(',').flatMap((part) => {
    const [first, last = first] = part.split('-').map((day) => dayNames.indexOf(day)) as [number, number?];
    return Array.from({ length: ((last! - first + 7) % 7) + 1 }, (_, index) => (first + index) % 7);
  });

const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
