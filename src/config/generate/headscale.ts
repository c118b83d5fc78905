import { machineOf } from '../compile/routes.ts';
import type { Home } from '../home.ts';
import type { Generator } from './generator.ts';
import { headscaleOptionsSchema } from './headscale/options.ts';
import { makePolicy } from './headscale/policy.ts';
import { textBy } from './shared/outputs.ts';

/**
 * Names whose proxy is on the tailnet. Those of the public machine are left out: what asks there is reached from anywhere,
 * and devices ask it for the tailnet itself. A wildcard is nothing that Headscale answers.
 */
function recordsOf(home: Home): { name: string; type: 'A'; value: string }[] {
  return home.names.flatMap(({ name, target }) => {
    const value = machineOf(home, target)?.tailnet;
    if (value === undefined || name.startsWith('*') || home.ingress.edges.includes(target)) return [];
    return [{ name, type: 'A', value }];
  });
}

/** A list of JSON with one item a line. */
const linesText = (list: readonly unknown[]): string =>
  list.length === 0 ? '[]\n' : `[\n${list.map((one) => `  ${JSON.stringify(one)}`).join(',\n')}\n]\n`;

/** Headscale: who reaches what over the tailnet, and the home's names there. */
export const headscale: Generator = {
  name: 'headscale',
  about: 'who reaches what over the tailnet, and the names of the home there',
  upstream: { program: 'Headscale', from: '0.29', below: '0.30' },
  options: headscaleOptionsSchema,
  outputs: {
    policy: {
      about: 'the policy, with tests by which Headscale holds it to what the home is',
      kind: 'file',
      // A tailnet need not be of Headscale, nor its policy a file.
      needed: () => [],
      generate: textBy(
        headscaleOptionsSchema,
        ({ home }, options, tell) => `${JSON.stringify(makePolicy(home, options, tell), null, 2)}\n`,
        '{}\n',
      ),
    },
    records: {
      about: 'a file for dns.extra_records_path',
      kind: 'file',
      needed: () => [],
      generate: textBy(headscaleOptionsSchema, ({ home }) => linesText(recordsOf(home)), '{}\n'),
    },
  },
};
