import fc from 'fast-check';
import { parse } from 'yaml';
import { toBytes } from '../../../schema/jose/digest.ts';
import type { Repo } from '../../../src/config/repo.ts';
import { exampleRepo } from '../example.ts';

/** What of the example lets people in; apps by chance take the place of all others. */
const kept: readonly string[] = [
  ...['authelia', 'haproxy', 'headscale', 'pfsense', 'traefik', 'unbound', 'waking'],
];
/** What wildcards take besides. */
const moreFiles: Readonly<Record<string, { readonly generate: string; readonly to: string }>> = {
  haproxy: { generate: 'haproxy/suffixes', to: '/etc/haproxy/suffixes.map' },
  pfsense: { generate: 'pfsense/custom-options', to: '/etc/opt/pfsense/custom.conf' },
};

/** Beside those of the example. */
const accesses = {
  signed: { policy: 'one_factor' },
  nobody: { policy: 'deny' },
  anyone: { policy: 'bypass' },
  desk: { groups: 'family', policy: 'one_factor', from: ['wifi', '192.168.22.0/24'] },
  office: { groups: 'admins', from: 'pve1-lan' },
};

/** The names that each proxy has: one name leads to one proxy. */
const hostsOf: Readonly<Record<string, readonly string[]>> = {
  secsvcs: ['a', 'b', 'b', 'c.w.example.net', '*'],
  homesvcs: ['e', 'f', 'f.x.w.example.net', '*.w'],
  websvcs: ['i', 'j', 'j.x.example.net', '*.x'],
};

const rarely = <T>(value: fc.Arbitrary<T>, weight = 3): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });

const route = fc.record({
  // Of a machine without a proxy, and of another proxy than its own.
  on: fc.constantFrom('secsvcs', 'homesvcs', 'websvcs', 'pve1', 'pve2'),
  via: rarely(fc.constantFrom('secsvcs', 'websvcs'), 8),
  host: fc.nat(4),
  public: fc.boolean(),
  access: fc.constantFrom(undefined, undefined, 'admins', 'family', 'guests', ...Object.keys(accesses)),
  path: rarely(fc.constantFrom('/a', '/a/b', '^/c'), 2),
  not_path: rarely(fc.constantFrom('/a', '/c'), 6),
  method: rarely(fc.constantFrom('GET', 'PUT'), 6),
  header: rarely(fc.constant({ 'X-Kind': 'a' }), 8),
  priority: rarely(fc.constantFrom(101, 9999), 8),
  passthrough: rarely(fc.constant(true), 12),
  box: fc.constantFrom('none', 'only', 'named', 'wanted', 'pod'),
});
type Given = typeof route extends fc.Arbitrary<infer Value> ? Value : never;

type App = {
  readonly on: string;
  /** What it answers in, where its proxy is on the same machine; absent: no container. */
  readonly box?: Given['box'];
  readonly route: {
    readonly host: string;
    readonly public: boolean;
    readonly passthrough?: boolean;
    readonly when?: object;
    readonly priority?: number;
  };
};

function appOf({ on, via, host, path, not_path, method, header, box, ...given }: Given): App {
  const proxy = via ?? (Object.hasOwn(hostsOf, on) ? on : 'secsvcs');
  const hosts = hostsOf[proxy]!;
  const when = { path, not_path, method, header };
  const unread = given.passthrough === true;
  const name = hosts[host % hosts.length]!;
  const isConditional = Object.values(when).some((one) => one !== undefined);
  return {
    on,
    box: proxy === on ? box : 'none',
    route: {
      host: name,
      public: given.public,
      ...(proxy !== on && { via: proxy }),
      // Nobody can sign in to, and nobody reads, what is passed on unopened.
      ...(unread ? { passthrough: true } : { access: given.access, ...(isConditional && { when }) }),
      // Of all names it could put it before those of the sign-in, which then nobody gets to.
      ...(given.priority !== undefined && name !== '*' && { priority: given.priority }),
    },
  };
}

/** Apps by chance, without those that would be refused for what another one says. */
export const homes: fc.Arbitrary<readonly App[]> = fc
  .array(route, { minLength: 1, maxLength: 6 })
  .map((all) => {
    const apps: App[] = [];
    for (const app of all.map(appOf)) {
      const { host, passthrough } = app.route;
      const same = apps.filter((one) => one.route.host === host);
      const isTwice = same.some((one) => keyOf(one) === keyOf(app));
      const isShadowed = same.some((one) => one.route.passthrough === true || passthrough === true);
      if (!isTwice && !isShadowed) apps.push(app);
    }
    return apps;
  });

const keyOf = ({ route: { host, when = {}, priority } }: App): string =>
  JSON.stringify([host, when, priority]);

const example = exampleRepo();
const treeAt = (path: string): Tree =>
  parse(new TextDecoder().decode(example.files.get(path)!), { merge: true }) as Tree;
const bytesOf = (tree: Tree): Uint8Array<ArrayBuffer> => toBytes(JSON.stringify(tree));
type Tree = Readonly<Record<string, unknown>>;
type File = { readonly generate?: string };

/** Of an app what it generates, and its container; what else it holds lets nobody in. */
function doorOf(name: string): Tree {
  const { on, service, units = [], files, route } = treeAt(`apps/${name}/app.yaml`);
  const generated = (given: unknown): File[] =>
    (given as File[]).filter(({ generate }) => generate !== undefined);
  return {
    on: Array.isArray(on) ? on.map((one: Tree) => ({ ...one, files: generated(one.files) })) : on,
    service,
    units: (units as string[]).filter((unit) => unit.endsWith('.container')),
    ...(files !== undefined && {
      files: [...generated(files), ...(moreFiles[name] === undefined ? [] : [moreFiles[name]])],
    }),
    route,
  };
}

/** What of homelab.yaml has a part in who gets in; other members name apps that are not here. */
const members = [
  'v',
  'site',
  'networks',
  'hosts',
  'devices',
  'guests',
  'people',
  'access',
  'ingress',
  'names',
  'generators',
];
const homelab: Tree = Object.fromEntries(
  Object.entries(treeAt('homelab.yaml')).filter(([name]) => members.includes(name)),
);
const base = new Map<string, Uint8Array<ArrayBuffer>>([
  ...[...example.files].filter(([path]) => path.startsWith('apps/headscale/')),
  ...kept.map((name) => {
    const text = `[Container]\nImage=docker.io/library/${name}:1\nContainerName=${name}\n`;
    return [`apps/${name}/${name}.container`, toBytes(text)] as const;
  }),
  ...kept
    .filter((name) => name !== 'headscale')
    .map((name) => [`apps/${name}/app.yaml`, bytesOf(doorOf(name))] as const),
  ['homelab.yaml', bytesOf({ ...homelab, access: { ...(homelab.access as Tree), ...accesses } })],
]);

/** Unit files of an app by their names, and what its route says of them. */
function boxOf(app: string, box: Given['box']): { units: Record<string, string>; route: object } {
  const unit = (lines: string): string => `[Container]\nImage=docker.io/library/${app}:1\n${lines}`;
  const own = `${app}.container`;
  // One before it and one behind it, by the alphabet.
  const others = {
    [`another-${app}.container`]: unit(`ContainerName=${app}-first\n`),
    [`zone-${app}.container`]: unit(''),
  };
  // One port for all: the name alone tells one from another.
  const route = { port: 3000 };
  switch (box) {
    case 'none':
      return { units: {}, route: {} };
    case 'only':
      return { units: { [`page-${app}.container`]: unit('') }, route };
    case 'named':
      return { units: { ...others, [own]: unit(`ContainerName=${app}-own\n`) }, route };
    case 'wanted':
      return { units: { ...others, [own]: unit('') }, route: { ...route, container: `another-${app}` } };
    case 'pod':
      return {
        units: {
          [`${app}.pod`]: `[Pod]\nPodName=${app}-pod\n`,
          [own]: unit(`Pod=${app}.pod\n`),
          [`beside-${app}.container`]: unit(`Pod=${app}.pod\n`),
        },
        route,
      };
  }
}

/** The example's machines and doors with these apps behind them: `app0`, `app1`, … */
export function repoOf(apps: readonly App[]): Repo {
  const made = apps.flatMap(({ on, box = 'none', route: one }, index) => {
    const app = `app${index}`;
    const { units, route: more } = boxOf(app, box);
    // At the address of a machine each has a port of its own, by which its answers are known.
    const route = { ...one, port: 3000 + index, ...more };
    const how = box === 'none' ? { service: `${app}.service` } : { units: Object.keys(units) };
    return [
      [`apps/${app}/app.yaml`, bytesOf({ on, ...how, route })] as const,
      ...Object.entries(units).map(([name, text]) => [`apps/${app}/${name}`, toBytes(text)] as const),
    ];
  });
  return { files: new Map([...base, ...made]), findings: [] };
}
