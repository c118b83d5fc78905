import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { DeploymentView, TargetView } from '../../schema/api/deployments.ts';
import { digestBytes } from '../../schema/jose/digest.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import { maxBlobBytes } from '../../schema/wire/limits.ts';
import { onlyJob } from '../support/control-home.ts';
import { grantReleases, makeRelease, type SignedRelease, type TestTarget } from '../support/releases.ts';
import type { Case } from './case.ts';
import { callOf, refusedAs, type Stage } from './stage.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const octets = { 'content-type': 'application/octet-stream' };
const hexOf = (digest: string): string => digest.slice('sha256:'.length);
const targets = {
  websvcs: {
    files: { '/etc/opt/web/a.conf': 'a', '/etc/opt/web/b.conf': 'b' },
    secrets: { password: 'age' },
  },
  pve1: { relay: 'pve1', files: { '/etc/opt/x': 'x' } },
};

const put = ({ home, asKey }: Stage, digest: string, body: Bytes) =>
  asKey(home.operator, { method: 'PUT', url: `/v1/blobs/${hexOf(digest)}`, body, headers: octets });

const get = ({ asKey }: Stage, key: SigningKey, digest: string, of = '/v1/blobs') =>
  asKey(key, callOf('GET', `${of}/${hexOf(digest)}`));

const missing = async ({ asOperator }: Stage, digests: readonly string[]): Promise<string[]> => {
  const answer = await asOperator('POST', '/v1/blobs/missing', { digests });
  assert.equal(answer.status, 200, answer.text);
  return answer.json().missing as string[];
};

/** Uploads what is missing of a release, as a CLI does, and orders it. */
async function order(stage: Stage, release: SignedRelease) {
  for (const digest of await missing(stage, [...release.blobs.keys()])) {
    const answer = await put(stage, digest, release.blobs.get(digest)!);
    assert.equal(answer.status, 200, answer.text);
  }
  return stage.asOperator('POST', '/v1/releases', release.request);
}

async function deploy(stage: Stage, wanted: Readonly<Record<string, TestTarget>>) {
  const release = await makeRelease(stage.home, wanted);
  const answer = await order(stage, release);
  assert.equal(answer.status, 202, answer.text);
  return { release, view: answer.json() as DeploymentView };
}

/** Releases: their blobs, orders, and how they come to their targets. */
export const releaseCases: readonly Case[] = [
  {
    name: 'blobs are kept as they came, up to the greatest, once, under their digest',
    run: async (stage) => {
      const { home, asKey } = stage;
      const blobs = [
        new Uint8Array(randomBytes(maxBlobBytes)),
        new Uint8Array([0, 255, 10]),
        new Uint8Array(0),
      ];
      const digests = await Promise.all(blobs.map(digestBytes));
      assert.deepEqual(await missing(stage, digests), digests);
      for (const [index, digest] of digests.entries()) {
        for (const _ of [1, 2]) assert.equal((await put(stage, digest, blobs[index]!)).status, 200);
        const read = await get(stage, home.operator, digest);
        assert.equal(read.status, 200);
        assert.ok(Buffer.from(read.bytes!).equals(blobs[index]!));
      }
      assert.deepEqual(await missing(stage, digests), []);
      const absent = `sha256:${'0'.repeat(64)}`;
      refusedAs(await put(stage, absent, blobs[1]!), 400, 'blob_digest');
      // Announced alone: whoever sends on is cut off, and may not hear the answer.
      const announced = await asKey(home.operator, {
        method: 'PUT',
        url: `/v1/blobs/${hexOf(absent)}`,
        body: blobs[1]!,
        headers: { ...octets, 'content-length': String(maxBlobBytes + 1) },
      });
      refusedAs(announced, 413, 'body_too_large');
      refusedAs(await get(stage, home.operator, absent), 404, 'blob_unknown');
      refusedAs(await get(stage, home.relays.pve2!.signing, digests[1]!), 403, 'forbidden');
      refusedAs(await stage.asPhone('GET', `/v1/blobs/${hexOf(digests[1]!)}`), 403, 'forbidden');
    },
  },
  {
    name: 'a release is ordered by the operator, once all of it is here, where trust lets it',
    run: async (stage) => {
      const { home, asOperator, asPhone } = stage;
      const release = await makeRelease(home, targets);
      refusedAs(await order(stage, release), 403, 'not_granted');
      await grantReleases(home);
      const upload = await asOperator('POST', '/v1/trust', { versions: [home.versions.at(-1)] });
      assert.equal(upload.status, 200, upload.text);
      refusedAs(await asPhone('POST', '/v1/releases', release.request), 403, 'forbidden');
      const unsent = await makeRelease(home, { pve2: { files: { '/etc/opt/y': 'never sent' } } });
      refusedAs(await asOperator('POST', '/v1/releases', unsent.request), 409, 'blobs_missing');
      const forged = await makeRelease(home, targets, { by: home.relays.pve1!.signing });
      refusedAs(await order(stage, forged), 403, 'authorisation_invalid');
      const accepted = await order(stage, release);
      assert.equal(accepted.status, 202, accepted.text);
      const view = accepted.json() as DeploymentView;
      assert.equal(accepted.headers.location, `/v1/deployments/${view.id}`);
      const again = await Promise.all([order(stage, release), order(stage, release)]);
      for (const one of again) assert.equal((one.json() as DeploymentView).id, view.id, one.text);
      const below = await makeRelease(home, targets, { number: { desk: 0 } });
      refusedAs(await order(stage, below), 409, 'release_stale');
    },
  },
  {
    name: 'each relay gets its part, and the bytes of it alone; what comes of it is told as it comes',
    run: async (stage) => {
      const { home, pve1, pve2, asPhone } = stage;
      await stage.wakeTower();
      await pve2.reportGuests({ devtop: 'stopped', gaming: 'stopped', websvcs: 'stopped' });
      const { view, release } = await deploy(stage, targets);
      const parked = pve2.poll({ protocol: 2, wait_ms: 15_000 });
      await pve2.reportGuests({ devtop: 'stopped', gaming: 'stopped', websvcs: 'running' });
      const job = await onlyJob(await parked);
      assert.deepEqual([job.digest, job.job.kind, job.job.step], [release.digest, 'release', 1]);
      const read = async (relay: string) => {
        const found: string[] = [];
        for (const [digest, bytes] of release.blobs) {
          const answer = await get(stage, home.relays[relay]!.signing, digest, '/v1/relay/blobs');
          if (answer.status === 404) continue;
          assert.ok(Buffer.from(answer.bytes!).equals(bytes));
          found.push(new TextDecoder().decode(bytes).slice(0, 3));
        }
        return found.toSorted();
      };
      assert.deepEqual(await read('pve2'), ['a', 'age', 'b', '{"a']);
      assert.deepEqual(await read('pve1'), ['x', '{"a']);

      const url = `/v1/deployments/${view.id}`;
      const stateOf = async (query = '') => {
        const answer = await asPhone('GET', `${url}${query}`);
        assert.equal(answer.status, 200, answer.text);
        const { targets: told, ...rest } = answer.json() as DeploymentView;
        return { ...rest, states: told.map(({ target, state }) => `${target} ${state}`) };
      };
      await pve2.say(job, 'started');
      await pve2.report({ progress: [{ intent: job.digest, step: 1, phase: 'staged' }] });
      assert.deepEqual((await stateOf()).states, ['pve1 pending', 'websvcs staged']);
      const waiting = stateOf('?wait=15');
      const result = { already: false, files: 2, started: 1, restarted: 0, reloaded: 0, stopped: 0 };
      await pve2.say(job, { state: 'succeeded', result });
      const other = await onlyJob(await pve1.poll({ protocol: 2 }));
      await pve1.say(other, 'started', { state: 'failed', code: 'interrupted' });
      const ended = await waiting;
      assert.deepEqual(ended.states, ['pve1 rolled-back', 'websvcs healthy']);
      assert.deepEqual([ended.ended_at !== null, ended.receipts.length], [true, 4]);
      const spoken = await asPhone('GET', url, undefined, { accept: 'text/plain' });
      assert.match(spoken.text, /^Release c0ffee0 runs on websvcs\. It did not come up on pve1: .*\.\n$/);

      const part = release.order.parts[1]!.digest;
      const seen = { part, seen: 'ok' as const, seen_at: Date.now(), drifted: 0, drift: [] };
      await pve2.report({ targets: { websvcs: seen } });
      const list = (await asPhone('GET', '/v1/targets')).json().targets as TargetView[];
      const websvcs = list.find(({ target }) => target === 'websvcs');
      assert.deepEqual(
        [websvcs?.deployed, websvcs?.healthy, websvcs?.synced, websvcs?.deployment],
        [true, true, true, view.id],
      );
      const metrics = (await asPhone('GET', '/metrics')).text;
      assert.ok(
        metrics.includes(`writ_target_info{target="websvcs",host="pve2",part="${part}",commit="c0ffee0`),
        metrics,
      );
      const listed = (await asPhone('GET', '/v1/deployments?target=websvcs&limit=2')).json();
      const [newest, before] = listed.deployments as DeploymentView[];
      assert.equal(newest?.id, view.id);
      assert.equal(before?.targets.find(({ target }) => target === 'websvcs')?.state, 'superseded');
      await stage.wakeTower();
    },
  },
];
