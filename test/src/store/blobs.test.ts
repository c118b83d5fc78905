import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { digestBytes } from '../../../schema/jose/digest.ts';
import { maxBlobBytes } from '../../../schema/wire/limits.ts';
import { engines } from '../../support/engines.ts';
import { draftDeployment as draft, openStore, putText as put } from '../../support/stored-releases.ts';

for (const [name, open] of Object.entries(engines)) {
  describe(`blobs in a store: ${name}`, () => {
    test('a blob of the greatest size is read as it was put, and put twice is there once', async (t) => {
      const store = await openStore(t, open);
      const bytes = new Uint8Array(randomBytes(maxBlobBytes));
      const digest = await digestBytes(bytes);
      const absent = `sha256:${'0'.repeat(64)}`;
      assert.deepEqual(await store.blobs.missing([absent, digest], 1), [absent, digest]);
      await store.blobs.put(digest, bytes, 1);
      await store.blobs.put(digest, bytes, 2);
      const read = await store.blobs.read(digest);
      assert.ok(read !== null && Buffer.from(read).equals(bytes));
      assert.deepEqual(await store.blobs.missing([absent, digest], 1), [absent]);
      assert.equal(await store.blobs.read(absent), null);
      const empty = await put(store, '');
      assert.equal((await store.blobs.read(empty))?.length, 0);
    });

    test('a relay reads the blobs of parts that are for it, and of no other', async (t) => {
      const store = await openStore(t, open);
      const release = await put(store, 'manifest');
      const [mine, theirs] = [await put(store, 'part of pve2'), await put(store, 'part of pve1')];
      const [file, shared, other] = [
        await put(store, 'file'),
        await put(store, 'both'),
        await put(store, 'x'),
      ];
      const one = await draft(
        [
          { target: 'pve1', relay: 'pve1', digest: theirs },
          { target: 'websvcs', digest: mine },
        ],
        { release },
        { [mine]: [file, shared], [theirs]: [shared, other] },
      );
      assert.equal(await store.deployments.accept(one), 'accepted');
      const readable = async (relay: string): Promise<string[]> => {
        const all = { release, mine, theirs, file, shared, other };
        const names: string[] = [];
        for (const [what, digest] of Object.entries(all)) {
          if ((await store.blobs.readFor(relay, digest)) !== null) names.push(what);
        }
        return names;
      };
      assert.deepEqual(await readable('pve2'), ['mine', 'file', 'shared']);
      assert.deepEqual(await readable('pve1'), ['theirs', 'shared', 'other']);
      assert.deepEqual(await readable('cloud'), []);
    });

    test('what is asked for is not forgotten for a while', async (t) => {
      const store = await openStore(t, open);
      const hour = 60 * 60_000;
      const digest = await put(store, 'file', 0);
      await store.blobs.missing([digest], 25 * hour);
      await store.blobs.forget(24 * hour);
      assert.deepEqual(await store.blobs.missing([digest], 25 * hour), []);
    });
  });
}
