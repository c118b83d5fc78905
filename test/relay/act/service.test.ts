import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createActClient } from '../../../relay/drivers/act-client.ts';
import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import { ok, refuse } from '../../../schema/result.ts';
import { makeTestHome, testDigest } from '../../support/relay-home.ts';
import { reached } from '../agent/fixture.ts';
import { nowMs, partBytes, settle, startDesk, wordOf } from './service-fixture.ts';

const forever = new AbortController().signal;

describe('the helper as root', () => {
  test('does what an authority signed, tells its phases and what came of it', async (t) => {
    const desk = await startDesk(t);
    const asked: string[] = [];
    const phases: string[] = [];
    const order = await desk.order();
    const word = await desk.apply(order, {
      blob: async (digest) => {
        asked.push(digest);
        return ok(partBytes);
      },
      progress: (phase) => phases.push(phase),
    });
    assert.equal(word, 'succeeded');
    assert.deepEqual(desk.deeds, ['apply pve2']);
    assert.deepEqual(asked, [await digestBytes(partBytes)]);
    assert.deepEqual(phases, ['staged', 'activated']);
    assert.equal(await settle(desk, 'pve2', order.digest), 'succeeded');
  });

  test('bytes that are wanted at the same time come one after the other', async (t) => {
    const blobs = ['one', 'two', 'three'].map((text) => toBytes(text));
    const digests = await Promise.all(blobs.map(digestBytes));
    const desk = await startDesk(t, {
      async prepare({ blob }) {
        const found = await Promise.all(digests.map(blob));
        const texts = found.map((one) => (one.ok ? Buffer.from(one.value).toString() : one.reason));
        return refuse(texts.join() === 'one,two,three' ? 'path_never' : 'blob_wrong', texts.join());
      },
    });
    const blob = async (digest: string) => ok(blobs[digests.indexOf(digest)]!);
    assert.equal(await desk.apply(await desk.order(), { blob }), 'path_never');
  });

  test('threat 10: an order is followed once, whoever brings it, also after a crash', async (t) => {
    const desk = await startDesk(t);
    const order = await desk.order();
    assert.equal(await desk.apply(order), 'succeeded');
    assert.equal(await desk.apply(order), 'succeeded', 'it is told what came of it');
    const next = await desk.again();
    assert.equal(await next.apply(order), 'succeeded');
    assert.deepEqual(desk.deeds, ['apply pve2']);
  });

  test('threat 3: an older order than one before is refused on its target, also after a crash', async (t) => {
    const desk = await startDesk(t);
    assert.equal(await desk.apply(await desk.order({ order: { desk: 7 } })), 'succeeded');
    assert.equal(await desk.apply(await desk.order({ order: { desk: 6 } })), 'release_stale');
    const another = await desk.order({ order: { desk: 7 }, issuedAt: nowMs + 1 });
    assert.equal(await desk.apply(another), 'release_stale', 'another of the same number');
    assert.equal(await desk.apply(await desk.order({ order: { desk: 6 }, target: 'files' })), 'succeeded');
    const next = await desk.again();
    assert.equal(await next.apply(await next.order({ order: { desk: 6 } })), 'release_stale');
    assert.equal(await next.apply(await next.order({ order: { desk: 8 } })), 'succeeded');
    assert.deepEqual(desk.deeds, ['apply pve2', 'apply files', 'apply pve2']);
  });

  test('threat 1: what no authority signed is refused', async (t) => {
    const desk = await startDesk(t);
    const { home } = desk;
    const stranger = (await generateKey()).signing;
    const good = await desk.order();
    const other = await desk.order();
    const other_home = await makeTestHome({ origins: [{ url: 'https://writ.example.net' }] });
    const intent = await home.intent([{}], { issuedAt: nowMs });
    const refusals: readonly (readonly [string, string])[] = [
      ['authorisation_invalid', await desk.apply(await desk.order({ by: stranger }))],
      ['not_granted', await desk.apply(await desk.order({ by: home.controller }))],
      ['authorisation_invalid', await desk.apply(await desk.order({ by: home.relays.pve2!.signing }))],
      ['authorisation_digest', await desk.apply({ ...good, authorisation: other.authorisation })],
      ['authorisation_invalid', await desk.apply({ ...good, authorisation: intent.authorisation })],
      ['authorisation_home', await desk.apply(await desk.order({ home: other_home.id }))],
      ['step_unknown', await desk.apply(good, { part: 1 })],
      ['intent_not_yet', await desk.apply(await desk.order({ issuedAt: nowMs + 60_000 }))],
      ['intent_before_enrolment', await desk.apply(await desk.order({ issuedAt: nowMs - 2_000 }))],
      ['not_granted', await desk.apply(await home.release([{ target: 'devtop' }], { issuedAt: nowMs }))],
      ['not_granted', await desk.apply(await home.release([{ target: 'devtop' }, {}], { issuedAt: nowMs }))],
      [
        'step_not_ours',
        await desk.apply(
          await desk
            .order({ target: 'pve1' })
            .then(async () => home.release([{ relay: 'pve1', target: 'pve1' }], { issuedAt: nowMs })),
        ),
      ],
    ];
    for (const [wanted, word] of refusals) assert.equal(word, wanted);
    assert.deepEqual(desk.deeds, []);
    assert.equal(await desk.apply(good), 'succeeded', 'none of them raised the order of the target');
  });

  test('threat 2: under an expired trust document nothing is ordered, and what is open is settled', async (t) => {
    const desk = await startDesk(t);
    await desk.home.amend((document) => ({ ...document, expires: '2026-11-01T00:00:00Z' }));
    assert.equal(await desk.apply(await desk.order()), 'trust_expired');
    assert.equal(await settle(desk, 'pve2', testDigest('c')), 'order_unknown');
    assert.deepEqual(desk.deeds, []);
  });

  test('newer trust comes with a request and is in force for it', async (t) => {
    const desk = await startDesk(t);
    const order = await desk.order();
    await desk.home.amend((document) => ({
      ...document,
      identities: {
        ...document.identities,
        operator: { ...document.identities.operator!, may: [] } as never,
      },
    }));
    assert.equal(await desk.apply(order), 'not_granted');
    const next = await desk.again();
    const behind = createActClient({ path: next.path, trustAfter: async () => [] });
    const options = {
      blob: async () => ok(partBytes),
      progress: () => {},
      watchPath: reached,
      signal: forever,
    };
    assert.equal(wordOf(await behind.apply({ ...order, part: 0 }, options)), 'not_granted', 'never lower');
  });

  test('threat 12: a clock that was turned back behind the last order lets nothing run', async (t) => {
    const desk = await startDesk(t);
    desk.now = nowMs + 600_000;
    assert.equal(await desk.apply(await desk.order()), 'succeeded');
    desk.now = nowMs;
    assert.equal(await desk.apply(await desk.order()), 'clock_behind');
    desk.now = nowMs + 3_600_000;
    desk.synchronised = false;
    assert.equal(await desk.apply(await desk.order()), 'succeeded');
    desk.now = nowMs + 600_000;
    assert.equal(await desk.apply(await desk.order()), 'succeeded', 'nobody vouched for the later time');
  });

  test('threat 14: what cannot be written down is not begun', async (t) => {
    const desk = await startDesk(t);
    desk.disk.fault = 'ENOSPC';
    const order = await desk.order();
    assert.equal(await desk.apply(order), 'act_state_unwritable');
    assert.deepEqual(desk.deeds, []);
    desk.disk.fault = null;
    assert.equal(await desk.apply(order), 'succeeded');
  });

  test('threat 6: bytes that are not those of the digest count for nothing', async (t) => {
    const desk = await startDesk(t);
    assert.equal(
      await desk.apply(await desk.order(), { blob: async () => ok(toBytes('other')) }),
      'blob_wrong',
    );
    assert.equal(
      await desk.apply(await desk.order(), { blob: async () => refuse('blob_unknown') }),
      'blob_unknown',
    );
    assert.deepEqual(desk.deeds, []);
  });

  test('a target of another machine is not its business', async (t) => {
    const desk = await startDesk(t);
    assert.equal(await desk.apply(await desk.order({ target: 'websvcs' })), 'target_not_ours');
    assert.equal((await desk.client.look('websvcs', forever)).ok, false);
    const seen = await desk.client.look('pve2', forever);
    assert.ok(seen.ok && seen.value.report.seen === 'ok');
  });

  test('what an authority wanted and could not be done raises the order of its target all the same', async (t) => {
    const desk = await startDesk(t, { prepare: async () => refuse('path_never', '/etc/shadow') });
    const order = await desk.order({ order: { desk: 9 } });
    assert.equal(await desk.apply(order), 'path_never');
    assert.equal(await desk.apply(order), 'path_never');
    assert.equal(await desk.apply(await desk.order({ order: { desk: 8 } })), 'release_stale');
    assert.equal(await settle(desk, 'pve2', order.digest), 'path_never');
  });
});
