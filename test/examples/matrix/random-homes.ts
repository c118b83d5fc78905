import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { toBytes } from '../../../schema/jose/digest.ts';
import type { Repo } from '../../../src/config/repo.ts';
import { exampleRepo } from '../example.ts';

/** What of the example lets people in; apps by chance take the place of all others. */
const kept = [
  ...['authelia', 'databases', 'haproxy', 'headscale', 'lldap', 'pfsense', 'podman', 'postgres', 'traefik'],
  ...['unbound', 'waking'],
];
/** What wildcards take besides, after a line of an app.yaml. */
const wildcardFiles: readonly (readonly [app: string, after: RegExp, line: string])[] = [
  ['haproxy', /.*haproxy\/names.*\n/, '  - { generate: haproxy/suffixes, to: /etc/haproxy/suffixes.map }\n'],
  [
    'pfsense',
    /.*pfsense\/host-overrides.*\n/,
    '  - { generate: pfsense/custom-options, to: /etc/opt/pfsense/custom.conf }\n',
  ],
];

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
});
type Given = typeof route extends fc.Arbitrary<infer Value> ? Value : never;

type App = {
  readonly on: string;
  readonly route: {
    readonly host: string;
    readonly public: boolean;
    readonly passthrough?: boolean;
    readonly when?: object;
    readonly priority?: number;
  };
};

function appOf({ on, via, host, path, not_path, method, header, ...given }: Given): App {
  const proxy = via ?? (Object.hasOwn(hostsOf, on) ? on : 'secsvcs');
  const hosts = hostsOf[proxy]!;
  const when = { path, not_path, method, header };
  const unread = given.passthrough === true;
  const isConditional = Object.values(when).some((one) => one !== undefined);
  return {
    on,
    route: {
      host: hosts[host % hosts.length]!,
      public: given.public,
      ...(proxy !== on && { via: proxy }),
      // Nobody can sign in to, and nobody reads, what is passed on unopened.
      ...(unread ? { passthrough: true } : { access: given.access, ...(isConditional && { when }) }),
      ...(given.priority !== undefined && { priority: given.priority }),
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
const homelab = parse(new TextDecoder().decode(example.files.get('homelab.yaml')!)) as { access: object };
const base = new Map(
  [...example.files].filter(([path]) => !path.startsWith('apps/') || kept.includes(path.split('/')[1]!)),
);
base.set(
  'homelab.yaml',
  toBytes(
    stringify({ ...homelab, access: { ...homelab.access, ...accesses } }, { aliasDuplicateObjects: false }),
  ),
);
for (const [name, after, line] of wildcardFiles) {
  const path = `apps/${name}/app.yaml`;
  const text = new TextDecoder().decode(base.get(path)!);
  base.set(path, toBytes(text.replace(after, (found) => found + line)));
}

/** The example's machines and doors with these apps behind them: `app0`, `app1`, … */
export function repoOf(apps: readonly App[]): Repo {
  const made = apps.map(({ on, route: one }, index) => {
    // Each has a port of its own, by which its answers are known.
    const tree = { on, service: `app${index}.service`, route: { ...one, port: 3000 + index } };
    return [`apps/app${index}/app.yaml`, toBytes(stringify(tree))] as const;
  });
  return { files: new Map([...base, ...made]), findings: [] };
}
