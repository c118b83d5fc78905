import { durationMs } from '../../../schema/manifest/duration.ts';
import { own } from '../../../schema/wire/record.ts';
import type { Home } from '../home.ts';
import { alertingOf, literal } from './gatus/alerts.ts';
import { type Asked, whatIsAsked } from './gatus/asked.ts';
import { type GatusOptions, gatusOptionsSchema } from './gatus/options.ts';
import { goDuration, quietWindows } from './gatus/quiet.ts';
import type { Generator, GeneratorInput, Tell } from './generator.ts';
import { mergeOver } from './shared/merge.ts';
import { joined, offTimes, type Span } from './shared/off-times.ts';
import { yamlBy } from './shared/outputs.ts';
import { tellUnknown } from './shared/read-options.ts';

type Native = Readonly<Record<string, unknown>>;

/** Gatus: what is asked whether it answers, and who is told when it does not. */
export const gatus: Generator = {
  name: 'gatus',
  about: 'what is asked whether it answers, when it may be silent, and who is told',
  upstream: { program: 'Gatus', from: '5.20', below: '6' },
  options: gatusOptionsSchema,
  outputs: {
    endpoints: {
      about: 'endpoints and alerting, a file for the folder of Gatus’ configuration',
      kind: 'file',
      needed: () => [],
      generate: yamlBy('gatus/endpoints', gatusOptionsSchema, treeOf),
    },
  },
};

function treeOf({ home, instance }: GeneratorInput, options: GatusOptions, tell: Tell): Native {
  const { providers, alerts } = alertingOf(home, options, tell);
  const isTold = (name: string): boolean =>
    alerts.length > 0 && (!Array.isArray(options.alerts) || options.alerts.includes(name));
  const timezone = home.site.timezone;
  const made = whatIsAsked(home, instance, options).flatMap((asked): [string, Native][] => {
    const off = offOf(home, asked, options);
    // What is started on demand is off as it should be.
    if (off === null) return [];
    const { name, group, what, native } = asked;
    const description = `${plain(what)} does not answer as it should`;
    const endpoint = {
      name,
      group,
      interval: goDuration(durationMs(options.interval)),
      ...native,
      ...(isTold(name) && { alerts: alerts.map((alert) => ({ ...alert, description })) }),
      ...(off.length > 0 && { 'maintenance-windows': quietWindows(off, timezone) }),
    };
    return [[name, endpoint]];
  });
  judgeNames(options, new Set(made.map(([name]) => name)), tell);
  const endpoints = made.flatMap(([name, endpoint]) => {
    const over = own(options.endpoints, name);
    if (over === null) return [];
    return [over === undefined ? endpoint : mergeOver(endpoint, over)];
  });
  return mergeOver(
    {
      ...(alerts.length > 0 && { alerting: providers }),
      endpoints: [...endpoints, ...options.more],
    },
    options.extra,
  );
}

/** When one of the machines is off on purpose; null where nobody can say. */
function offOf(home: Home, { machines }: Asked, { settle }: GatusOptions): readonly Span[] | null {
  const all = machines.map((machine) => offTimes(home, machine, settle));
  return all.includes(null) ? null : joined(all.flatMap((off) => off!));
}

/** Gatus takes no quotes and backslashes in texts of alerts, for they stand in JSON as they are. */
const plain = (text: string): string => literal(text.replaceAll(/[\p{Cc}"\\]+/gu, ' ').trim());

function judgeNames({ endpoints, alerts }: GatusOptions, known: ReadonlySet<string>, tell: Tell): void {
  const named = { endpoints: Object.keys(endpoints), alerts: Array.isArray(alerts) ? alerts : [] };
  for (const [option, names] of Object.entries(named)) {
    for (const name of names) {
      if (!known.has(name)) tellUnknown(`${option}: nothing named ${name} is asked`, name, known, tell);
    }
  }
}
