import * as v from 'valibot';
import { durationSchema } from '../../../../schema/manifest/values.ts';
import { recordOf } from '../../../../schema/wire/record.ts';

const alertSchema = v.pipe(v.string(), v.regex(/^[A-Za-z]{1,60}$/, 'must be the name of an alert'));

export const vmalertOptionsSchema = v.strictObject({
  interval: v.pipe(
    v.optional(durationSchema),
    v.description('How often rules are looked at; absent: as often as the program does by itself.'),
  ),
  off: v.pipe(v.optional(v.array(alertSchema), []), v.description('Alerts that are not made.')),
  for: v.pipe(
    v.optional(recordOf(alertSchema, durationSchema), {}),
    v.description('By name of an alert, how long it must hold before somebody is told.'),
  ),
  severity: v.pipe(
    v.optional(recordOf(alertSchema, v.picklist(['info', 'warning', 'critical'])), {}),
    v.description('By name of an alert, `info`, `warning` or `critical`.'),
  ),
  backup_grace: v.pipe(
    v.optional(durationSchema, '12h'),
    v.description('How much later than its schedule asks for a backup may be.'),
  ),
  extra: v.pipe(
    v.optional(v.array(recordOf(v.string(), v.unknown())), []),
    v.description('More groups, as Prometheus has them.'),
  ),
});
export type VmalertOptions = v.InferOutput<typeof vmalertOptionsSchema>;
