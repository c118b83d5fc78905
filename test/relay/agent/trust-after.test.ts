import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Link } from '../../../relay/agent/link.ts';
import { createTrustAfter } from '../../../relay/agent/trust-after.ts';
import { makeTestHome } from '../../support/relay-home.ts';

test('versions of trust for the helper: the one in force at hand, those between from the control plane', async () => {
  const home = await makeTestHome({ origins: [{ url: 'https://writ.example.net' }] });
  await home.amend((document) => document);
  await home.amend((document) => document);
  const asked: string[] = [];
  let isUp = true;
  const call = (async ({ path }: { path: string }) => {
    asked.push(path);
    return isUp
      ? { ok: true, value: home.chain(Number(path.split('=')[1])) }
      : { ok: false, reason: 'unreachable', detail: '' };
  }) as unknown as Link['call'];
  const trustAfter = createTrustAfter({ trust: { current: () => home.trust() }, link: { call } });
  assert.deepEqual(await trustAfter(3), []);
  assert.deepEqual(await trustAfter(4), []);
  assert.deepEqual(await trustAfter(2), [home.versions[2]]);
  assert.deepEqual(asked, []);
  assert.deepEqual(await trustAfter(1), home.versions.slice(1));
  assert.deepEqual(asked, ['/v1/trust?after=1']);
  isUp = false;
  assert.deepEqual(await trustAfter(1), []);
});
