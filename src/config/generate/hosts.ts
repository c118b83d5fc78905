import type { Generator } from './generator.ts';

/** /etc/hosts: the home's names for a machine that must not depend on DNS. */
export const hosts: Generator = {
  name: 'hosts',
  about: 'names of the home for /etc/hosts',
  outputs: {
    entries: {
      about: 'one line an address',
      kind: 'file',
      needed: () => [],
      generate: ({ home }) => {
        const names = new Map<string, string[]>();
        for (const { name, address } of home.names) {
          if (address === undefined || name.startsWith('*')) continue;
          names.set(address, [...(names.get(address) ?? []), name]);
        }
        const lines = [...names].map(([address, all]) => `${address} ${all.join(' ')}`);
        return { made: { kind: 'file', text: ['127.0.0.1 localhost', ...lines, ''].join('\n') } };
      },
    },
  },
};
