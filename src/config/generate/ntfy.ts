import * as v from 'valibot';
import { secretPlaceholder } from '../../../schema/manifest/placeholder.ts';
import { durationSchema, secretNameSchema } from '../../../schema/manifest/values.ts';
import { recordOf } from '../../../schema/wire/record.ts';
import { byText } from '../repo.ts';
import type { Generator, GeneratorInput, Tell } from './generator.ts';
import { mergeOver } from './shared/merge.ts';
import { yamlBy } from './shared/outputs.ts';

type Tree = Readonly<Record<string, unknown>>;

/** A topic, or a pattern of several, as ntfy has them. */
const topicSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_*-]{1,64}$/, 'must be a topic such as alerts, or a pattern such as up*'),
);
const permissionSchema = v.picklist(['read-write', 'read-only', 'write-only', 'deny']);
const accessSchema = recordOf(topicSchema, permissionSchema);

const userSchema = v.strictObject({
  password_hash: v.pipe(
    secretNameSchema,
    v.description(
      'The secret with the bcrypt hash of the password, which `as: bcrypt` derives on the machine.',
    ),
  ),
  role: v.pipe(
    v.optional(v.picklist(['user', 'admin']), 'user'),
    v.description('An `admin` reads and writes every topic.'),
  ),
  token: v.pipe(
    v.optional(secretNameSchema),
    v.description('The secret with a token: `tk_` and 29 small letters or digits.'),
  ),
  access: v.pipe(
    v.optional(accessSchema, {}),
    v.description('By topic or pattern, `read-write`, `read-only`, `write-only` or `deny`.'),
  ),
});

export const ntfyOptionsSchema = v.strictObject({
  users: v.pipe(
    v.optional(
      recordOf(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must be a user of ntfy')), userSchema),
      {},
    ),
    v.description('Who may do what, by name.'),
  ),
  anonymous: v.pipe(v.optional(accessSchema, {}), v.description('What everybody may do, by topic.')),
  cache: v.pipe(
    v.optional(durationSchema, '12h'),
    v.description('How long messages are kept for phones that were away.'),
  ),
  listen: v.pipe(
    v.optional(v.pipe(v.string(), v.regex(/^[^\s:]*:[0-9]{1,5}$/, 'must be such as :80'))),
    v.description('Where it listens; absent: at the port of its route.'),
  ),
  extra: v.pipe(
    v.optional(recordOf(v.string(), v.unknown()), {}),
    v.description('Merged over the whole file.'),
  ),
});
type Options = v.InferOutput<typeof ntfyOptionsSchema>;

/** A server of ntfy behind the home's proxy, where nobody may do anything that is not said. */
export const ntfy: Generator = {
  name: 'ntfy',
  about: 'the server of ntfy: where it is, and who may read and write which topics',
  upstream: { program: 'ntfy', from: '2.14', below: '3.0' },
  options: ntfyOptionsSchema,
  outputs: {
    server: {
      about: 'server.yml',
      kind: 'file',
      needed: () => [],
      generate: yamlBy('ntfy/server', ntfyOptionsSchema, makeServer),
    },
  },
};

function makeServer({ home, instance }: GeneratorInput, options: Options, tell: Tell): Tree {
  const route = home.routes.find(({ app, target }) => app === instance.app && target === instance.target);
  const host = route?.hosts.find((one) => !one.startsWith('*'));
  if (host === undefined) {
    tell({
      severity: 'error',
      code: 'route_port_missing',
      message: `${instance.app} has no route on ${instance.target}, and ntfy must know its own address`,
      suggestion: 'route: { host: ntfy, port: 80, public: true } in its app.yaml',
    });
  }
  const users = Object.entries(options.users).sort(([a], [b]) => byText(a, b));
  const wanted = users.flatMap(([, { password_hash, token }]) => [
    password_hash,
    ...(token === undefined ? [] : [token]),
  ]);
  for (const secret of new Set(wanted)) {
    if (instance.secrets.includes(secret)) continue;
    tell({
      severity: 'error',
      code: 'secret_undeclared',
      message: `options name the secret ${secret}, which ${instance.app} does not list`,
    });
  }
  const access = [
    ...Object.entries(options.anonymous).map(([topic, permission]) => `*:${topic}:${permission}`),
    ...users.flatMap(([name, user]) =>
      Object.entries(user.access).map(([topic, permission]) => `${name}:${topic}:${permission}`),
    ),
  ].sort(byText);
  const tokens = users.flatMap(([name, { token }]) =>
    token === undefined ? [] : [`${name}:${secretPlaceholder(token)}`],
  );
  const server = {
    ...(host !== undefined && { 'base-url': `https://${host}` }),
    'listen-http': options.listen ?? `:${route?.upstream?.port ?? 80}`,
    'behind-proxy': true,
    'cache-file': '/var/cache/ntfy/cache.db',
    'cache-duration': options.cache,
    'auth-file': '/var/lib/ntfy/user.db',
    'auth-default-access': 'deny-all',
    ...(users.length > 0 && {
      'auth-users': users.map(
        ([name, { password_hash, role }]) => `${name}:${secretPlaceholder(password_hash)}:${role}`,
      ),
    }),
    ...(access.length > 0 && { 'auth-access': access }),
    ...(tokens.length > 0 && { 'auth-tokens': tokens }),
    // Whoever reads on a phone signs in on it.
    'enable-login': true,
  };
  return mergeOver(server, options.extra);
}
