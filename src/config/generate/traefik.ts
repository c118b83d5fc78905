import { isStraight } from '../compile/ingress.ts';
import { byText } from '../repo.ts';
import type { Doubt, Generator, GeneratorInput } from './generator.ts';
import { readOptions } from './shared/read-options.ts';
import { yamlText } from './shared/yaml-text.ts';
import { makeDynamic } from './traefik/dynamic.ts';
import { traefikOptionsSchema } from './traefik/options.ts';
import { makeStatic } from './traefik/static.ts';

type Make = typeof makeDynamic;

const generateBy =
  (output: string, make: Make) =>
  ({ home, target, instance, options: given }: GeneratorInput) => {
    const doubts: Doubt[] = [];
    const tell = (doubt: Doubt): void => void doubts.push(doubt);
    const options = readOptions(traefikOptionsSchema, given, tell);
    const tree = options === null ? {} : make(home, target, options, tell);
    const head = `# Made by Writ for apps/${instance.app}/app.yaml (generate: traefik/${output}); what is changed here is lost.\n`;
    return { made: { kind: 'file' as const, text: head + yamlText(tree) }, doubts };
  };

/** Traefik: what a machine's proxy answers, who is asked before, and where it goes. */
export const traefik: Generator = {
  name: 'traefik',
  about: 'the proxy of a machine: entry points, routers, services, who is asked before, TLS',
  // 3.7.9 itself answered as our reader of its files does; 3.4.1 by its sources. Before that, letters of a path that
  // came encoded (%61) were not seen by its rules.
  upstream: { program: 'Traefik', from: '3.4.1', below: '3.8' },
  options: traefikOptionsSchema,
  outputs: {
    static: {
      about: 'traefik.yml: entry points, certificate resolvers, and where the rest is',
      kind: 'file',
      needed: () => [],
      generate: generateBy('static', makeStatic),
    },
    dynamic: {
      about: 'routers, services, middlewares and TLS options for the file provider',
      kind: 'file',
      needed: (home) => {
        const { edges } = home.ingress;
        const asked = home.routes.filter(
          (route) => !(edges.includes(route.proxy) && isStraight(route.proxy, route)),
        );
        const proxies = new Map(asked.map(({ proxy, hosts }) => [proxy, hosts[0]!]));
        return [...proxies]
          .sort(([a], [b]) => byText(a, b))
          .map(([target, host]) => ({ target, why: `its proxy answers for ${host}` }));
      },
      generate: generateBy('dynamic', makeDynamic),
    },
  },
};
