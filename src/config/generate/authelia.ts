import type { Home, Instance } from '../home.ts';
import { makeClients } from './authelia/clients.ts';
import { type AutheliaOptions, autheliaOptionsSchema } from './authelia/options.ts';
import { makeRules } from './authelia/rules.ts';
import type { Doubt, Generator, GeneratorInput, Output, Tell } from './generator.ts';
import { readOptions } from './shared/read-options.ts';
import { yamlText } from './shared/yaml-text.ts';
import { isTcp } from './traefik/access.ts';

type Make = (
  input: GeneratorInput,
  options: AutheliaOptions,
  tell: Tell,
) => Readonly<Record<string, unknown>>;

const generateBy =
  (output: string, make: Make): Output['generate'] =>
  (input) => {
    const doubts: Doubt[] = [];
    const tell: Tell = (doubt) => void doubts.push(doubt);
    const options = readOptions(autheliaOptionsSchema, input.options, tell);
    const head = `# Made by Writ for apps/${input.instance.app}/app.yaml (generate: authelia/${output}); what is changed here is lost.\n`;
    const tree = options === null ? {} : make(input, options, tell);
    return { made: { kind: 'file', text: head + yamlText(tree) }, doubts };
  };

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
      generate: generateBy('access-control', ({ home }, options, tell) => makeRules(home, options, tell)),
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
      generate: generateBy('clients', ({ home, instance }, options, tell) =>
        makeClients(home, instance, options, tell),
      ),
    },
  },
};
