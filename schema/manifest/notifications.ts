import * as v from 'valibot';
import { webUrlSchema } from '../trust/web-url.ts';
import { nameSchema } from '../wire/ids.ts';
import { recordOf } from '../wire/record.ts';
import { oneOrMany } from './values.ts';

const channelSchema = v.union(
  [
    v.strictObject({ ntfy: webUrlSchema }),
    v.strictObject({ webhook: webUrlSchema }),
    v.strictObject({ email: oneOrMany(v.pipe(v.string(), v.email())) }),
  ],
  'must be { ntfy: … }, { webhook: … } or { email: … }',
);

/** What somebody may want to hear of. */
const topicSchema = v.picklist([
  'backups',
  'certificates',
  'deployments',
  'drift',
  'health',
  'power',
  'security',
  'storage',
  'ups',
]);

/** Who is told what, and by which way. */
export const notificationsSchema = v.strictObject({
  channels: v.optional(recordOf(nameSchema, channelSchema), {}),
  send: v.optional(
    v.array(
      v.strictObject({
        to: oneOrMany(nameSchema),
        /** Absent: of everything. */
        about: v.optional(oneOrMany(topicSchema)),
        from: v.optional(v.picklist(['info', 'warning', 'critical']), 'warning'),
      }),
    ),
    [],
  ),
});
