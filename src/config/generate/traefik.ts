import { isStraight } from '../compile/ingress.ts';
import { byText } from '../repo.ts';
import type { Generator } from './generator.ts';
import { yamlBy } from './shared/outputs.ts';
import { makeDynamic } from './traefik/dynamic.ts';
import { traefikOptionsSchema } from './traefik/options.ts';
import { makeStatic } from './traefik/static.ts';

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
      generate: yamlBy('traefik/static', traefikOptionsSchema, ({ home, target }, options) =>
        makeStatic(home, target, options),
      ),
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
      generate: yamlBy('traefik/dynamic', traefikOptionsSchema, ({ home, target }, options, tell) =>
        makeDynamic(home, target, options, tell),
      ),
    },
  },
};
