import type { Doubt, Generator, Tell } from './generator.ts';
import { nftablesOptionsSchema } from './nftables/options.ts';
import { rulesetText } from './nftables/ruleset.ts';
import { readOptions } from './shared/read-options.ts';

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
      generate: ({ home, target, instance, options: given }) => {
        const doubts: Doubt[] = [];
        const tell: Tell = (doubt) => void doubts.push(doubt);
        const options = readOptions(nftablesOptionsSchema, given, tell);
        const head = `#!/usr/sbin/nft -f\n# Made by Writ for apps/${instance.app}/app.yaml (generate: nftables/ruleset); what is changed here is lost.\n`;
        const text = options === null ? '' : rulesetText(home, target, options, tell);
        return { made: { kind: 'file', text: head + text }, doubts };
      },
    },
  },
};
