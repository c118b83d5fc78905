import { type Span, weekMinutes } from '../shared/off-times.ts';

/** A window as Gatus has it. */
export type Window = {
  readonly start: string;
  readonly duration: string;
  readonly every?: readonly string[];
  readonly timezone: string;
};

const dayMinutes = weekMinutes / 7;
const dayNames = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/**
 * The windows in which nothing is raised. None goes over midnight: Gatus takes an hour of the next morning for one of
 * yesterday's window only where it is before the hour in which that began.
 */
export function quietWindows(off: readonly Span[], timezone: string): Window[] {
  const days = new Map<string, number[]>();
  for (const [from, to] of off) {
    for (let start = from; start < to; ) {
      const day = Math.floor(start / dayMinutes);
      const end = Math.min(to, (day + 1) * dayMinutes);
      const key = `${start - day * dayMinutes} ${end - start}`;
      days.set(key, [...(days.get(key) ?? []), day]);
      start = end;
    }
  }
  return [...days]
    .map(([key, on]) => ({ start: Number(key.split(' ')[0]), length: Number(key.split(' ')[1]), on }))
    .sort((a, b) => a.start - b.start || a.length - b.length)
    .map(({ start, length, on }) => ({
      start: `${twoDigits(Math.floor(start / 60))}:${twoDigits(start % 60)}`,
      duration: goDuration(length * 60_000),
      ...(on.length < 7 && { every: on.map((day) => dayNames[day]!) }),
      timezone,
    }));
}

const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** Milliseconds, whole seconds at least, as Go reads a duration: it knows no days. */
export function goDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  if (seconds % 60 === 0 && seconds < 3600) return `${seconds / 60}m`;
  if (seconds % 60 === 0) return `${Math.floor(seconds / 3600)}h${(seconds % 3600) / 60}m`;
  return `${seconds}s`;
}
