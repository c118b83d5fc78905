import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TargetReport } from '../../../../schema/wire/report.ts';
import { type Desk, startDesk } from '../../../support/deploy-desk.ts';
import { says } from '../../../support/lying-control.ts';

const drifted: TargetReport['drift'] = [
  { kind: 'file', name: '/etc/opt/web/web.ini', is: 'changed' },
  { kind: 'file', name: '/etc/opt/web/more.ini', is: 'missing' },
  { kind: 'unit', name: 'web.service', is: 'failed' },
];

const change = (desk: Desk, more: Partial<TargetReport>): void => {
  desk.reports.set('websvcs', { ...desk.reports.get('websvcs')!, ...more });
};

test('targets says three words of each, and why not', async (t) => {
  const desk = await startDesk(t);
  assert.match((await desk.writ(['targets'])).out, /No release names a target yet: writ deploy/);
  await desk.deploy();
  const fine = await desk.writ(['targets']);
  assert.equal(fine.exit, 0, fine.err);
  assert.match(fine.out, /^websvcs {2}deployed, healthy, synced +signed /m);

  change(desk, { drifted: 3, drift: drifted });
  const ran = await desk.writ(['targets']);
  assert.equal(ran.exit, 1);
  assert.match(ran.out, /^websvcs {2}deployed, not healthy, not synced {2}3 differ +signed/m);
  assert.match(ran.out, /^ {4}web\.service has failed$/m);
  assert.match(
    ran.out,
    /^ {4}\/etc\/opt\/web\/web\.ini was changed, \/etc\/opt\/web\/more\.ini is missing$/m,
  );

  // Of 60 things the first 50 are told: whether a unit is among the others nobody knows.
  change(desk, { drifted: 60, drift: drifted.slice(0, 2) });
  assert.match(
    (await desk.writ(['targets'])).out,
    /^websvcs {2}deployed, healthy\?, not synced {2}60 differ/m,
  );

  change(desk, { drifted: 0, drift: [], seen: 'guest_not_running' });
  const unseen = await desk.writ(['targets', '--json']);
  const { targets } = JSON.parse(unseen.out) as {
    targets: { target: string; healthy: null; why: string[] }[];
  };
  assert.equal(targets[1]!.healthy, null);
  assert.match(targets[1]!.why[0]!, /^it cannot be looked at: guest_not_running/);
});

test('a relay that tells a time which is no date does not end the list', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  const certificate = { app: 'web', name: 'tls', expires: Number.MAX_SAFE_INTEGER };
  change(desk, { certificates: [{ ...certificate, code: 'certificate_users_untold' }] });
  const ran = await desk.writ(['targets']);
  assert.match(ran.out, /the certificate tls of web ends on \+275760-09: certificate_users_untold/, ran.err);
});

test('the words are those of the relay’s own signature, not the control plane’s', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  change(desk, { drifted: 3, drift: drifted });
  const view = (target: string) => ({
    target,
    relay: target === 'websvcs' ? 'pve2' : 'pve1',
    wanted: desk.reports.get(target)!.part,
    commit: null,
    deployed: true,
    healthy: true,
    synced: true,
    deployment: null,
    state: 'healthy',
    code: null,
    healthy_at: 1,
    report: { ...desk.reports.get(target)!, drifted: 0, drift: [] },
  });
  const next = { run_id: 0, run_attempt: 0, desk: 2 };
  desk.answer('GET /v1/targets', says({ targets: ['secsvcs', 'websvcs'].map(view), next }));
  assert.match((await desk.writ(['targets'])).out, /^websvcs {2}deployed, not healthy, not synced/m);
  assert.equal((await desk.writ(['diff', 'websvcs'])).exit, 1);
  desk.answer('GET /v1/relays/reports', says({ reports: [] }));
  const told = await desk.writ(['targets']);
  assert.match(told.out, /^websvcs {2}deployed, healthy, synced +not signed$/m);
  assert.match((await desk.writ(['diff', 'websvcs'])).out, /by the control plane’s word alone/);
});

test('a relay that has not seen a target since it started says nothing of what runs there', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  desk.reportedAgoMs = 0;
  desk.reports.set('websvcs', {
    part: null,
    seen: 'target_not_seen',
    seen_at: 0,
    drifted: 0,
    drift: [],
  });
  assert.match((await desk.writ(['targets'])).out, /^websvcs {2}deployed\?, healthy\?, synced\?/m);
  // Its receipt does.
  assert.match((await desk.deploy()).out, /^secsvcs and websvcs: runs already$/m);
  desk.edit('vars.yaml', 'colour: red\n');
  assert.equal((await desk.deploy('--only', 'web')).exit, 0);
});

test('diff tells what differs by file and unit, and exits so that a script knows', async (t) => {
  const desk = await startDesk(t);
  assert.equal((await desk.writ(['diff'])).exit, 0);
  await desk.deploy();
  const same = await desk.writ(['diff']);
  assert.deepEqual([same.exit, /^websvcs: as released, seen just now$/m.test(same.out)], [0, true]);
  change(desk, { drifted: 51, drift: drifted });
  const ran = await desk.writ(['diff', 'websvcs']);
  assert.equal(ran.exit, 1);
  assert.equal(
    ran.out,
    [
      'websvcs: 51 differ from its release, seen just now',
      '  file  /etc/opt/web/web.ini   was changed',
      '  file  /etc/opt/web/more.ini  is missing',
      '  unit  web.service            has failed',
      '  and 48 more',
      '',
    ].join('\n'),
  );
  assert.equal((await desk.writ(['diff', 'secsvcs'])).exit, 0);
  change(desk, { drifted: 0, drift: [], seen: 'guest_not_running', seen_at: 0 });
  const unseen = await desk.writ(['diff', 'websvcs']);
  assert.equal(unseen.exit, 5);
  assert.match(unseen.out, /cannot be looked at: guest_not_running.*; last seen never/);
  const typo = await desk.writ(['diff', 'websvc']);
  assert.equal(typo.exit, 2);
  assert.match(typo.err, /Did you mean websvcs\?/);
});

test('deployments are listed, and one is told with what relays signed', async (t) => {
  const desk = await startDesk(t);
  assert.match((await desk.writ(['deployments'])).out, /Nothing was deployed yet: writ deploy/);
  desk.ends.set('websvcs', { state: 'failed', code: 'probe_failed', result: null });
  await desk.deploy();
  const list = await desk.writ(['deployments']);
  assert.match(list.out, /^dep_\w+ +\S.* operator +secsvcs websvcs +1 healthy, 1 rolled-back$/m);
  const { id } = desk.deployments[0]!;
  const one = await desk.writ(['deployments', id]);
  assert.equal(one.exit, 1);
  assert.match(one.out, /^ {2}secsvcs +healthy +sha256:\w{12} +signed$/m);
  assert.match(one.out, /^ {2}websvcs +rolled-back: probe_failed.* signed$/m);
  const waited = await desk.writ(['deployments', id, '--wait']);
  assert.equal(waited.exit, 1);
  assert.match(waited.out, /^websvcs {2}not deployed/m);
  assert.equal((await desk.writ(['deployments', 'x'])).exit, 2);
  assert.equal((await desk.writ(['deployments', '--wait'])).exit, 2);
});

test('plan --live compares with what runs, file by file', async (t) => {
  const desk = await startDesk(t);
  const plan = (...words: string[]) => desk.writ(['plan', '--live', '--repo', desk.repo, ...words]);
  const first = await plan();
  assert.equal(first.exit, 0, first.err);
  assert.match(first.out, /start web\.service/);
  assert.match(first.out, /^secsvcs and websvcs: no relay has signed yet what runs there$/m);
  await desk.deploy();
  assert.match((await plan()).out, /^Nothing changes: sha256:/);
  desk.edit('vars.yaml', 'colour: red\n');
  const changed = await plan();
  assert.match(changed.out, /restart web\.service \(\/etc\/opt\/web\/web\.ini\)/);
  assert.match(changed.out, /^-colour = blue\n\+colour = red$/m);
  assert.match((await plan('--format', 'markdown')).out, /^### `websvcs`$/m);
  // What is no longer kept is not shown as new.
  for (const [digest, bytes] of desk.blobs)
    if (new TextDecoder().decode(bytes) === 'colour = blue\n') desk.blobs.delete(digest);
  const lost = await plan();
  assert.match(lost.out, /^ {4}~ \/etc\/opt\/web\/web\.ini \(no text\)$/m);
  assert.doesNotMatch(lost.out, /\+colour/);
  assert.equal((await plan('--base', 'HEAD')).exit, 2);
  assert.equal(desk.deployments.length, 1);
});

test('a route that opens is a risk against what runs, not against what the last release said', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  desk.edit(
    'apps/web/app.yaml',
    'on: websvcs\nunits: [web.container]\nfiles:\n  - { from: web.ini.j2, to: /etc/opt/web/web.ini }\nroute: { host: www, port: 8080, public: true }\n',
  );
  desk.edit('vars.yaml', 'colour: red\n');
  const ran = await desk.writ(['deploy', '--repo', desk.repo], { answers: ['n'] });
  assert.match(ran.err, /^ {2}! www\.example\.net becomes public, and no access rule guards it$/m);
});

test('a certificate that was not renewed in time, or could not be, is told with why', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  const day = 86_400_000;
  const of = (expires: number, code?: string) => ({
    certificates: [{ app: 'web', name: 'tls', expires, ...(code !== undefined && { code }) }],
  });
  change(desk, of(Date.now() + 10 * day));
  const fine = await desk.writ(['targets']);
  assert.equal(fine.exit, 0, fine.err);
  assert.doesNotMatch(fine.out, /certificate/);
  for (const [report, says] of [
    [of(Date.now() + 6 * day), /^ {4}the certificate tls of web ends on \d{4}-\d\d-\d\d$/m],
    [of(Date.now() - day), /^ {4}the certificate tls of web has expired$/m],
    [
      of(0, 'authority_expired'),
      /tls of web is not there: authority_expired \(intermediate expired\)\. `writ ca sign`/,
    ],
  ] as const) {
    change(desk, report);
    const ran = await desk.writ(['targets']);
    assert.equal(ran.exit, 1);
    assert.match(ran.out, says);
  }
});
