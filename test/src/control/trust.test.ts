import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateKey } from '../../../schema/jose/keys.ts';
import type { TrustJws } from '../../../schema/wire/relay-api.ts';
import { makeControlHome, provedIf } from '../../support/control-home.ts';

test('versions that were signed while it was away are taken in one go, or none of them', async (t) => {
  const made = await makeControlHome(t);
  for (const host of ['a', 'b', 'c']) {
    await made.home.amend((document) => ({ ...document, mirror: `https://${host}.example.net/trust.jws` }));
  }
  const [, second, third, fourth] = made.home.versions;
  const upload = async (versions: readonly TrustJws[], proves = true) => {
    const answer = await made.control.trust.upload(versions, async () => provedIf(proves));
    return answer.ok ? answer.value.version : answer.reason;
  };
  assert.equal(await upload([second!, fourth!]), 'trust_version');
  assert.equal(await upload([second!, { ...third!, signatures: second!.signatures }]), 'trust_signature');
  assert.equal(await upload([second!, third!], false), 'operator_key_wrong');
  assert.equal((await made.control.trust.current())?.document.version, 1, 'nothing of them was taken');
  assert.equal(await upload([second!, third!]), 3);
  assert.equal(await upload(made.home.versions), 4, 'what it has is passed over');
  assert.equal(await upload([third!]), 'trust_version', 'an older one is no news');
  assert.deepEqual((await made.control.trust.chain(0)).versions, made.home.versions);
});

test('trust follows its chain, and a version of another controller is refused', async (t) => {
  const made = await makeControlHome(t);
  await made.home.amend((document) => ({ ...document, mirror: 'https://example.net/trust' }));
  await made.home.amend((document) => ({ ...document, mirror: null }));
  const [first, second, third] = made.home.versions;
  const upload = async (version = first!) => {
    const answer = await made.control.trust.upload([version], async () => provedIf(true));
    return answer.ok ? answer.value.version : answer.reason;
  };
  assert.equal(await upload(third), 'trust_version');
  assert.equal(await upload(second), 2);
  assert.equal(await upload(second), 2, 'the same again is answered the same');
  assert.equal(await upload(first), 'trust_version');
  assert.equal(await upload({ ...third!, signatures: second!.signatures }), 'trust_signature');
  const unproved = await made.control.trust.upload([third!], async () => provedIf(false));
  assert.equal(!unproved.ok && unproved.reason, 'operator_key_wrong');
  assert.equal(await upload(third), 3);
  assert.deepEqual((await made.control.trust.chain(1)).versions, [second, third]);
  await made.restart();
  assert.equal((await made.control.trust.current())?.document.version, 3);

  const stranger = (await generateKey()).signing;
  await made.home.amend((document) => {
    const { controller } = document.identities;
    assert.ok(controller?.kind === 'key');
    return {
      ...document,
      identities: { ...document.identities, controller: { ...controller, jwk: stranger.jwk } },
    };
  });
  assert.equal(await upload(made.home.versions[3]), 'controller_key_wrong');
});
