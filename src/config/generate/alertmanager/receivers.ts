import { nearest } from '../../../../schema/near.ts';
import { own } from '../../../../schema/wire/record.ts';
import type { GeneratorInput, Tell } from '../generator.ts';
import type { AlertmanagerOptions } from './options.ts';
import { loudName, nobody } from './routes.ts';

/** The ways by which people are told; of ntfy two, since how loud it is stands in its address. */
export function makeReceivers({ home, instance }: GeneratorInput, options: AlertmanagerOptions, tell: Tell) {
  const { channels } = home.notifications;
  for (const name of Object.keys(options.tokens)) {
    if (Object.hasOwn(channels, name)) continue;
    const near = nearest(name, Object.keys(channels));
    tell({
      severity: 'error',
      code: 'unknown_channel',
      message: `options.tokens names ${name}, and there is no such channel`,
      ...(near !== undefined && { suggestion: `Did you mean ${near}?` }),
    });
  }
  const needed = [
    ...Object.values(options.tokens),
    ...(options.smtp?.password === undefined ? [] : [options.smtp.password]),
  ];
  for (const secret of new Set(needed)) {
    if (instance.secrets.includes(secret)) continue;
    tell({
      severity: 'error',
      code: 'secret_undeclared',
      message: `options name the secret ${secret}, which ${instance.app} does not list`,
    });
  }
  const made = Object.entries(channels).flatMap(([name, channel]): object[] => {
    if ('email' in channel) {
      if (options.smtp === undefined) {
        tell({
          severity: 'error',
          code: 'wrong_option',
          message: `the channel ${name} is by email, and options say no smtp`,
          suggestion: 'smtp: { smarthost: mail.example.net:587, from: home@example.net }',
        });
      }
      return [{ name, email_configs: channel.email.map((to) => ({ to, send_resolved: true })) }];
    }
    const token = own(options.tokens, name);
    const hook = (url: string) => ({
      url,
      send_resolved: true,
      ...(token !== undefined && {
        http_config: {
          authorization: {
            type: 'Bearer',
            credentials_file: `${options.secrets}/${token}`,
          },
        },
      }),
    });
    if ('webhook' in channel) return [{ name, webhook_configs: [hook(channel.webhook)] }];
    if (!/[^/]$/.test(new URL(channel.ntfy).pathname)) {
      tell({
        severity: 'error',
        code: 'wrong_value',
        message: `${channel.ntfy} of the channel ${name} names no topic of ntfy, so nobody would be told`,
        suggestion: 'It is such as https://ntfy.sh/a-topic.',
      });
    }
    return [
      { name, webhook_configs: [hook(ntfyUrl(channel.ntfy))] },
      { name: loudName(name), webhook_configs: [hook(ntfyUrl(channel.ntfy, 'urgent'))] },
    ];
  });
  return [{ name: nobody }, ...made];
}

/** ntfy reads what Alertmanager sends by a template that it brings (`server/templates/alertmanager.yml`, since 2.14). */
function ntfyUrl(text: string, priority?: string): string {
  const url = new URL(text);
  url.searchParams.set('template', 'alertmanager');
  if (priority !== undefined) url.searchParams.set('priority', priority);
  return url.href;
}
