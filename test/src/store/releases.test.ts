import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ReleaseOrderNumber } from '../../../schema/wire/release-order.ts';
import { applyNewer, applyPartReceipt } from '../../../src/domain/deployment.ts';
import type { Store } from '../../../src/domain/ports.ts';
import { engines } from '../../support/engines.ts';
import { draftDeployment as draft, openStore, putText as put } from '../../support/stored-releases.ts';

const receiptOf = (step: number, state: 'started' | 'succeeded' | 'refused' | 'failed') =>
  ({ step, state, code: null, result: null }) as Parameters<typeof applyPartReceipt>[1];

/** Ends a part of a stored deployment well. */
async function makeHealthy(store: Store, id: string, part: number, now: number): Promise<void> {
  const change = applyPartReceipt((await store.deployments.load(id))!, receiptOf(part, 'succeeded'), now)!;
  assert.equal(await store.deployments.update({ ...change, notes: [] }), 'updated');
}

for (const [name, open] of Object.entries(engines)) {
  describe(`releases in a store: ${name}`, () => {
    test('a deployment is stored whole or not at all, once all that it names is there', async (t) => {
      const store = await openStore(t, open);
      const [release, part, file] = [await put(store, 'manifest'), await put(store, 'part'), 'sha256:none'];
      const lacking = [
        await draft([{ target: 'websvcs', digest: part }], { release: 'sha256:none' }),
        await draft([{ target: 'websvcs', digest: 'sha256:none' }], { release }),
        await draft([{ target: 'websvcs', digest: part }], { release }, { [part]: [file] }),
      ];
      for (const one of lacking) {
        assert.equal(await store.deployments.accept(one), 'blob_missing');
        assert.equal(await store.deployments.load(one.deployment.id), null);
      }
      assert.equal(await store.audit.last(), 0);
      const good = await draft([{ target: 'websvcs', digest: part }], { release });
      assert.equal(await store.deployments.accept(good), 'accepted');
      assert.equal(await store.deployments.accept(good), 'known');
      const stored = await store.deployments.loadByDigest(good.deployment.digest);
      assert.deepEqual(stored, { ...good.deployment, revision: 1 });
      assert.equal(await store.audit.last(), 1);
    });

    test('threat 3: an order that is not above every one of its targets is refused, whoever was first', async (t) => {
      const store = await openStore(t, open);
      const [release, digest] = [await put(store, 'manifest'), await put(store, 'part')];
      const of = (targets: readonly string[], order: Partial<ReleaseOrderNumber>) =>
        draft(
          targets.map((target) => ({ target, digest })),
          { release, ...order },
        );
      /** Passes over what waits, as a newer order does. */
      const accept = async (targets: readonly string[], order: Partial<ReleaseOrderNumber>) => {
        const newer = await of(targets, order);
        const open = await store.deployments.open();
        const passed = open.flatMap((one) => applyNewer(one, new Set(targets), 5) ?? []);
        const updates = passed.map((change) => ({ ...change, notes: [] }));
        return store.deployments.accept({ ...newer, updates });
      };
      assert.equal(await accept(['cloud', 'websvcs'], { run_id: 5, run_attempt: 2, desk: 3 }), 'accepted');
      for (const below of [
        { run_id: 5, run_attempt: 2, desk: 3 },
        { run_id: 5, run_attempt: 2, desk: 2 },
        { run_id: 5, run_attempt: 1, desk: 9 },
        { run_id: 4, run_attempt: 9, desk: 9 },
      ]) {
        assert.equal(await accept(['secsvcs', 'websvcs'], below), 'order_below');
        assert.equal((await store.deployments.list({ target: 'secsvcs', before: null, limit: 9 })).length, 0);
      }
      assert.equal(await accept(['secsvcs'], { run_id: 1, run_attempt: 1, desk: 0 }), 'accepted');
      assert.equal(await accept(['cloud'], { run_id: 6, run_attempt: 1, desk: 0 }), 'accepted');
      const hasty = await of(['cloud'], { run_id: 9, run_attempt: 1, desk: 0 });
      assert.equal(await store.deployments.accept(hasty), 'stale', 'of a target’s parts one alone waits');
      const highest = { run_id: 6, run_attempt: 1, desk: 0 };
      assert.deepEqual(await store.deployments.highest(), highest);
    });

    test('a change of a deployment that was changed since it was read is refused, with all beside it', async (t) => {
      const store = await openStore(t, open);
      const [release, digest] = [await put(store, 'manifest'), await put(store, 'part')];
      const old = await draft([{ target: 'websvcs', digest }], { release });
      await store.deployments.accept(old);
      const read = (await store.deployments.load(old.deployment.id))!;
      const passed = applyNewer(read, new Set(['websvcs']), 9)!;
      await makeHealthy(store, read.id, 0, 8);
      assert.equal(await store.deployments.update({ ...passed, notes: [] }), 'stale');
      const newer = await draft([{ target: 'websvcs', digest }], { release });
      assert.equal(
        await store.deployments.accept({ ...newer, updates: [{ ...passed, notes: [] }] }),
        'stale',
      );
      assert.equal(await store.deployments.load(newer.deployment.id), null);
      assert.equal((await store.deployments.load(read.id))?.parts[0]?.state, 'healthy');
    });

    test('parts are leased to the newest run alone, numbered up, each once', async (t) => {
      const store = await openStore(t, open);
      const [release, digest] = [await put(store, 'manifest'), await put(store, 'part')];
      const note = { time: 1, event: 'relay.connected', principal: 'relay:pve2', facts: {} };
      const seen = { kid: 'k', name: 'pve2', now: 1, protocol: 2, trustVersion: 1 };
      await store.relays.enter({ ...seen, session: 'old' }, note);
      await store.relays.enter({ ...seen, session: 'new' }, note);
      const targets = ['files', 'gaming', 'websvcs'];
      const one = await draft(
        targets.map((target) => ({ target, digest })),
        { release },
      );
      await store.deployments.accept(one);
      const parts = await store.deployments.openOf('pve2');
      assert.deepEqual(
        parts.map(({ target, intent, offers, lease }) => [target, intent, offers, lease]),
        targets.map((target) => [target, one.deployment.digest, 0, null]),
      );
      const lease = (session: string, some: typeof parts) =>
        store.deployments.lease({ kid: 'k', session, seen: 7, parts: some, untils: some.map(() => 50) });
      assert.deepEqual(await lease('old', parts), []);
      const leased = await lease('new', parts.slice(0, 2));
      assert.deepEqual(
        leased.map(({ part, seq }) => [part, seq]),
        [
          [0, 8],
          [1, 9],
        ],
      );
      assert.deepEqual(
        (await lease('new', parts)).map(({ part, seq }) => [part, seq]),
        [[2, 12]],
        'those that were leased since are left out',
      );
      const again = await store.deployments.openOf('pve2');
      assert.deepEqual(again[0]?.lease, { session: 'new', seq: 8, until: 50 });
      assert.equal(again[0]?.offers, 1);
      const signed = await store.deployments.signed([one.deployment.id]);
      assert.deepEqual(signed.get(one.deployment.id), { ...one.signed, signer: 'operator', time: null });
    });

    test('what each target was to become last, and when it was last healthy', async (t) => {
      const store = await openStore(t, open);
      const release = await put(store, 'manifest');
      const [first, second] = [await put(store, 'part 1'), await put(store, 'part 2')];
      const both = [
        { target: 'cloud', relay: 'cloud', digest: first },
        { target: 'websvcs', digest: first },
      ];
      const old = await draft(both, { release });
      const newer = await draft([{ target: 'websvcs', digest: second }], { release });
      await store.deployments.accept(old);
      await makeHealthy(store, old.deployment.id, 1, 77);
      await store.deployments.accept(newer);
      const targets = await store.deployments.targets();
      assert.deepEqual(
        targets.map(({ target, newest, healthyAt }) => [
          target,
          newest.deployment,
          newest.part.digest,
          healthyAt,
        ]),
        [
          ['cloud', old.deployment.id, first, null],
          ['websvcs', newer.deployment.id, second, 77],
        ],
      );
      assert.equal(targets[1]?.newest.commit, 'c'.repeat(40));
      assert.equal(await store.deployments.commitOf('websvcs', first), 'c'.repeat(40));
      assert.equal(await store.deployments.commitOf('websvcs', 'sha256:none'), null);
      assert.deepEqual(
        await store.deployments.countByState(),
        new Map([
          ['healthy', 1],
          ['pending', 2],
        ]),
      );
    });

    test('old deployments and what they alone named are forgotten; what is wanted or in force stays', async (t) => {
      const store = await openStore(t, open);
      const release = await put(store, 'manifest');
      const ids: string[] = [];
      const parts: string[] = [];
      const files: string[] = [];
      // The first alone is for the cloud; the second is the last that was healthy on the tower's guest.
      for (let index = 0; index < 6; index += 1) {
        const digest = await put(store, `part ${index}`);
        const file = await put(store, `file ${index}`);
        const part =
          index === 0 ? { target: 'cloud', relay: 'cloud', digest } : { target: 'websvcs', digest };
        const one = await draft([part], { release }, { [digest]: [file] });
        await store.deployments.accept(one);
        const read = (await store.deployments.load(one.deployment.id))!;
        const state = index === 1 ? 'succeeded' : 'failed';
        const change = applyPartReceipt(read, receiptOf(0, state), 10 + index)!;
        await store.deployments.update({ ...change, notes: [] });
        ids.push(read.id);
        parts.push(digest);
        files.push(file);
      }
      await store.deployments.forget(2);
      const left = await store.deployments.list({ target: null, before: null, limit: 99 });
      assert.deepEqual(
        left.map(({ id }) => ids.indexOf(id)),
        [5, 4, 1, 0],
      );
      await store.blobs.forget(1);
      assert.deepEqual(await store.blobs.missing(files, 1), [], 'none is old enough');
      await store.blobs.forget(2);
      const gone = await store.blobs.missing([...parts, ...files, release], 1);
      assert.deepEqual(gone, [parts[2], parts[3], files[2], files[3]]);
      assert.equal(await store.blobs.readFor('pve2', files[3]!), null);
      await store.deployments.forget(2);
    });
  });
}
