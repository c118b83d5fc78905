import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { signJws } from '../../../schema/jose/jws.ts';
import type { SigningKey } from '../../../schema/jose/keys.ts';
import type { TimeAttestation } from '../../../schema/wire/time.ts';
import { makeControlHome } from '../../support/control-home.ts';
import { testDigest } from '../../support/relay-home.ts';
import { bringTrust } from '../../support/releases.ts';
import { draftDeployment, putText } from '../../support/stored-releases.ts';

const token = testDigest('a');
const minuteMs = 60_000;

/** A control plane with one order that waits by a token, of which pve1, and pve1 alone, is a notary. */
async function open(t: TestContext) {
  const made = await makeControlHome(t);
  const { home, store, clock } = made;
  await home.amend((document) => {
    const { pve1 } = document.identities;
    assert.ok(pve1?.kind === 'relay');
    return { ...document, identities: { ...document.identities, pve1: { ...pve1, attests: ['time'] } } };
  });
  await bringTrust(made);
  const expires = clock.now() + 5 * minuteMs;
  const digest = await putText(store, 'part');
  const draft = await draftDeployment([{ target: 'websvcs', digest }], { release: digest });
  const accepted = await store.deployments.accept({ ...draft, token: { digest: token, expiresMs: expires } });
  assert.equal(accepted, 'accepted');
  const { id } = draft.deployment;
  const attest = (changes: Partial<TimeAttestation> = {}, by: SigningKey = home.relays.pve1!.signing) =>
    signJws('time', { home: home.id, token, seen: clock.now(), seq: 1, ...changes }, by);
  return {
    made,
    expires,
    attest,
    bring: (name: string, ...times: string[]) => made.control.relay.times(made.relay(name).caller, times),
    kept: async () => (await store.deployments.signed([id])).get(id)!.time,
    waiting: () => store.deployments.tokens(clock.now()),
  };
}

test('a notary’s first attestation of a token is kept, as it was signed', async (t) => {
  const { made, attest, bring, kept, waiting } = await open(t);
  assert.deepEqual([await kept(), await waiting()], [null, [token]]);
  const first = await attest();
  await bring('pve1', first);
  assert.deepEqual([await kept(), await waiting()], [first, []]);
  made.clock.advance(minuteMs);
  await bring('pve1', await attest({ seq: 2 }));
  assert.equal(await kept(), first);
});

test('threat 22: what does not verify as that notary’s word of this home is passed over, and the next is read', async (t) => {
  const { made, expires, attest, bring, kept } = await open(t);
  const { home, clock } = made;
  const good = await attest();
  await bring('pve2', await attest({}, home.relays.pve2!.signing), good);
  for (const bad of [
    await attest({}, home.relays.pve2!.signing),
    await attest({}, home.controller),
    await attest({ home: `h_${'0'.repeat(26)}` }),
    await attest({ seen: clock.now() + 30_001 }),
    await attest({ token: testDigest('b') }),
    await attest({ more: 1 } as object),
    await signJws('report', { home: home.id, token, seen: clock.now(), seq: 1 }, home.relays.pve1!.signing),
    `${good}x`,
    '',
  ]) {
    await bring('pve1', bad);
    assert.equal(await kept(), null, bad);
  }
  // Too late for the token: it would prove nothing, and keep out the word of another that does.
  clock.advance(expires - clock.now() + 30_000);
  await bring('pve1', await attest());
  assert.equal(await kept(), null);
  const late = await attest({ seen: expires + 29_999 });
  await bring('pve1', 'x', late);
  assert.equal(await kept(), late);
});
