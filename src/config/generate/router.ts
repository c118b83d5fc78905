import type { Generator, Tell } from './generator.ts';
import { routerOptionsSchema } from './router/options.ts';
import { routerProgram } from './router/program.ts';
import { aliasName, type RouterRules, routerRules } from './router/rules.ts';
import { routerText } from './router/text.ts';
import { textBy } from './shared/outputs.ts';

/** The firewall between the networks of the home. */
export const router: Generator = {
  name: 'router',
  about: 'what the router must let pass between networks of the home',
  upstream: { program: 'pfSense-pkg-RESTAPI', from: '2.0', below: '3.0' },
  options: routerOptionsSchema,
  outputs: {
    rules: {
      about: 'VLANs, aliases and rules in the form that pfrest takes',
      kind: 'file',
      needed: () => [],
      generate: textBy(routerOptionsSchema, ({ home }, { interfaces }, tell) => {
        const found = routerRules(home, tell);
        const vlans = Object.values(home.networks).flatMap(({ name, title, vlan }) =>
          vlan === undefined ? [] : [{ tag: vlan, descr: `Writ: ${title ?? name}` }],
        );
        return `${JSON.stringify({ vlans, ...nativeOf(found, interfaces, tell) }, null, 2)}\n`;
      }),
    },
    text: {
      about: 'the same as tables, for people with any router',
      kind: 'file',
      needed: () => [],
      generate: textBy(
        routerOptionsSchema,
        ({ home, instance }, _, tell) =>
          `Made by Writ for apps/${instance.app}/app.yaml (generate: router/text).\n\n${routerText(home, routerRules(home, tell))}`,
      ),
    },
    'bring-rules': {
      about: 'a program that shows what would change, or brings it to pfSense, applies it and reads it back',
      kind: 'file',
      needed: () => [],
      generate: textBy(routerOptionsSchema, () => routerProgram),
    },
  },
};

function nativeOf({ aliases, rules }: RouterRules, interfaces: Readonly<Record<string, string>>, tell: Tell) {
  for (const network of new Set(rules.map((rule) => rule.network))) {
    if (Object.hasOwn(interfaces, network)) continue;
    tell({
      severity: 'error',
      code: 'wrong_option',
      message: `options.interfaces says nothing of the network ${network}, from which something passes to another`,
      suggestion: `interfaces: { ${network}: opt1 }`,
    });
  }
  return {
    aliases: aliases.map(({ name, about, addresses }) => ({
      name: aliasName(name),
      type: 'network',
      descr: `Writ: ${about}`,
      address: addresses,
      detail: addresses.map(() => name),
    })),
    rules: rules.map(({ network, from, to, proto, port, apps }) => ({
      type: 'pass',
      interface: [interfaces[network] ?? network],
      ipprotocol: 'inet',
      protocol: proto,
      source: aliasName(from),
      destination: aliasName(to),
      destination_port: String(port),
      descr: `Writ: ${from} to ${apps.join(', ')} on ${to}`,
    })),
  };
}
