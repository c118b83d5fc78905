import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { judgeParts } from '../../../../src/cli/deploy/judge-parts.ts';
import type { Chosen } from '../../../../src/cli/deploy/select.ts';
import { startDesk } from '../../../support/deploy-desk.ts';

const yaml = (to: string): string =>
  `on: websvcs\nunits: [blog.container]\nfiles:\n  - { from: blog.ini, to: ${to} }\n`;

test('a path that relays would refuse is told with its app before anything leaves this computer', async (t) => {
  const desk = await startDesk(t);
  for (const [path, code, says] of [
    ['/etc/haproxy/haproxy.cfg', 'path_not_granted', 'is not among the paths that trust grants'],
    ['/etc/sudoers.d/blog', 'path_never', 'is what no release may touch'],
  ] as const) {
    desk.edit('apps/blog/app.yaml', yaml(path));
    const ran = await desk.deploy();
    assert.equal(ran.exit, 3);
    assert.ok(ran.err.includes(`${path} of blog on websvcs ${says}.\n`), ran.err);
    assert.match(ran.err, new RegExp(`Nothing was signed or uploaded\\.\n\\(${code}\\)`));
    const dry = await desk.deploy('--dry-run');
    assert.equal(dry.exit, 3);
    assert.ok(dry.out.includes(path));
    const json = JSON.parse((await desk.deploy('--dry-run', '--json')).out) as {
      breaches: { code: string }[];
    };
    assert.deepEqual(
      json.breaches.map((breach) => breach.code),
      [code],
    );
  }
  assert.deepEqual([desk.blobs.size, desk.deployments.length], [0, 0]);
  // What is not asked for is not judged.
  assert.equal((await desk.deploy('--only', 'secsvcs')).exit, 0);
});

test('a unit by which a release would become another’s judge is told by its text', async (t) => {
  const desk = await startDesk(t);
  desk.edit(
    'apps/blog/blog.container',
    '[Container]\nImage=docker.io/library/blog:1.0.0\nContainerName=blog\n[Install]\nAlias=writ-relay.service\n',
  );
  const alias = await desk.deploy();
  assert.equal(alias.exit, 3);
  assert.match(alias.err, /blog\.container: Alias=writ-relay\.service is a unit of Writ.*, on websvcs\./);
  assert.match(alias.err, /\(unit_takes_place\)/);
  desk.edit(
    'apps/blog/blog.container',
    '[Container]\nImage=docker.io/library/blog:1.0.0\nContainerName=blog\nVolume=/etc/sudoers.d:/x\n',
  );
  assert.match((await desk.deploy()).err, /\(unit_opens_never\)/);
  assert.equal(desk.blobs.size, 0);
});

test('a unit that would be fetched is told, and no other fetched file', async (t) => {
  const desk = await startDesk(t);
  const fetched = (to: string): string =>
    `${yaml('/etc/opt/blog/blog.ini')}artifacts: [{ url: https://example.net/x, sha256: ${'a'.repeat(64)}, to: ${to} }]\n`;
  desk.edit('apps/blog/app.yaml', fetched('/etc/systemd/system/blog.service.d/x.conf'));
  const { err } = await desk.deploy();
  const says = 'of blog on websvcs is where units are, whose text is in the repo and not fetched.';
  assert.ok(err.includes(`/etc/systemd/system/blog.service.d/x.conf ${says}`), err);
  assert.match(err, /\(unit_fetched\)/);
  desk.edit('apps/blog/app.yaml', fetched('/etc/opt/blog/x'));
  assert.equal((await desk.deploy()).exit, 0);
});

test('an image that is built of a source from elsewhere asks for nothing that trust does not grant at first', async (t) => {
  const desk = await startDesk(t);
  const source = `{ source: https://example.net/x.tgz, sha256: ${'a'.repeat(64)}, args: { WORD: a b } }`;
  desk.edit('apps/blog/app.yaml', `on: websvcs\nunits: [blog.container]\nbuilds: { blog: ${source} }\n`);
  desk.edit('apps/blog/blog.container', '[Container]\nImage=blog.build\nContainerName=blog\n');
  const ran = await desk.deploy();
  assert.equal(ran.exit, 0, ran.err);
});

test('what no relay can do yet is told before it is uploaded', async (t) => {
  const desk = await startDesk(t);
  const source = '{ name: x, uri: https://example.net/apt, suites: stable, key: blog.ini }';
  desk.edit('apps/blog/app.yaml', `${yaml('/etc/opt/blog/blog.ini')}apt: [${source}]\n`);
  const ran = await desk.deploy();
  assert.equal(ran.exit, 3);
  assert.match(
    ran.err,
    /^websvcs would need what no relay can do yet: sources of packages\.\ndocs\/not-yet\.md/,
  );
  assert.match(ran.err, /\(part_needs_more\)/);
});

test('what would be removed is judged as what is written', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  const { home } = desk;
  const [operator] = [home.trust.document.identities.operator!];
  assert.ok(operator.kind === 'key');
  const grants = operator.may.map((grant) =>
    grant.action === 'release.apply' ? { ...grant, paths: ['/etc/containers/systemd/**'] } : grant,
  );
  const trust = {
    ...home.trust,
    document: {
      ...home.trust.document,
      identities: { ...home.trust.document.identities, operator: { ...operator, may: grants } },
    },
  };
  const running = { target: 'websvcs', relay: 'pve2', apps: [], files: [] as never[] };
  const file = { path: '/etc/opt/blog/blog.ini', app: 'blog', manage: 'exact' };
  const before = new Map([['websvcs', { ...running, files: [file as never] }]]);
  const digest = `sha256:${'0'.repeat(64)}`;
  const chosen: Chosen = {
    target: 'websvcs',
    relay: 'pve2',
    part: running,
    bytes: new Uint8Array(),
    digest,
    apps: null,
  };
  const judged = judgeParts(trust, [chosen], before, new Map(), null);
  assert.deepEqual(
    judged.map(({ code, text }) => [code, text]),
    [
      [
        'path_not_granted',
        '/etc/opt/blog/blog.ini of blog on websvcs, which would be removed, is not among the paths that trust grants',
      ],
    ],
  );
  assert.deepEqual(judgeParts(home.trust, [chosen], before, new Map(), null), []);
  const laptop = judgeParts(home.trust, [chosen], before, new Map(), null, 'laptop');
  assert.deepEqual(
    laptop.map(({ code, text }) => [code, text]),
    [['not_granted', 'laptop may not order release.apply on websvcs']],
    'by the grants of whoever signs here',
  );
  const elsewhere = judgeParts(home.trust, [{ ...chosen, relay: 'pve1' }], new Map(), new Map(), null);
  assert.match(elsewhere[0]!.text, /done by pve2, not pve1/);
  const nowhere = judgeParts(home.trust, [{ ...chosen, target: 'nas' }], new Map(), new Map(), null);
  assert.equal(nowhere[0]!.code, 'target_unknown');
});

test('a repo that places a guest on another host than trust does is refused here', async (t) => {
  const desk = await startDesk(t);
  const homelab = join(desk.repo, 'homelab.yaml');
  const text = readFileSync(homelab, 'utf8');
  writeFileSync(homelab, text.replace('websvcs: { host: pve2', 'websvcs: { host: pve1'));
  const ran = await desk.deploy();
  assert.equal(ran.exit, 3);
  assert.match(ran.err, /on websvcs is done by pve2, not pve1\.\n.*: writ trust sign\.\n.*\n\(relay_wrong\)/);
  assert.equal(desk.deployments.length, 0);
});
