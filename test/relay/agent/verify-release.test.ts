import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { judgeJob } from '../../../relay/agent/verify-job.ts';
import { judgeOrder, type ReleaseContext } from '../../../relay/agent/verify-release.ts';
import { digestOf, toBytes } from '../../../schema/jose/digest.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import { stepsOfOrder } from '../../../schema/wire/release-order.ts';
import { makeTestHome, type TestRelease, testDigest } from '../../support/relay-home.ts';
import { allowedOrder, nowMs, openBench, wordOf } from './judge-fixture.ts';
import { openReleaseBench, grantedPaths as paths, type ReleaseBench } from './release-bench.ts';

let bench: ReleaseBench['bench'];
let release: ReleaseBench['release'];
let judge: ReleaseBench['judge'];
let write: ReleaseBench['write'];

before(async () => {
  ({ bench, release, judge, write } = await openReleaseBench());
});

describe('a release’s order', () => {
  test('by somebody whom trust grants each of its targets is allowed, with what was verified and its paths', async () => {
    const job = bench.job(release);
    assert.deepEqual(await judgeJob(bench.context(), job), {
      kind: 'allowed',
      order: {
        kind: 'release',
        job,
        release: release.order,
        digest: release.digest,
        step: {
          relay: 'pve2',
          action: 'release.apply',
          target: 'websvcs',
          params: { part: testDigest('a') },
          after: [],
        },
        key: `${release.digest}/0`,
        identity: 'operator',
        trust: bench.home.trust(),
        paths,
      },
    });
  });

  test('the part that the job names is the one that is judged', async () => {
    const three = await write([
      { relay: 'pve1', target: 'pve1' },
      { target: 'files', digest: testDigest('b'), again: true },
      {},
    ]);
    const files = await allowedOrder(bench.context(), bench.job(three, { step: 0 }));
    assert.deepEqual(files.step.params, { part: testDigest('b'), again: true });
    assert.equal((await allowedOrder(bench.context(), bench.job(three, { step: 2 }))).step.target, 'websvcs');
    assert.deepEqual(await judge(three, { step: 3 }), { kind: 'dropped', reason: 'step_unknown' });
  });

  test('threat 8: a part of another relay is left to that relay', async () => {
    const two = await write([{ relay: 'pve1', target: 'pve1' }, {}]);
    assert.deepEqual(await judge(two), { kind: 'dropped', reason: 'step_not_ours' });
    assert.equal((await judge(two, { step: 1 })).kind, 'allowed');
  });

  test('threat 6: all its targets are granted to one identity, or none of its parts is followed', async () => {
    const cases: [Parameters<ReleaseBench['write']>[0], string][] = [
      [[{}, { target: 'gaming' }], 'not_granted'],
      [[{}, { relay: 'pve2', target: 'pve2' }], 'not_granted'],
      [[{}, { relay: 'pve2', target: 'pve1' }], 'relay_wrong'],
      [[{}, { relay: 'pve1', target: 'files' }], 'relay_wrong'],
      [[{}, { target: 'nobody' }], 'target_unknown'],
    ];
    for (const [parts, reason] of cases) {
      const signed = await write(parts);
      const step = signed.order.parts.findIndex(({ target }) => target === 'websvcs');
      assert.partialDeepStrictEqual(await judge(signed, { step }), { kind: 'denied', reason });
    }
  });

  test('threat 1: the controller may order none, whatever trust grants it', async () => {
    const releases = [{ action: 'release.apply', on: ['websvcs'], limit: '9/1h', paths }];
    const home = await makeTestHome({
      origins: [{ url: 'https://writ.example.net' }],
      controllerMay: releases,
    });
    const own = await openBench(home);
    const signed = await home.release([{}], { issuedAt: nowMs, by: home.controller });
    const verdict = await judgeJob(own.context(), own.job(signed));
    assert.partialDeepStrictEqual(verdict, { kind: 'denied', reason: 'not_granted' });
  });

  test('threat 6: what authorises an intent, other bytes or another home authorises no release', async () => {
    const { home } = bench;
    const { bytes, digest } = release;
    const claim = { home: home.id, kind: 'release', digest };
    const said = async (authorisation: string) => wordOf(await judge(release, { authorisation }));
    assert.equal(await said(await signJws('release', claim, home.operator)), 'allowed');
    assert.equal(await said(await signJws('intent', claim, home.operator)), 'authorisation_invalid');
    const asIntent = await digestOf('intent', bytes);
    const ofIntent = { ...claim, digest: asIntent };
    assert.equal(await said(await signJws('release', ofIntent, home.operator)), 'authorisation_digest');
    for (const payload of [
      { ...claim, kind: 'intent' },
      { ...claim, more: 1 },
      { home: home.id, digest },
    ]) {
      assert.equal(await said(await signJws('release', payload, home.operator)), 'authorisation_invalid');
    }
    const stranger = (await generateKey()).signing;
    for (const by of [stranger, home.root, home.relays.pve2!.signing]) {
      assert.equal(await said(await signJws('release', claim, by)), 'authorisation_invalid');
    }
    const abroad = { ...claim, home: `h_${'0'.repeat(26)}` };
    assert.equal(await said(await signJws('release', abroad, home.operator)), 'authorisation_home');

    const elsewhere = await write([{}], { home: `h_${'0'.repeat(26)}` });
    assert.equal(wordOf(await judge(elsewhere)), 'authorisation_home');
    const claimed = { ...claim, digest: elsewhere.digest };
    const authorisation = await signJws('release', claimed, home.operator);
    assert.equal(wordOf(await judge(elsewhere, { authorisation })), 'intent_home');

    // The order's bytes in an envelope of intents, and an intent's in one of releases.
    const { kind: _, ...unmarked } = bench.job(release);
    assert.equal(wordOf(await judgeJob(bench.context(), unmarked)), 'authorisation_invalid');
    const intent = await home.intent([{}], { issuedAt: nowMs });
    const marked = { ...bench.job(intent), kind: 'release' as const };
    assert.equal(wordOf(await judgeJob(bench.context(), marked)), 'authorisation_invalid');
    const both = await signJws(
      'release',
      { ...claim, digest: await digestOf('release', intent.bytes) },
      home.operator,
    );
    assert.equal(
      wordOf(await judgeJob(bench.context(), { ...marked, authorisation: both })),
      'release_malformed',
    );
  });

  test('threat 6: one part swapped, added or left out is another order', async () => {
    const { order } = release;
    const changes = [
      { ...order, parts: [{ ...order.parts[0]!, digest: testDigest('b') }] },
      { ...order, parts: [{ ...order.parts[0]!, target: 'files' }] },
      { ...order, parts: [{ relay: 'pve2', target: 'files', digest: testDigest('a') }, ...order.parts] },
      { ...order, order: { ...order.order, desk: 6 } },
    ];
    for (const changed of changes) {
      const bytes = toBytes(canonicalJson(changed));
      const forged = { ...release, bytes };
      assert.equal(wordOf(await judge(forged)), 'authorisation_digest');
    }
    assert.deepEqual(await judge(release, { intent: '!' }), {
      kind: 'dropped',
      reason: 'release_malformed',
      detail: 'not canonical base64url',
    });
    for (const text of [`${bench.job(release).intent}=`, '!', '']) {
      const word = wordOf(await judge(release, { intent: text }));
      assert.equal(word, text === '' ? 'authorisation_digest' : 'release_malformed');
    }
  });

  test('threat 7: an order of another shape, or too large, is not read', async () => {
    const sign = async (bytes: Uint8Array<ArrayBuffer>) => {
      const digest = await digestOf('release', bytes);
      const claim = { home: bench.home.id, kind: 'release', digest };
      return {
        ...release,
        bytes,
        digest,
        authorisation: await signJws('release', claim, bench.home.operator),
      };
    };
    const { order } = release;
    for (const value of [
      { ...order, more: 1 },
      { ...order, parts: [...order.parts, ...order.parts] },
      { ...order, parts: [] },
      'text',
      { ...order, commit: 'x'.repeat(70_000) },
    ]) {
      const signed = await sign(toBytes(JSON.stringify(value)));
      assert.equal(wordOf(await judge(signed)), 'release_malformed');
    }
    const deep = await sign(toBytes('['.repeat(5000)));
    assert.equal(wordOf(await judge(deep)), 'release_malformed');
  });
});

describe('an order without an envelope', () => {
  const context = (changes: Partial<ReleaseContext> = {}): ReleaseContext => ({
    trust: bench.home.trust(),
    github: null,
    relay: 'pve2',
    now: nowMs,
    floors: new Map(),
    steps: new Set(),
    notBefore: 0,
    forgotten: 0,
    ...changes,
  });
  const say = async (signed: TestRelease, changes: Partial<ReleaseContext> = {}, part = 0) => {
    const { bytes, authorisation } = signed;
    return judgeOrder(context(changes), { bytes, authorisation, part });
  };

  test('is judged by trust, floors and the time alone', async () => {
    const verdict = await say(release);
    assert.ok(verdict.kind === 'allowed');
    const { identity, paths: granted, step, order, digest } = verdict.ordered;
    assert.deepEqual(
      { identity, granted, target: step.target, order, digest },
      {
        identity: 'operator',
        granted: paths,
        target: 'websvcs',
        order: release.order,
        digest: release.digest,
      },
    );
    const word = async (...given: Parameters<typeof say>) => {
      const one = await say(...given);
      return 'reason' in one ? one.reason : one.kind;
    };
    assert.equal(await word(release, {}, 1), 'step_unknown');
    assert.equal(await word(release, { relay: 'pve1' }), 'step_not_ours');
    assert.equal(await word({ ...release, authorisation: 'x' }), 'authorisation_invalid');
    const late = Date.parse(bench.home.trust().document.expires);
    assert.equal(await word(release, { now: late }), 'trust_expired');
    assert.equal(await word(release, { steps: new Set([`${release.digest}/0`]) }), 'consumed');
    const floor = { order: { run_id: 0, run_attempt: 0, desk: 9 }, digest: testDigest('f') };
    assert.equal(await word(release, { floors: new Map([['websvcs', floor]]) }), 'release_stale');
    assert.equal(await word(await write([{ target: 'gaming' }])), 'not_granted');
  });

  test('is answered with what was verified of it, and why it is not followed', async () => {
    assert.deepEqual(await say(release, {}, 1), { kind: 'dropped', reason: 'step_unknown' });
    assert.deepEqual(await say({ ...release, authorisation: 'x' }), {
      kind: 'dropped',
      reason: 'authorisation_invalid',
      detail: 'jws_malformed',
    });
    const floor = { order: { run_id: 0, run_attempt: 0, desk: 9 }, digest: testDigest('f') };
    const { order, digest } = release;
    const step = stepsOfOrder(order)[0]!;
    const ordered = { order, digest, identity: 'operator', token: null, step, key: `${digest}/0`, paths: [] };
    assert.deepEqual(await say(release, { floors: new Map([['websvcs', floor]]) }), {
      kind: 'denied',
      reason: 'release_stale',
      detail: 'a newer release came to websvcs before',
      ordered,
    });
    assert.deepEqual(await say(release, { steps: new Set([`${digest}/0`]) }), { kind: 'consumed', ordered });
    // A grant that names no paths lets nothing be touched.
    const bare = await say(await write([{ target: 'devtop' }]));
    assert.deepEqual(bare.kind === 'allowed' && bare.ordered.paths, []);
  });
});
