import { cronBounds } from '../../../../schema/manifest/times.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** Four years hold every day that a calendar has. */
const lookedDays = 4 * 366;

/**
 * The longest time between two of the times that a schedule of cron names, in ms; null where it names none. A day is
 * meant by either of its fields where both say something, as cron has it.
 */
export function longestGapMs(cron: string): number | null {
  const [minutes, hours, days, months, weekdays] = cron
    .split(' ')
    .map((field, index) => valuesOf(field, cronBounds[index]!));
  const [, , dayField, , weekdayField] = cron.split(' ');
  const times = [...hours!]
    .flatMap((hour) => [...minutes!].map((minute) => (hour * 60 + minute) * minuteMs))
    .sort((a, b) => a - b);
  const isNamed = (date: Date): boolean => {
    const byDay = days!.has(date.getUTCDate());
    const byWeekday = weekdays!.has(date.getUTCDay()) || (date.getUTCDay() === 0 && weekdays!.has(7));
    const isEither = !dayField!.startsWith('*') && !weekdayField!.startsWith('*');
    return months!.has(date.getUTCMonth() + 1) && (isEither ? byDay || byWeekday : byDay && byWeekday);
  };
  const start = Date.UTC(2024, 0, 1);
  let before: number | null = null;
  let longest: number | null = null;
  for (let day = 0; day < lookedDays; day += 1) {
    const midnight = start + day * dayMs;
    if (!isNamed(new Date(midnight))) continue;
    for (const time of times) {
      const at = midnight + time;
      if (before !== null) longest = Math.max(longest ?? 0, at - before);
      before = at;
    }
  }
  return longest;
}

/** Of `*`, numbers and ranges with steps, as `cronSchema` has checked them. */
function valuesOf(field: string, [least, most]: readonly [number, number]): Set<number> {
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const [range, step = '1'] = part.split('/');
    const [from, to = from] = range === '*' ? [least, most] : range!.split('-').map(Number);
    for (let value = from!; value <= to!; value += Number(step)) values.add(value);
  }
  return values;
}
