import * as v from 'valibot';
import { absolutePathSchema, durationSchema, secretNameSchema } from '../../../../schema/manifest/values.ts';
import { nameSchema } from '../../../../schema/wire/ids.ts';
import { recordOf } from '../../../../schema/wire/record.ts';
import { lineSchema } from '../shared/read-options.ts';

/** What the program itself reads, passed on as it is. */
const nativeSchema = recordOf(v.string(), v.unknown());

export const alertmanagerOptionsSchema = v.strictObject({
  tokens: v.pipe(
    v.optional(recordOf(nameSchema, secretNameSchema), {}),
    v.description('By channel, the secret with the bearer token that it asks for.'),
  ),
  secrets: v.pipe(
    v.optional(absolutePathSchema, '/run/secrets'),
    v.description('The folder where Alertmanager finds its secrets, each as a file.'),
  ),
  smtp: v.pipe(
    v.optional(
      v.strictObject({
        smarthost: v.pipe(
          v.string(),
          v.regex(/^[^\s:]+:[0-9]{1,5}$/, 'must be such as mail.example.net:587'),
          v.description('The server, with its port.'),
        ),
        from: v.pipe(v.string(), v.email(), v.description('Who it comes from.')),
        username: v.pipe(v.optional(lineSchema), v.description('Who signs in there.')),
        password: v.pipe(v.optional(secretNameSchema), v.description('The secret with the password.')),
        tls: v.pipe(v.optional(v.boolean(), true), v.description('Whether it must be encrypted.')),
      }),
    ),
    v.description('The way of channels by email.'),
  ),
  repeat: v.pipe(
    v.optional(durationSchema, '12h'),
    v.description('How often somebody is told again of what goes on.'),
  ),
  wait: v.pipe(
    v.optional(durationSchema, '30s'),
    v.description('How long it is waited for alerts that belong together.'),
  ),
  extra: v.pipe(v.optional(nativeSchema, {}), v.description('Merged over the whole file.')),
});
export type AlertmanagerOptions = v.InferOutput<typeof alertmanagerOptionsSchema>;
