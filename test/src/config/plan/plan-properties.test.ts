import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Release } from '../../../../schema/wire/release.ts';
import { buildRepo } from '../../../../src/config/build/build.ts';
import { readReleaseFile, writeReleaseFile } from '../../../../src/config/build/release-file.ts';
import { isEmptyPlan, makePlan } from '../../../../src/config/plan/plan.ts';
import { applyPlan } from '../../../support/apply-plan.ts';
import { buildTree, renderHere, repoOf, smallHome, type Tree } from '../../../support/repo-fixture.ts';

/** What one of a few apps is like: what tells two repos apart is drawn. */
const appArbitrary = fc.record({
  on: fc.subarray(['websvcs', 'secsvcs'], { minLength: 1 }),
  port: fc.integer({ min: 1000, max: 1003 }),
  public: fc.boolean(),
  access: fc.boolean(),
  text: fc.array(fc.constantFrom('a', 'b', '', 'c `` {# #}', 'ä\r'), { maxLength: 6 }),
  ended: fc.boolean(),
  bytes: fc.option(fc.uint8Array({ minLength: 1, maxLength: 4 })),
  mode: fc.constantFrom('0644', '0600'),
  onChange: fc.constantFrom('restart', 'reload', 'none'),
  volume: fc.boolean(),
  uses: fc.boolean(),
  secret: fc.boolean(),
  native: fc.record({
    version: fc.constantFrom('1.0', '1.1'),
    sha256: fc.constantFrom('a'.repeat(64), 'b'.repeat(64)),
    onChange: fc.constantFrom('restart', 'reload', 'none'),
    apt: fc.boolean(),
    users: fc.subarray(['adm', 'video']),
    build: fc.boolean(),
    update: fc.constantFrom('pinned', 'minor', 'floating', undefined),
    names: fc.subarray(['db', '10.89.1.5']),
    seed: fc.boolean(),
    databases: fc.boolean(),
  }),
});
type DrawnApp = (typeof appArbitrary extends fc.Arbitrary<infer T> ? T : never) & object;

const homeArbitrary = fc
  .dictionary(fc.constantFrom('one', 'two', 'three', 'four'), appArbitrary, { maxKeys: 4 })
  .map((apps): Tree => {
    const tree: Record<string, string | Uint8Array<ArrayBuffer>> = {
      'homelab.yaml': `${smallHome['homelab.yaml'] as string}devices:\n  screen: { network: lan }\n`,
      'vars.yaml': 'colour: blue\n',
    };
    for (const [name, app] of Object.entries(apps)) addApp(tree, name, app, Object.keys(apps));
    // A device's part has no relay.
    const first = Object.keys(apps)[0];
    if (first !== undefined && apps[first]!.native.seed) {
      tree['apps/screen/app.yaml'] = 'on: screen\nfiles: [{ from: x.j2, to: /x }]\n';
      tree['apps/screen/x.j2'] = tree[`apps/${first}/x.j2`]!;
    }
    return tree;
  });

function addApp(
  tree: Record<string, string | Uint8Array<ArrayBuffer>>,
  name: string,
  app: DrawnApp,
  all: readonly string[],
): void {
  const folder = `apps/${name}`;
  const other = all.find((one) => one !== name && one < name);
  tree[`${folder}/app.yaml`] = JSON.stringify({
    on: app.on,
    units: [`${name}.container`, ...(app.volume ? [`${name}.volume`] : [])],
    files: [
      { from: 'x.j2', to: `/etc/opt/${name}/x`, mode: app.mode, on_change: app.onChange },
      ...(app.bytes === null ? [] : [{ from: 'y', to: `/etc/opt/${name}/y` }]),
      ...(app.volume
        ? [{ from: 'z', to: `volume:${name}/z`, manage: app.native.seed ? 'seed' : 'exact' }]
        : []),
    ],
    ...(app.on.length === 1 && {
      route: { host: name, port: app.port, public: app.public, ...(app.access && { access: 'admins' }) },
    }),
    ...(app.uses &&
      other !== undefined && {
        uses: app.native.databases
          ? [
              { postgres: { app: other, database: name, password: `${name}_password` } },
              { oidc: { app: other, secret: `${name}_oidc`, redirect: `https://${app.port}` } },
            ]
          : [{ app: other, on: 'websvcs', after: false }],
      }),
    ...nativeMembers(name, app.native),
    ...(app.secret && { secrets: [`${name}_password`] }),
  });
  tree[`${folder}/${name}.container`] = `[Container]\nImage=docker.io/library/${name}:1.${app.port}\n`;
  tree[`${folder}/${name}.volume`] = '[Volume]\n';
  tree[`${folder}/z`] = 'z\n';
  const lines = app.text.join('\n');
  const escaped = lines.replaceAll('{#', "{{ '{#' }}");
  tree[`${folder}/x.j2`] = `${escaped}${app.ended ? '\n' : ''}`;
  if (app.bytes !== null) tree[`${folder}/y`] = new Uint8Array(app.bytes);
  if (app.secret) tree[`secrets/websvcs/${name}_password.age`] = `age ${app.port}`;
}

/** What an app has beside its files. */
const nativeMembers = (name: string, native: DrawnApp['native']): object => ({
  packages: [{ name: `${name}-tools`, version: native.version }],
  artifacts: [
    {
      url: `https://example.com/${native.version}`,
      sha256: native.sha256,
      to: `/opt/${name}`,
      on_change: native.onChange,
    },
  ],
  users: [{ name, groups: native.users }],
  certs: [{ name: 'tls', to: `/etc/opt/${name}/tls/`, names: native.names, on_change: native.onChange }],
  ...(native.update !== undefined && { update: native.update }),
  ...(native.apt && {
    apt: [{ name, uri: `https://example.com/${native.version}`, suites: 'stable', key: 'x.j2' }],
  }),
  ...(native.build && {
    builds: { [`${name}-image`]: { source: 'https://example.com/x.tar', sha256: native.sha256 } },
  }),
});

async function released(tree: Tree): Promise<Release | undefined> {
  return (await buildTree(tree)).release;
}

const runs = { numRuns: 60 };

test('a plan from a release to itself is empty', async () => {
  await fc.assert(
    fc.asyncProperty(homeArbitrary, async (tree) => {
      const release = await released(tree);
      if (release === undefined) return;
      const plan = makePlan(release, release);
      assert.ok(isEmptyPlan(plan));
      assert.deepEqual(plan.risks, []);
    }),
    runs,
  );
});

test('what a plan from a to b says, done to a, makes b', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(fc.option(homeArbitrary), homeArbitrary, async (first, second) => {
      const [a, b] = [first === null ? null : await released(first), await released(second)];
      if (a === undefined || b === undefined) return;
      compared += 1;
      const plan = makePlan(a, b);
      assert.equal(await applyPlan(a, JSON.parse(JSON.stringify(plan)) as typeof plan, b.blobs), b.digest);
      assert.equal(
        isEmptyPlan(plan),
        (a?.digest ?? null) === b.digest ||
          (a === null && b.manifest.parts.length === 0 && plan.facts.length === 0),
      );
    }),
    runs,
  );
  assert.ok(compared > runs.numRuns / 2, 'most of what is drawn builds');
});

test('the digest does not depend on the order of files', async () => {
  await fc.assert(
    fc.asyncProperty(homeArbitrary, fc.infiniteStream(fc.nat()), async (tree, order) => {
      const repo = repoOf(tree);
      const shuffled = [...repo.files]
        .map((entry) => ({ entry, at: order.next().value as number }))
        .sort((a, b) => a.at - b.at);
      const files = new Map(shuffled.map(({ entry }) => entry));
      const [one, other] = [
        await buildRepo(repo, renderHere),
        await buildRepo({ files, findings: [] }, renderHere),
      ];
      assert.equal(other.release?.digest, one.release?.digest);
      assert.deepEqual(other.findings, one.findings);
    }),
    runs,
  );
});

test('a release file holds the release, and a changed byte is found', async () => {
  const release = await released(smallHome);
  assert.ok(release !== undefined);
  const file = writeReleaseFile(release);
  const read = await readReleaseFile(file);
  assert.ok(read.ok);
  assert.deepEqual(read.value, release);
  await fc.assert(
    fc.asyncProperty(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
      const changed = file.slice();
      changed[at] = (changed[at]! + by) % 256;
      const other = await readReleaseFile(changed);
      assert.ok(!other.ok || other.value.digest !== release.digest);
    }),
    { numRuns: 200 },
  );
});
