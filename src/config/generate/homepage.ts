import * as v from 'valibot';
import { titleSchema } from '../../../schema/manifest/values.ts';
import { own, recordOf } from '../../../schema/wire/record.ts';
import { machineOf } from '../compile/routes.ts';
import type { Home, Route } from '../home.ts';
import { byText } from '../repo.ts';
import type { Generator, GeneratorInput, Tell } from './generator.ts';
import { mergeOver } from './shared/merge.ts';
import { yamlBy } from './shared/outputs.ts';
import { tellUnknown } from './shared/read-options.ts';

type Native = Readonly<Record<string, unknown>>;

const nativeSchema = recordOf(v.string(), v.unknown());

export const homepageOptionsSchema = v.strictObject({
  groups: v.pipe(
    v.optional(v.array(titleSchema), []),
    v.description('Groups that come first, in this order; the others follow by name.'),
  ),
  services: v.pipe(
    v.optional(recordOf(v.string(), v.nullable(nativeSchema)), {}),
    v.description('Members merged over the entry of a hostname, as Homepage has them; `null` takes it away.'),
  ),
  more: v.pipe(
    v.optional(v.array(nativeSchema), []),
    v.description('More groups, as Homepage has them, at the end.'),
  ),
});
type Options = v.InferOutput<typeof homepageOptionsSchema>;

/** Homepage: the page from which people get to the apps. */
export const homepage: Generator = {
  name: 'homepage',
  about: 'the landing page: an entry for each name that people go to',
  upstream: { program: 'Homepage', from: '1.0', below: '2.0' },
  options: homepageOptionsSchema,
  outputs: {
    services: {
      about: 'services.yaml',
      kind: 'file',
      needed: () => [],
      generate: yamlBy('homepage/services', homepageOptionsSchema, groupsOf),
    },
  },
};

/** What the page says of one hostname. */
type Entry = { readonly host: string; readonly route: Route; readonly group: string; readonly title: string };

function groupsOf({ home }: GeneratorInput, options: Options, tell: Tell): readonly Native[] {
  const entries = entriesOf(home);
  for (const host of Object.keys(options.services)) {
    const hosts = entries.map((entry) => entry.host);
    if (!hosts.includes(host))
      tellUnknown(`services: there is no entry of the name ${host}`, host, hosts, tell);
  }
  const titles = [...new Set(entries.map(({ group }) => group))].sort(byText);
  for (const group of options.groups) {
    if (!titles.includes(group)) tellUnknown(`groups: there is no group ${group}`, group, titles, tell);
  }
  const order = [...new Set([...options.groups.filter((group) => titles.includes(group)), ...titles])];
  const groups = order.flatMap((group): Native[] => {
    const services = entries
      .filter((entry) => entry.group === group)
      .sort((a, b) => byText(a.title, b.title) || byText(a.host, b.host))
      .flatMap((entry): Native[] => {
        const over = own(options.services, entry.host);
        if (over === null) return [];
        return [{ [plain(entry.title)]: mergeOver(serviceOf(home, entry), over ?? {}) }];
      });
    return services.length === 0 ? [] : [{ [plain(group)]: services }];
  });
  return [...groups, ...options.more];
}

/** Each hostname that people go to, once. */
function entriesOf(home: Home): Entry[] {
  const found = new Map<string, Route>();
  for (const route of home.routes) {
    const host = route.hosts.find((name) => !name.startsWith('*'));
    const page = home.apps[route.app]!.file.page;
    // With a condition it is a part of a page, or none at all; names passed on unopened are for programs.
    const isPage =
      route.when === undefined &&
      route.entry_points === undefined &&
      !route.waking &&
      !route.passthrough &&
      route.scheme !== 'tcp';
    if (host !== undefined && page.show && isPage && !found.has(host)) found.set(host, route);
  }
  const routes = [...found.values()];
  return [...found].map(([host, route]) => ({
    host,
    route,
    group: groupOf(home, route),
    title: titleOf(home, route, routes),
  }));
}

const groupOf = (home: Home, { app, target }: Route): string =>
  home.apps[app]!.file.page.group ?? machineOf(home, target)?.title ?? target;

/** What the route is called, or its app: with its machine or its own name where there are several. */
function titleOf(home: Home, route: Route, routes: readonly Route[]): string {
  if (route.title !== undefined) return route.title;
  const { title } = home.apps[route.app]!;
  const others = routes.filter((one) => one.app === route.app && one !== route);
  if (others.some(({ target }) => target === route.target)) return `${title}: ${route.name}`;
  return others.length > 0 ? `${title} (${route.target})` : title;
}

function serviceOf(home: Home, { host, route }: Entry): Native {
  const { icon, about } = home.apps[route.app]!.file.page;
  const { home: port } = home.ingress.ports;
  return {
    ...(icon !== undefined && { icon }),
    href: `https://${host}${port === 443 ? '' : `:${port}`}/`,
    ...(about !== undefined && { description: plain(about) }),
  };
}

/** Homepage puts variables of its environment in place of {{…}}, wherever it stands. */
const plain = (text: string): string => text.replaceAll('{{', '{ {');
