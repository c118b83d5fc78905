import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { traefik } from '../../../../src/config/generate/traefik.ts';
import type { Home, Route } from '../../../../src/config/home.ts';
import { generateFor, homeOf } from '../../../support/compiled-home.ts';
import { box, proxyHome } from '../../../support/proxy-home.ts';
import type { Tree } from '../../../support/repo-fixture.ts';
import { readTraefik, type TraefikAnswer } from '../../../support/traefik-reader.ts';

type Given = {
  readonly on: string;
  readonly via?: string;
  readonly hosts: readonly string[];
  readonly public: boolean;
  readonly access?: string;
  readonly path?: string;
  readonly not_path?: string;
  readonly method?: string;
  readonly priority?: number;
  readonly tcp?: string;
};

const hosts = ['a', 'b', 'c.w', 'd.w', 'e.x.w', '*', '*.w', '*.x.w'].map((name) => `${name}.example.net`);
const common = {
  on: fc.constantFrom('secsvcs', 'websvcs'),
  hosts: fc.uniqueArray(fc.constantFrom(...hosts), { minLength: 1, maxLength: 2 }),
  public: fc.boolean(),
  via: fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constant('secsvcs') },
  ),
  priority: fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(1, 50, 101, 9999) },
  ),
};
const given: fc.Arbitrary<Given> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      ...common,
      access: fc.constantFrom(undefined, 'admins', 'family', 'nobody', 'anyone', 'inside', 'desk'),
      path: fc.constantFrom(undefined, undefined, '/a', '/a/b', '/c', '^/a'),
      not_path: fc.constantFrom(undefined, undefined, undefined, '/a', '/c'),
      method: fc.constantFrom(undefined, undefined, undefined, 'GET', 'PUT'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      ...common,
      access: fc.constantFrom(undefined, 'anyone', 'inside'),
      tcp: fc.constantFrom('scheme: tcp', 'passthrough: true'),
    }),
  },
) as fc.Arbitrary<Given>;

/** More by hand: WRIT_RUNS=5000. */
const runs = Number(process.env.WRIT_RUNS ?? 150);

/** Each app has a port of its own, by which its answers are known. */
const firstPort = 2000;

function treeOf(all: readonly Given[], waking: boolean): Tree {
  const apps = all.map((one, index) => {
    const when = [
      one.path === undefined ? '' : `path: "${one.path}"`,
      one.not_path === undefined ? '' : `not_path: ${one.not_path}`,
      one.method === undefined ? '' : `method: ${one.method}`,
    ].filter((text) => text !== '');
    const members = [
      `host: [${one.hosts.map((host) => `"${host}"`).join(', ')}]`,
      `port: ${firstPort + index}`,
      `public: ${one.public}`,
      ...(one.via === undefined ? [] : [`via: ${one.via}`]),
      ...(one.access === undefined ? [] : [`access: ${one.access}`]),
      ...(one.priority === undefined ? [] : [`priority: ${one.priority}`]),
      ...(one.tcp === undefined ? (when.length === 0 ? [] : [`when: { ${when.join(', ')} }`]) : [one.tcp]),
    ];
    return box(`app${index}`, one.on, 'health: { path: / }', `route: { ${members.join(', ')} }`);
  });
  const page = waking ? box('page', 'secsvcs', 'route: { host: page, port: 1999, waking: true }') : {};
  return Object.assign({}, proxyHome, page, ...apps) as Tree;
}

const requests = ['a', 'b', 'c.w', 'd.w', 'e.x.w', 'new', 'f.w', 'g.x.w'].flatMap((name) =>
  ['/', '/a', '/a/b/c', '/c'].flatMap((path) =>
    ['GET', 'PUT'].map((method) => ({ sni: `${name}.example.net`, path, method })),
  ),
);

const serverOf = (answer: TraefikAnswer | null): string | undefined =>
  answer === null || answer.kind === 'redirect' ? undefined : answer.servers[0];
const routeOf = (home: Home, answer: TraefikAnswer | null): Route | undefined => {
  const port = serverOf(answer)?.replace(/.*:/, '');
  return home.routes.find(({ upstream }) => String(upstream?.port) === port);
};

/** The same homes in each run, so that how many of a kind there are is no matter of luck. */
const seed = Number(process.env.WRIT_SEED ?? 20261128);

/** Runs a property over homes of which nothing is told to be wrong; says how many there were. */
function forHomes(
  count: number,
  check: (home: Home, reader: ReturnType<typeof readTraefik>, target: string) => void,
): number {
  let judged = 0;
  fc.assert(
    fc.property(fc.array(given, { minLength: 1, maxLength: 5 }), fc.boolean(), (all, waking) => {
      const { home, findings } = homeOf(treeOf(all, waking));
      if (findings.some(({ severity }) => severity === 'error')) return;
      for (const [target, app] of [
        ['secsvcs', 'traefik'],
        ['websvcs', 'traefik-web'],
      ] as const) {
        const options =
          target === 'websvcs' ? { forward_auth: { address: 'https://auth.example.net/verify' } } : {};
        const [first, second] = ['static', 'dynamic'].map((output) =>
          generateFor(traefik, output, home, { app, target }, options),
        );
        if (second!.doubts.some(({ severity, code }) => severity === 'error' || code === 'order_unclear'))
          continue;
        judged += 1;
        const text = ({ made }: NonNullable<typeof first>): string => (made.kind === 'file' ? made.text : '');
        check(home, readTraefik(text(first!), text(second!)), target);
      }
    }),
    { numRuns: count, seed },
  );
  return judged;
}

const isMeant = (name: string, host: string): boolean =>
  host.startsWith('*.') ? name.endsWith(host.slice(1)) : name === host;
const isPublic = (home: Home, route: Route): boolean =>
  route.public && (route.access === undefined || home.access[route.access]!.from.length === 0);
/** Whether a route has the name as a whole, and none of those is public. */
function isHidden(home: Home, name: string): boolean {
  const own = home.routes.filter(({ hosts: names }) => names.includes(name));
  return own.length > 0 && own.every((route) => !isPublic(home, route));
}

test('what is for home alone is never answered on the public entry point', () => {
  let hidden = 0;
  const judged = forHomes(runs, (home, reader) => {
    for (const request of requests) {
      const inside = routeOf(home, reader.route({ entryPoint: 'home', ...request }));
      const outside = reader.route({ entryPoint: 'public', ...request });
      // The page for what sleeps answers at public names, by whatever name it has itself.
      const isForHome = inside !== undefined && !inside.waking && !isPublic(home, inside);
      if (!isForHome && !isHidden(home, request.sni)) continue;
      hidden += 1;
      assert.equal(serverOf(outside), undefined, JSON.stringify({ request, outside }));
    }
  });
  assert.ok(judged > 30 && hidden > 300, `${judged} ${hidden}`);
});

test('what is public is answered alike on both entry points', () => {
  let seen = 0;
  const judged = forHomes(runs, (home, reader, target) => {
    const elsewhere = home.routes.filter((route) => route.proxy !== target && !isPublic(home, route));
    for (const request of requests) {
      if (isHidden(home, request.sni)) continue;
      if (elsewhere.some((route) => route.hosts.some((host) => isMeant(request.sni, host)))) continue;
      const inside = reader.route({ entryPoint: 'home', ...request });
      const route = routeOf(home, inside);
      const outside = reader.route({ entryPoint: 'public', ...request });
      if (serverOf(outside) === undefined && (route === undefined || !isPublic(home, route))) continue;
      seen += 1;
      assert.deepEqual(outside, inside, request.sni);
    }
  });
  assert.ok(judged > 30 && seen > 300, `${judged} ${seen}`);
});

test('every guarded route asks first, and no other request names a person', () => {
  const kinds = { guarded: 0, open: 0, listed: 0 };
  forHomes(runs, (home, reader) => {
    for (const request of requests) {
      for (const entryPoint of ['home', 'public']) {
        const answer = reader.route({ entryPoint, ...request });
        const route = routeOf(home, answer);
        if (route === undefined || answer === null || answer.kind === 'redirect') continue;
        const chain = answer.middlewares.map(({ kind }) => kind);
        const access = route.access === undefined ? undefined : home.access[route.access]!;
        const asks = access !== undefined && access.policy !== 'bypass';
        const listed = (access?.from.length ?? 0) > 0;
        kinds[listed ? 'listed' : asks ? 'guarded' : 'open'] += 1;
        assert.equal(chain.includes('ipAllowList'), listed);
        if (listed) assert.equal(entryPoint, 'home');
        assert.equal(chain.at(-1) === 'forwardAuth', asks);
        if (answer.kind === 'http') assert.equal(answer.middlewares[0]!.name, '_anonymous');
      }
    }
  });
  assert.ok(Math.min(...Object.values(kinds)) > 50, JSON.stringify(kinds));
});

test('equal homes give equal bytes, whatever their order', () => {
  fc.assert(
    fc.property(fc.array(given, { minLength: 1, maxLength: 5 }), (all) => {
      const tree = treeOf(all, true);
      const turned = Object.fromEntries(Object.entries(tree).reverse());
      const [one, other] = [tree, turned].map((given_tree) => {
        const { home } = homeOf(given_tree);
        return generateFor(traefik, 'dynamic', home, { app: 'traefik', target: 'secsvcs' }).made;
      });
      assert.deepEqual(one, other);
    }),
    { numRuns: 50, seed },
  );
});
