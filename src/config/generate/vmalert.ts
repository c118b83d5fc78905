import { nearest } from '../../../schema/near.ts';
import type { Generator, GeneratorInput, Tell } from './generator.ts';
import { yamlBy } from './shared/outputs.ts';
import { appRules } from './vmalert/app-rules.ts';
import { guestRules, hostRules } from './vmalert/machine-rules.ts';
import { type VmalertOptions, vmalertOptionsSchema } from './vmalert/options.ts';
import { certificateRules, driftRules } from './vmalert/release-rules.ts';
import type { Rule } from './vmalert/rule.ts';
import { backupRules, storageRules } from './vmalert/store-rules.ts';

type Tree = Readonly<Record<string, unknown>>;

/** When somebody is told of what: alerts over what Writ, node-exporter, Gatus, Traefik and the house tell. */
export const vmalert: Generator = {
  name: 'vmalert',
  about: 'rules of alerts for vmalert and Prometheus',
  upstream: { program: 'vmalert', from: '1.79', below: '1.155' },
  options: vmalertOptionsSchema,
  outputs: {
    rules: {
      about: 'a file of rules: hosts, guests, apps, backups, certificates, drift and storages',
      kind: 'file',
      needed: () => [],
      generate: yamlBy('vmalert/rules', vmalertOptionsSchema, makeRules),
    },
  },
};

function makeRules({ home }: GeneratorInput, options: VmalertOptions, tell: Tell): Tree {
  const groups: readonly (readonly [name: string, rules: readonly Rule[]])[] = [
    ['host', hostRules(home)],
    ['guest', guestRules(home)],
    ['app', appRules(home)],
    ['backup', backupRules(home, options.backup_grace)],
    ['certificate', certificateRules()],
    ['drift', driftRules()],
    ['storage', storageRules(home)],
  ];
  const names = [...new Set(groups.flatMap(([, rules]) => rules.map(({ alert }) => alert)))];
  for (const name of [...options.off, ...Object.keys(options.for), ...Object.keys(options.severity)]) {
    if (names.includes(name)) continue;
    const near = nearest(name, names);
    tell({
      severity: 'error',
      code: 'wrong_option',
      message: `there is no alert ${name}`,
      ...(near !== undefined && { suggestion: `Did you mean ${near}?` }),
    });
  }
  const made = groups.flatMap(([name, rules]) => {
    const kept = rules.filter(({ alert }) => !options.off.includes(alert));
    return kept.length === 0
      ? []
      : [
          {
            name,
            interval: options.interval ?? slower[name],
            rules: kept.map((rule) => written(rule, options)),
          },
        ];
  });
  return { groups: [...made, ...options.extra] };
}

/** What looks back for a month is looked at less often. */
const slower: Readonly<Record<string, string>> = { backup: '5m' };

const written = (
  { alert, expr, severity, topic, labels, summary, ...rule }: Rule,
  options: VmalertOptions,
) => ({
  alert,
  expr,
  for: options.for[alert] ?? rule.for,
  labels: { severity: options.severity[alert] ?? severity, topic, ...labels },
  annotations: { summary },
});
