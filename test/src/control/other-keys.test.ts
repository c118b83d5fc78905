import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Order } from '../../../schema/api/orders.ts';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import type { Step } from '../../../schema/wire/intent.ts';
import type { Grant } from '../../../src/domain/principal.ts';
import { grantOf, makeControlHome } from '../../support/control-home.ts';
import { bringTrust, makeRelease, makeReleasingHome, uploadBlobs } from '../../support/releases.ts';

const start = (target: string): Order => ({ action: 'guest.start', target, params: {} });
const stepOf = (target: string, action = 'guest.start'): Partial<Step> => ({ action, target });

test('threat 11: a further key orders what it may and signed itself, and nothing else', async (t) => {
  const made = await makeControlHome(t);
  const { signing: laptop } = await generateKey();
  const may = [{ action: 'guest.start', on: ['gaming'] }];
  await made.home.amend((document) => ({
    ...document,
    identities: { ...document.identities, laptop: { kind: 'key', jwk: laptop.jwk, may } },
  }));
  await bringTrust(made);
  const scope = ['guest.start@gaming'];
  const by = (permission: string): Grant =>
    grantOf({ kind: 'key', name: 'laptop', kid: laptop.kid, scope }, permission);
  const submit = async (order: Order, steps: readonly Partial<Step>[], signer = laptop) => {
    const intent = await made.home.intent(steps, { by: signer, issuedAt: made.clock.now() });
    const { authorisation } = intent;
    const request = { order, intent: encodeBase64url(intent.bytes), authorisation };
    const permission = 'runbook' in order ? `run@${order.runbook}` : `${order.action}@${order.target}`;
    const told = await made.control.orders.submit(by(permission), request);
    return told.ok ? 'accepted' : told.reason;
  };

  const plan = await made.control.orders.plan(by('guest.start@gaming'), start('gaming'));
  assert.ok(plan.ok, plan.ok ? '' : plan.detail);
  assert.equal(await submit(start('gaming'), [stepOf('gaming')], made.home.operator), 'forbidden');
  assert.equal(await submit(start('devtop'), [stepOf('devtop')]), 'not_granted');
  assert.equal(
    await submit(start('gaming'), [stepOf('devtop', 'guest.shutdown'), stepOf('gaming')]),
    'not_granted',
  );
  assert.equal(await submit(start('gaming'), [stepOf('gaming')]), 'accepted');
  const [command] = await made.control.orders.commands({ limit: 1 });
  assert.equal(command?.principal, 'key:laptop');
});

test('threat 6: a further key brings the releases that it signed, to what trust grants it', async (t) => {
  const { made } = await makeReleasingHome(t, null);
  const { signing: builder } = await generateKey();
  await made.home.amend((document) => ({
    ...document,
    identities: {
      ...document.identities,
      builder: {
        kind: 'key',
        jwk: builder.jwk,
        may: [{ action: 'release.apply', on: ['websvcs'], paths: ['/etc/opt/**'] }],
      },
    },
  }));
  await bringTrust(made);
  const scope = ['release.apply@websvcs', 'release'];
  const grant = grantOf({ kind: 'key', name: 'builder', kid: builder.kid, scope }, 'release');
  const files = { files: { '/etc/opt/web/a.conf': 'a' } };
  const bring = async (parts: Parameters<typeof makeRelease>[1], by = builder): Promise<string> => {
    const release = await makeRelease(made.home, parts, { issuedAt: made.clock.now(), by });
    await uploadBlobs(made, release);
    const told = await made.control.releases.release(grant, release.request);
    return told.ok ? told.value.deployment.principal : told.reason;
  };
  assert.equal(await bring({ websvcs: files }, made.home.operator), 'forbidden');
  assert.equal(await bring({ pve1: { relay: 'pve1' } }), 'not_granted');
  assert.equal(await bring({ websvcs: files, pve1: { relay: 'pve1' } }), 'not_granted');
  assert.equal(await bring({ websvcs: files }), 'key:builder');
});

test('threat 6: a workflow brings no order that somebody else signed', async (t) => {
  const { made } = await makeReleasingHome(t, null);
  const files = { files: { '/etc/opt/web/a.conf': 'a' } };
  const release = await makeRelease(made.home, { websvcs: files }, { issuedAt: made.clock.now() });
  await uploadBlobs(made, release);
  const told = await made.control.releases.release(
    grantOf({ kind: 'github', name: 'deploys' }, 'release'),
    release.request,
  );
  assert.ok(!told.ok && told.reason === 'forbidden');
  assert.deepEqual(await made.control.releases.deployments({}), []);
});
