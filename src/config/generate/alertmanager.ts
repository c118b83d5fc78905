import * as v from 'valibot';
import { absolutePathSchema, durationSchema, secretNameSchema } from '../../../schema/manifest/values.ts';
import { nameSchema } from '../../../schema/wire/ids.ts';
import { recordOf } from '../../../schema/wire/record.ts';
import { makeReceivers } from './alertmanager/receivers.ts';
import { makeRoutes } from './alertmanager/routes.ts';
import type { Generator, GeneratorInput, Tell } from './generator.ts';
import { mergeOver } from './merge.ts';
import { lineSchema } from './read-options.ts';
import { yamlBy } from './yaml-output.ts';

type Tree = Readonly<Record<string, unknown>>;

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

/** Who is told of alerts, as homelab.yaml's `notifications` have it. */
export const alertmanager: Generator = {
  name: 'alertmanager',
  about: 'who is told of alerts, and which are of no news while another one holds',
  upstream: { program: 'Alertmanager', from: '0.25', below: '0.36' },
  options: alertmanagerOptionsSchema,
  outputs: {
    config: {
      about: 'alertmanager.yml',
      kind: 'file',
      needed: () => [],
      generate: yamlBy('alertmanager/config', alertmanagerOptionsSchema, makeConfig),
    },
  },
};

function makeConfig(input: GeneratorInput, options: AlertmanagerOptions, tell: Tell): Tree {
  const { smtp } = options;
  const folder = options.secrets;
  const config = {
    ...(smtp !== undefined && {
      global: {
        smtp_smarthost: smtp.smarthost,
        smtp_from: smtp.from,
        smtp_require_tls: smtp.tls,
        ...(smtp.username !== undefined && { smtp_auth_username: smtp.username }),
        ...(smtp.password !== undefined && { smtp_auth_password_file: `${folder}/${smtp.password}` }),
      },
    }),
    route: makeRoutes(input.home, options),
    receivers: makeReceivers(input, options, tell),
    inhibit_rules: inhibited,
  };
  return mergeOver(config, options.extra);
}

/** What is no news while what it depends on is down; of one thing that several rules see, the nearest is told. */
const inhibited = [
  {
    source_matchers: ['alertname=~"HostSilent|HostLost"'],
    target_matchers: ['topic="health"', 'alertname!~"HostSilent|HostLost"'],
    equal: ['host'],
  },
  {
    source_matchers: ['alertname=~"GuestDown|MachineUnreachable"'],
    target_matchers: ['alertname=~"AppUnreachable|AppStopped|AppUnanswered|ServicesDown"'],
    equal: ['machine'],
  },
  {
    source_matchers: ['alertname="AppStopped"'],
    target_matchers: ['alertname=~"AppUnreachable|AppUnanswered"'],
    equal: ['machine', 'app'],
  },
];
