import type { Generator } from './generator.ts';
import { nftablesOptionsSchema } from './nftables/options.ts';
import { rulesetText } from './nftables/ruleset.ts';
import { madeFor, textBy } from './shared/outputs.ts';

/** The machine's own firewall. */
export const nftables: Generator = {
  name: 'nftables',
  about: 'what a machine accepts and forwards',
  upstream: { program: 'nftables', from: '1.0', below: '1.2' },
  options: nftablesOptionsSchema,
  outputs: {
    ruleset: {
      about: 'a table of its own, for `nft -f`; loading it again takes the place of what it was',
      kind: 'file',
      needed: () => [],
      generate: textBy(
        nftablesOptionsSchema,
        ({ home, target, instance }, options, tell) =>
          `#!/usr/sbin/nft -f\n# ${madeFor(instance.app, 'nftables/ruleset')}\n${rulesetText(home, target, options, tell)}`,
      ),
    },
  },
};
