import { secretPlaceholder } from '../../../../schema/manifest/placeholder.ts';
import { own } from '../../../../schema/wire/record.ts';
import { grouped } from '../../grouped.ts';
import type { Flow, Home, HomeAccess, Instance } from '../../home.ts';
import { byText } from '../../repo.ts';
import type { Tell } from '../generator.ts';
import { mergeOver } from '../shared/merge.ts';
import { rangeOf } from '../shared/ranges.ts';
import type { AutheliaOptions } from './options.ts';

type Native = Readonly<Record<string, unknown>>;
type Asked = Flow & { readonly oidc: NonNullable<Flow['oidc']> };

/** The clients of the sign-in: apps that send people here. What they must know lies with them, here is its hash. */
export function makeClients(home: Home, instance: Instance, options: AutheliaOptions, tell: Tell): Native {
  const { app, target } = instance;
  const flows = home.flows.filter(
    (flow): flow is Asked => flow.oidc !== undefined && flow.to.app === app && flow.to.target === target,
  );
  const policies = new Map<string, Native>();
  const clients = [...grouped(flows, ({ oidc }) => oidc.client)]
    .sort(([a], [b]) => byText(a, b))
    .map(([id, all]) => {
      const made = {
        client_id: id,
        client_name: nameOf(home, all[0]!.from.app),
        client_secret: secretPlaceholder(all[0]!.oidc.hash),
        authorization_policy: policyOf(home, instance, all[0]!, options, policies, tell),
        redirect_uris: [...new Set(all.flatMap((flow) => redirectsOf(home, flow, tell)))],
        scopes: ['openid', 'profile', 'email', 'groups'],
        token_endpoint_auth_method: 'client_secret_basic',
      };
      return mergeOver(mergeOver(made, options.client), own(options.clients, id) ?? {});
    });
  for (const id of Object.keys(options.clients)) {
    if (flows.some(({ oidc }) => oidc.client === id)) continue;
    const message = `options.clients.${id} is of no client: no app has uses: [{ oidc: … }] by that name`;
    tell({ severity: 'warning', code: 'wrong_option', message, unless: ['apps/*'] });
  }
  const made = {
    ...(policies.size > 0 && { authorization_policies: Object.fromEntries(policies) }),
    // An empty list is refused, and so is a section without clients.
    ...(clients.length > 0 && { clients }),
  };
  const oidc = mergeOver(made, options.extra_oidc);
  return Object.keys(oidc).length === 0 ? {} : { identity_providers: { oidc } };
}

/** Authelia reads its files as templates where it is told to; a name is only shown. */
const nameOf = (home: Home, app: string): string =>
  (home.apps[app]?.title ?? app).replaceAll('{{', '{ {').replaceAll('{{', '{ {');

/** Where the app lets people be sent back to: whole URLs as they are, paths at each of its names. */
function redirectsOf(home: Home, { from, oidc }: Asked, tell: Tell): string[] {
  const routes = home.routes.filter(({ app, target }) => app === from.app && target === from.target);
  const place = home.instances.find(({ app, target }) => app === from.app && target === from.target)?.place;
  const say = (message: string, suggestion: string): string[] => {
    const unless = [`${from.app}.route`, `${from.app}.routes`];
    tell({ severity: 'error', code: 'sign_in_value', message, suggestion, unless, ...(place && { place }) });
    return [];
  };
  const likeThese = 'Such as /login/callback, or https://wiki.example.net/login/callback.';
  if (oidc.redirect.length === 0) {
    return say(`${from.app} does not say where people are sent back to`, likeThese);
  }
  return oidc.redirect.flatMap((text) => {
    if (/[\s{}"<>\\^`|\p{Cc}]/u.test(text))
      return say(`${text} is no address for people to be sent back to`, likeThese);
    if (!text.startsWith('/')) {
      return URL.canParse(text) && !text.includes('#')
        ? [text]
        : say(`${text} is neither a path nor a whole URL without #`, likeThese);
    }
    const hosts = routes
      .filter(({ scheme }) => scheme !== 'tcp')
      .flatMap((route) => route.hosts)
      .filter((host) => !host.startsWith('*'));
    if (hosts.length === 0)
      return say(`${from.app} has no name at which ${text} would be`, 'Give it a route, or a whole URL.');
    return hosts.map((host) => `https://${host}${text}`);
  });
}

/** Who may sign in to a client. Authelia has two policies of its own; all else is one that is named here. */
function policyOf(
  home: Home,
  instance: Instance,
  { from, oidc }: Asked,
  options: AutheliaOptions,
  policies: Map<string, Native>,
  tell: Tell,
): string {
  const access = oidc.access === undefined ? undefined : own(home.access, oidc.access);
  // One that is named and not there is told where flows are read.
  if (access === undefined) return oidc.access === undefined ? options.policy : 'two_factor';
  const { name, policy, groups, from: places } = access;
  const ranges = places.map((one) => rangeOf(home, one));
  const lost = places.filter((_, index) => ranges[index] === undefined);
  if (policy === 'bypass' || lost.length > 0) {
    const why =
      policy === 'bypass' ? 'asks nobody' : `holds from ${lost.join(' and ')}, of which no address is known`;
    const message = `${from.app} signs people in for whom the access ${name} is, which ${why}`;
    const suggestion = 'Name another access.';
    tell({ severity: 'error', code: 'sign_in_value', message, suggestion, unless: [`homelab.access`] });
    return 'two_factor';
  }
  if (policy !== 'deny' && groups.length === 0 && ranges.length === 0) return policy;
  const isPublic = home.routes.some(
    (route) => route.app === instance.app && route.target === instance.target && route.public,
  );
  if (ranges.length > 0 && isPublic) {
    const message = `people sign in to ${from.app} at a public name, where the public machine says where they are: that the access ${name} holds from some networks alone is worth little there`;
    tell({ severity: 'warning', code: 'access_from_outside', message });
  }
  const id = `for-${name}`;
  policies.set(id, { default_policy: 'deny', rules: [ruleOf(access, ranges as string[])] });
  return id;
}

/** A rule must have a subject or networks, one that refuses as well. */
function ruleOf({ policy, groups }: HomeAccess, ranges: readonly string[]): Native {
  if (policy === 'deny') return { policy, networks: ['0.0.0.0/0', '::/0'] };
  return {
    policy,
    ...(groups.length > 0 && { subject: groups.map((group) => [`group:${group}`]) }),
    ...(ranges.length > 0 && { networks: [...new Set(ranges)].sort(byText) }),
  };
}
