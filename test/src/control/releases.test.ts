import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { toBytes } from '../../../schema/jose/digest.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import type { ReleaseOrder } from '../../../schema/wire/release-order.ts';
import { applyLapsed } from '../../../src/domain/deployment.ts';
import type { Answer, Reason } from '../../../src/domain/errors.ts';
import { type ControlHome, makeControlHome, onlyJob } from '../../support/control-home.ts';
import {
  bringTrust,
  deploy,
  grantReleases,
  makeRelease,
  makeReleasingHome,
  pollForParts,
  type SignedRelease,
  signRelease,
  uploadBlobs,
} from '../../support/releases.ts';

const reasonOf = (answer: Answer<unknown, Reason>): string => (answer.ok ? 'ok' : answer.reason);
const websvcs = { websvcs: { files: { '/etc/opt/web/a.conf': 'a' } } };

const makeHome = async (t: TestContext) => (await makeReleasingHome(t, null)).made;

const order = (made: ControlHome, { request }: Pick<SignedRelease, 'request'>) =>
  made.control.releases.release(made.operator('release'), request);

/** A release that would be accepted, but for a change of its order. */
async function uploaded(made: ControlHome, change: (order: ReleaseOrder) => ReleaseOrder) {
  const release = await makeRelease(made.home, websvcs, { issuedAt: made.clock.now(), change });
  await uploadBlobs(made, release);
  return release;
}

test('a release is a deployment that waits for its targets; the same again is the same', async (t) => {
  const made = await makeHome(t);
  const release = await makeRelease(
    made.home,
    { ...websvcs, pve1: { relay: 'pve1' } },
    { issuedAt: made.clock.now() },
  );
  await uploadBlobs(made, release);
  const accepted = await order(made, release);
  assert.ok(accepted.ok);
  const { deployment, replayed } = accepted.value;
  assert.equal(replayed, false);
  assert.deepEqual(deployment.order, release.order);
  assert.deepEqual(
    [deployment.digest, deployment.principal, deployment.ended_at],
    [release.digest, 'operator', null],
  );
  assert.deepEqual(
    deployment.targets.map(({ target, relay, part, state }) => [target, relay, part, state]),
    release.order.parts.map(({ target, relay, digest }) => [target, relay, digest, 'pending']),
  );
  assert.equal(deployment.sentence, 'Release c0ffee0 waits for pve1 and websvcs.');

  const again = await Promise.all([order(made, release), order(made, release)]);
  for (const one of again) {
    assert.ok(one.ok);
    assert.deepEqual([one.value.deployment.id, one.value.replayed], [deployment.id, true]);
  }
  const entries = (await made.control.audit.page(0, 100)).entries.map((text) => JSON.parse(text));
  const accepts = entries.filter(({ event }) => event === 'release.accepted');
  assert.equal(accepts.length, 1);
  const { commit, targets, desk } = accepts[0].facts;
  assert.deepEqual([commit, targets, desk], [release.order.commit, 2, release.order.order.desk]);
  assert.deepEqual(await made.control.releases.deployment(deployment.id), deployment);
});

test('the same order sent many times at once is one deployment', async (t) => {
  const made = await makeHome(t);
  const release = await uploaded(made, (one) => one);
  const answers = await Promise.all(Array.from({ length: 8 }, () => order(made, release)));
  const ids = new Set(answers.map((one) => (one.ok ? one.value.deployment.id : one.reason)));
  assert.equal(ids.size, 1);
  assert.equal((await made.control.releases.deployments({})).length, 1);
});

test('threat 1: nobody but the operator orders a release, and the controller least of all', async (t) => {
  const made = await makeHome(t);
  const { home } = made;
  const release = await uploaded(made, (one) => one);
  for (const [by, why] of [
    [home.controller, 'not_granted'],
    [home.root, 'authorisation_invalid'],
    [home.relays.pve2!.signing, 'authorisation_invalid'],
  ] as const) {
    const signed = await signRelease(home, release.order, by);
    assert.equal(reasonOf(await order(made, signed)), why);
  }
  // Nor where trust would let the controller.
  await home.amend((document) => {
    const { controller } = document.identities;
    if (controller?.kind !== 'key') throw new Error('there is a controller');
    const may = [...controller.may, { action: 'release.apply', on: ['websvcs'], limit: '9/1h' }];
    return { ...document, identities: { ...document.identities, controller: { ...controller, may } } };
  });
  await bringTrust(made);
  const signed = await signRelease(home, release.order, home.controller);
  assert.equal(reasonOf(await order(made, signed)), 'not_granted');
  assert.equal(
    reasonOf(await made.control.releases.release(made.operator('status'), release.request)),
    'forbidden',
  );
  assert.deepEqual(await made.control.releases.deployments({}), []);
  assert.equal(reasonOf(await order(made, release)), 'ok');
});

test('threat 31: an intent does not hold what only releases order', async (t) => {
  const made = await makeHome(t);
  const params = { part: `sha256:${'a'.repeat(64)}` };
  const step = { relay: 'pve2', action: 'release.apply', target: 'websvcs', params };
  const { bytes, authorisation } = await made.home.intent([step], { issuedAt: made.clock.now() });
  const submitted = await made.control.orders.submit(made.operator('release.apply@websvcs'), {
    order: { action: 'release.apply', target: 'websvcs', params },
    intent: encodeBase64url(bytes),
    authorisation,
  });
  assert.equal(reasonOf(submitted), 'action_unknown');
});

test('threat 6: the signature is of these very bytes, of this home, and as a release', async (t) => {
  const made = await makeHome(t);
  const { home } = made;
  const release = await uploaded(made, (one) => one);
  const other = await uploaded(made, (one) => one);
  const swapped = { order: other.request.order, authorisation: release.request.authorisation };
  assert.equal(reasonOf(await order(made, { request: swapped })), 'authorisation_of_another_intent');
  const payload = { home: home.id, kind: 'release', digest: release.digest };
  const asIntent = await signJws('intent', { ...payload, kind: 'intent' }, home.operator);
  const foreign = `h_${'0'.repeat(26)}`;
  const cases: readonly [string, string][] = [
    [asIntent, 'authorisation_invalid'],
    [await signJws('release', { ...payload, kind: 'intent' }, home.operator), 'authorisation_invalid'],
    [await signJws('release', { ...payload, home: foreign }, home.operator), 'home_wrong'],
    [`${release.request.authorisation}=`, 'authorisation_invalid'],
  ];
  for (const [authorisation, reason] of cases) {
    const request = { ...release.request, authorisation };
    assert.equal(reasonOf(await order(made, { request })), reason);
  }
  const elsewhere = await signRelease(home, { ...release.order, home: foreign });
  assert.equal(reasonOf(await order(made, elsewhere)), 'home_wrong');
  assert.deepEqual(await made.control.releases.deployments({}), []);
});

test('what is no order, is early, or for nobody here is refused', async (t) => {
  const made = await makeHome(t);
  const [part] = (await uploaded(made, (one) => one)).order.parts;
  const cases: readonly [(one: ReleaseOrder) => ReleaseOrder, string][] = [
    [(one) => ({ ...one, v: 2 }) as never, 'release_malformed'],
    [(one) => ({ ...one, parts: [] }), 'release_malformed'],
    [(one) => ({ ...one, parts: [part!, part!] }), 'release_malformed'],
    [(one) => ({ ...one, issued_at: made.clock.now() + 31_000 }), 'intent_from_the_future'],
    [(one) => ({ ...one, parts: [{ ...part!, target: 'nowhere' }] }), 'target_unknown'],
    [(one) => ({ ...one, parts: [{ ...part!, relay: 'pve1' }] }), 'relay_wrong'],
    [(one) => ({ ...one, parts: [{ ...part!, target: 'devtop' }] }), 'not_granted'],
    // One part that may be does not carry one that may not.
    [(one) => ({ ...one, parts: [{ ...part!, target: 'devtop' }, part!] }), 'not_granted'],
  ];
  for (const [change, reason] of cases) {
    assert.equal(reasonOf(await order(made, await uploaded(made, change))), reason);
  }
  const bytes = toBytes('{"v":1,"v":1}');
  const request = { order: encodeBase64url(bytes), authorisation: 'a.b.c' };
  assert.equal(
    reasonOf(await order(made, { request })),
    'authorisation_invalid',
    'parsed only once verified',
  );
  assert.equal(
    reasonOf(await order(made, { request: { order: 'not base64url!', authorisation: 'a.b.c' } })),
    'release_malformed',
  );
  assert.deepEqual(await made.control.releases.deployments({}), []);
});

test('no release is ordered under expired trust, nor of an unclaimed home, nor for a relay that is not admitted', async (t) => {
  const expired = await makeControlHome(t, { expires: '2027-01-15T08:00:30Z' });
  await grantReleases(expired.home);
  await bringTrust(expired);
  const release = await makeRelease(expired.home, websvcs, { issuedAt: expired.clock.now() });
  await uploadBlobs(expired, release);
  expired.clock.advance(31_000);
  assert.equal(reasonOf(await order(expired, release)), 'trust_expired');

  const empty = await makeControlHome(t, { claim: false });
  assert.equal(reasonOf(await order(empty, release)), 'not_set_up');

  const alone = await makeControlHome(t, { relays: ['pve2'] });
  await grantReleases(alone.home);
  await bringTrust(alone);
  const forPve1 = await makeRelease(alone.home, { pve1: { relay: 'pve1' } }, { issuedAt: alone.clock.now() });
  await uploadBlobs(alone, forPve1);
  assert.equal(reasonOf(await order(alone, forPve1)), 'relay_not_admitted');
});

test('threat 9: an order is taken once its manifest, its parts and all that they name are here', async (t) => {
  const made = await makeHome(t);
  const targets = {
    websvcs: { files: { '/etc/opt/web/a.conf': 'a file' }, secrets: { db_password: 'an age file' } },
  };
  const release = await makeRelease(made.home, targets, { issuedAt: made.clock.now() });
  assert.equal(release.blobs.size, 4);
  const { missing } = made.control.releases;
  for (const left of release.blobs.keys()) {
    for (const [digest, bytes] of release.blobs) {
      if (digest !== left) await made.store.blobs.put(digest, bytes, made.clock.now());
    }
    assert.deepEqual(await missing([...release.blobs.keys()]), [left]);
    const refusal = await order(made, release);
    assert.equal(reasonOf(refusal), 'blobs_missing');
    await made.store.blobs.put(left, release.blobs.get(left)!, made.clock.now());
    // For the next round, as if nothing had been uploaded.
    const last = left === [...release.blobs.keys()].at(-1);
    if (!last) await made.store.blobs.forget(made.clock.now() + 1);
  }
  assert.equal(reasonOf(await order(made, release)), 'ok');
});

test('a part that is none, or for another target, is no part', async (t) => {
  const made = await makeHome(t);
  const release = await uploaded(made, (one) => one);
  const other = await makeRelease(made.home, { gaming: {} }, { issuedAt: made.clock.now() });
  await uploadBlobs(made, other);
  const texts = ['{}', 'no JSON', '{"files":[],"apps":[],"target":"websvcs","target":"websvcs"}'];
  const digests = [other.order.parts[0]!.digest];
  for (const text of texts) {
    const [digest] = [...(await makeRelease(made.home, { websvcs: { files: { '/etc/opt/x': text } } })).blobs]
      .filter(([, bytes]) => new TextDecoder().decode(bytes) === text)
      .map(([name]) => name);
    await made.store.blobs.put(digest!, toBytes(text), made.clock.now());
    digests.push(digest!);
  }
  for (const digest of digests) {
    const parts = [{ ...release.order.parts[0]!, digest }];
    const signed = await signRelease(made.home, { ...release.order, parts });
    assert.equal(reasonOf(await order(made, signed)), 'release_malformed');
  }
});

test('threat 3: an order is above every one that is known for its targets', async (t) => {
  const made = await makeHome(t);
  const { next } = await made.control.releases.targets();
  assert.deepEqual(next, { run_id: 0, run_attempt: 0, desk: 1 });
  await deploy(made, websvcs, { number: { run_id: 7, run_attempt: 1, desk: 4 } });
  assert.deepEqual((await made.control.releases.targets()).next, { run_id: 7, run_attempt: 1, desk: 5 });
  for (const number of [
    { run_id: 7, run_attempt: 1, desk: 4 },
    { run_id: 7, run_attempt: 1, desk: 3 },
    { run_id: 6, run_attempt: 9, desk: 9 },
  ]) {
    const both = { ...websvcs, pve2: {} };
    const stale = await makeRelease(made.home, both, { issuedAt: made.clock.now() + 1, number });
    await uploadBlobs(made, stale);
    assert.equal(reasonOf(await order(made, stale)), 'release_stale');
  }
  // Another target's orders are its own.
  await deploy(made, { pve2: {} }, { number: { run_id: 1, run_attempt: 1, desk: 0 } });
  await deploy(made, websvcs, { number: { run_id: 7, run_attempt: 1, desk: 5 } });
});

test('threat 3: a run of a workflow that came to nothing keeps no lower order from its target', async (t) => {
  const { made, pve2 } = await makeReleasingHome(t);
  const fromDesk = async (desk: number) => {
    made.clock.advance(1);
    const release = await makeRelease(made.home, websvcs, { issuedAt: made.clock.now(), number: { desk } });
    await uploadBlobs(made, release);
    return reasonOf(await order(made, release));
  };
  const passed = await deploy(made, websvcs, { number: { run_id: 900, run_attempt: 1, desk: 0 } });
  assert.equal(await fromDesk(1), 'release_stale', 'while it waits');
  const { id } = await deploy(made, websvcs, { number: { run_id: 901, run_attempt: 1, desk: 0 } });
  assert.equal(await fromDesk(2), 'release_stale');
  const lapsed = applyLapsed((await made.store.deployments.load(id))!, made.clock.now());
  assert.equal(await made.store.deployments.update({ ...lapsed!, notes: [] }), 'updated');
  assert.equal(await fromDesk(3), 'ok');
  const [wanted] = (await made.control.releases.targets()).targets;
  assert.deepEqual([wanted?.state, [passed.id, id].includes(wanted!.deployment!)], ['pending', false]);
  await pve2.say(await onlyJob(await pollForParts(pve2)), 'started', 'succeeded');
  assert.equal((await made.control.releases.targets()).targets[0]?.state, 'healthy');
  assert.equal(await fromDesk(2), 'release_stale', 'what began keeps lower ones out');

  // Relays take nothing below what a limit alone kept back.
  await deploy(made, websvcs, { number: { run_id: 902, run_attempt: 1, desk: 0 } });
  await pve2.say(await onlyJob(await pollForParts(pve2)), { state: 'refused', code: 'limit_reached' });
  assert.equal(await fromDesk(4), 'release_stale');
});
