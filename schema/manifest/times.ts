import * as v from 'valibot';

/** A time of day: `07:30`. */
export const dayTimeSchema = v.pipe(
  v.string(),
  v.regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'must be a time in quotes such as "07:30"'),
);

const day = '(mon|tue|wed|thu|fri|sat|sun)';

/** `mon-fri`, `sat`, or several with commas. */
export const weekdaysSchema = v.pipe(
  v.string(),
  v.regex(new RegExp(`^${day}(-${day})?(,${day}(-${day})?)*$`), 'must be days such as mon-fri or sat,sun'),
);

/** A time that comes again, as the five fields of cron: `30 3 * * 0`. */
export const cronSchema = v.pipe(
  v.string(),
  v.maxLength(100),
  v.check(isCron, 'must be five fields of cron, such as "30 3 * * *" for half past three each night'),
);

/** The least and the most of minute, hour, day of the month, month and day of the week. */
export const cronBounds = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;

function isCron(text: string): boolean {
  const fields = text.split(' ');
  return (
    fields.length === cronBounds.length &&
    fields.every((field, index) => field.split(',').every((part) => isCronPart(part, cronBounds[index]!)))
  );
}

/** `*`, a number or a range; with `/step` where there is more than one to step over. */
function isCronPart(part: string, [least, most]: readonly [number, number]): boolean {
  const match = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(part);
  if (match === null) return false;
  const [from, to, step] = [match[1], match[2], match[3]].map((text) =>
    text === undefined ? undefined : Number(text),
  );
  const inside = (value: number | undefined): boolean =>
    value === undefined || (value >= least && value <= most);
  const isRange = from === undefined || to !== undefined;
  return (
    inside(from) &&
    inside(to) &&
    (from === undefined || to === undefined || from <= to) &&
    (step === undefined || (step > 0 && isRange))
  );
}
