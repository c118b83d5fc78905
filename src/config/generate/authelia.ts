import type { Home, Instance } from '../home.ts';
import { makeClients } from './authelia/clients.ts';
import { autheliaOptionsSchema } from './authelia/options.ts';
import { makeRules } from './authelia/rules.ts';
import type { Generator } from './generator.ts';
import { yamlBy } from './shared/outputs.ts';
import { isTcp } from './traefik/access.ts';

/** Who places an output. Whoever writes both files by hand needs neither. */
const placesOf = ({ instances }: Home): Instance[] =>
  instances.filter(({ files }) => files.some(({ generate }) => generate?.startsWith('authelia/')));

/** Authelia: who may pass which name, and which apps sign people in by it. */
export const authelia: Generator = {
  name: 'authelia',
  about: 'who may pass which name, and the clients of the sign-in',
  // By its sources and its JSON schema of 4.39; the rules were judged by 4.37.5 itself, which knows no policies of clients.
  upstream: { program: 'Authelia', from: '4.38', below: '4.40' },
  options: autheliaOptionsSchema,
  outputs: {
    'access-control': {
      about: 'access_control: a rule for each route with an access',
      kind: 'file',
      needed: (home) => {
        const asked = home.routes.find((route) => route.access !== undefined && !isTcp(route));
        if (asked === undefined) return [];
        return placesOf(home).map(({ target }) => ({
          target,
          why: `it is asked who may pass ${asked.hosts[0]}`,
        }));
      },
      generate: yamlBy('authelia/access-control', autheliaOptionsSchema, ({ home }, options, tell) =>
        makeRules(home, options, tell),
      ),
    },
    clients: {
      about: 'identity_providers.oidc: a client for each app that signs people in',
      kind: 'file',
      needed: (home) =>
        placesOf(home).flatMap(({ app, target }) => {
          const flow = home.flows.find(
            ({ to, oidc }) => oidc !== undefined && to.app === app && to.target === target,
          );
          return flow === undefined ? [] : [{ target, why: `${flow.from.app} signs people in by it` }];
        }),
      generate: yamlBy('authelia/clients', autheliaOptionsSchema, ({ home, instance }, options, tell) =>
        makeClients(home, instance, options, tell),
      ),
    },
  },
};
