import * as v from 'valibot';
import { nameSchema } from '../wire/ids.ts';
import { recordOf } from '../wire/record.ts';
import { dayTimeSchema, weekdaysSchema } from './times.ts';
import { durationSchema, oneOrMany, percentSchema, titleSchema } from './values.ts';

/** When a host is to be awake: on these days, from one time to another; to an earlier one, on the next day. */
const awakeSchema = v.pipe(
  v.strictObject({
    days: v.optional(weekdaysSchema, 'mon-sun'),
    from: dayTimeSchema,
    to: dayTimeSchema,
  }),
  v.check(({ from, to }) => from !== to, 'must not end when it begins'),
);

/** Whether a host is always on, awake by a schedule, or when something needs it. */
export const powerSchema = v.strictObject({
  mode: v.picklist(['always', 'scheduled', 'on-demand']),
  awake: v.optional(oneOrMany(awakeSchema), []),
  /** How long nothing must need it before it is shut down. */
  grace: v.optional(durationSchema, '15m'),
});

/** What of a UPS tells that it is time: any one of them. */
const upsLimitSchema = v.pipe(
  v.strictObject({
    /** The time that the UPS itself expects to last. */
    runtime_below: v.optional(durationSchema),
    charge_below: v.optional(percentSchema),
    on_battery_for: v.optional(durationSchema),
  }),
  v.check(
    (limits) => Object.values(limits).some((limit) => limit !== undefined),
    'must be one of runtime_below, charge_below, on_battery_for',
  ),
);

export const upsSchema = v.strictObject({
  title: v.optional(titleSchema),
  /** The host that it is plugged into, where NUT runs. */
  host: nameSchema,
  driver: v.optional(v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9_-]{0,40}$/)), 'usbhid-ups'),
  port: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(200)), 'auto'),
  /** What hangs on it: hosts and devices. */
  feeds: v.optional(oneOrMany(nameSchema), []),
  /** Power in watts that it is made for, for those that do not measure their own. */
  watts: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(1_000_000))),
  /** Who is shut down, first to last. */
  shut_down: v.optional(v.array(v.strictObject({ host: nameSchema, when: upsLimitSchema })), []),
});

/** What of homelab.yaml says when machines are on. */
export const powerMembers = {
  power: v.optional(recordOf(nameSchema, powerSchema), {}),
  ups: v.optional(recordOf(nameSchema, upsSchema), {}),
};
