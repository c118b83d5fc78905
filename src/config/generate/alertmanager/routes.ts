import { own } from '../../../../schema/wire/record.ts';
import type { Home } from '../../home.ts';
import type { AlertmanagerOptions } from './options.ts';

/** The receiver that tells nobody: what no entry of `send` is about. No channel has a slash in its name. */
export const nobody = 'writ/nobody';

/** What is told at once and loudly: ntfy rings through a phone's silence then. */
export const loudName = (channel: string): string => `${channel}/critical`;

const severities = ['info', 'warning', 'critical'] as const;

const loudest = ['health', 'security', 'storage'] as const;

/** Topics of which somebody must hear what is critical, and nobody does. */
export const unheardTopics = ({ notifications: { send } }: Home): string[] =>
  loudest.filter((topic) => !send.some(({ about }) => about === undefined || about.includes(topic)));

/** All channels are gone through; of the entries for one, the first that is about an alert has it told, once. */
export function makeRoutes({ notifications }: Home, options: AlertmanagerOptions): object {
  const { channels, send } = notifications;
  const routesTo = (channel: string): object[] =>
    send.flatMap(({ to, about, from }) => {
      if (!to.includes(channel)) return [];
      const heard = severities.slice(severities.indexOf(from));
      const route = (receiver: string, which: readonly string[]) => ({
        receiver,
        matchers: [
          `severity=~"${which.join('|')}"`,
          ...(about === undefined ? [] : [`topic=~"${[...about].sort().join('|')}"`]),
        ],
      });
      if (!('ntfy' in own(channels, channel)!)) return [route(channel, heard)];
      const quiet = heard.filter((severity) => severity !== 'critical');
      return [route(loudName(channel), ['critical']), ...(quiet.length > 0 ? [route(channel, quiet)] : [])];
    });
  return {
    receiver: nobody,
    group_by: ['alertname', 'machine'],
    group_wait: options.wait,
    group_interval: '5m',
    repeat_interval: options.repeat,
    routes: Object.keys(channels)
      .map((channel) => ({ receiver: nobody, continue: true, routes: routesTo(channel) }))
      .filter(({ routes }) => routes.length > 0),
  };
}
