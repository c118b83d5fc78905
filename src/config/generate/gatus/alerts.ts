import { own } from '../../../../schema/wire/record.ts';
import type { Home } from '../../home.ts';
import type { Tell } from '../generator.ts';
import { tellUnknown } from '../shared/read-options.ts';
import type { GatusOptions } from './options.ts';

type Native = Readonly<Record<string, unknown>>;
type Kind = 'ntfy' | 'custom' | 'email';

export type Alerting = {
  /** `alerting` of the file: one provider a kind. */
  readonly providers: Readonly<Record<string, Native>>;
  /** What each endpoint lists, without its description. */
  readonly alerts: readonly Native[];
};

/** `$` begins a variable in Gatus' files, wherever it stands. */
export const literal = (text: string): string => text.replaceAll('$', '$$$$');

/** What a webhook is posted. Gatus fills in names and texts as they are; none of ours holds a quote. */
const body = JSON.stringify({
  state: '[ALERT_TRIGGERED_OR_RESOLVED]',
  text: '[ALERT_DESCRIPTION]',
  endpoint: '[ENDPOINT_NAME]',
  group: '[ENDPOINT_GROUP]',
});

/**
 * Who is told that something does not answer: the channels of `notifications` that are sent warnings about health. Nobody,
 * where no endpoint is to be told of.
 */
export function alertingOf(home: Home, options: GatusOptions, tell: Tell): Alerting {
  const { channels, send } = home.notifications;
  for (const name of Object.keys(options.tokens)) {
    if (own(channels, name) !== undefined) continue;
    tellUnknown(`tokens: there is no channel ${name}`, name, Object.keys(channels), tell, 'unknown_channel');
  }
  if (options.alerts === false) return { providers: {}, alerts: [] };
  const told = new Set(
    send
      .filter(({ about, from }) => from !== 'critical' && (about === undefined || about.includes('health')))
      .flatMap(({ to }) => to)
      .sort(),
  );
  const ways = new Map<Kind, Native[]>();
  for (const name of told) {
    const channel = own(channels, name);
    // Told where homelab.yaml is read.
    if (channel === undefined) continue;
    const way = wayOf(name, channel, options, tell);
    if (way !== null) ways.set(way.kind, [...(ways.get(way.kind) ?? []), way.provider]);
  }
  return {
    providers: Object.fromEntries(
      [...ways].map(([kind, all]) => {
        const shared = all.length === 1 ? all[0]! : withoutSecrets(all[0]!);
        return [kind, { ...shared, 'default-alert': options.alert }];
      }),
    ),
    // Of several channels of one kind each says all of its own: what one does not say would be the first one's, a
    // token among it.
    alerts: [...ways].flatMap(([type, all]) =>
      all.map((provider) => (all.length === 1 ? { type } : { type, 'provider-override': provider })),
    ),
  };
}

const withoutSecrets = ({ token: _, headers: __, ...provider }: Native): Native => provider;

function wayOf(
  name: string,
  channel: Home['notifications']['channels'][string],
  { tokens, email }: GatusOptions,
  tell: Tell,
): { readonly kind: Kind; readonly provider: Native } | null {
  const variable = own(tokens, name);
  if ('ntfy' in channel) {
    const { origin, pathname, search } = new URL(channel.ntfy);
    const [, folder, topic] = /^(.*)\/([^/]+)$/.exec(pathname) ?? [];
    if (topic === undefined || search !== '') {
      tell({
        severity: 'error',
        code: 'wrong_value',
        message: `${channel.ntfy} of the channel ${name} names no topic of ntfy, so nobody would be told`,
        suggestion: 'It is such as https://ntfy.sh/a-topic.',
      });
      return null;
    }
    const provider = {
      url: literal(`${origin}${folder}`),
      topic: literal(topic),
      ...(variable !== undefined && { token: `\${${variable}}` }),
    };
    return { kind: 'ntfy', provider };
  }
  if ('webhook' in channel) {
    const headers = {
      'Content-Type': 'application/json',
      ...(variable !== undefined && { Authorization: `Bearer \${${variable}}` }),
    };
    return { kind: 'custom', provider: { url: literal(channel.webhook), method: 'POST', headers, body } };
  }
  if (email === undefined) {
    tell({
      severity: 'error',
      code: 'wrong_option',
      message: `the channel ${name} is an address of email, and no server is known that sends there`,
      suggestion: 'generators.gatus.options.email says it: { from: …, host: …, port: … }',
    });
    return null;
  }
  return { kind: 'email', provider: { ...email, to: literal(channel.email.join(',')) } };
}
