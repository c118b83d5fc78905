import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import { acceptNextTrust, followTrustChain, type Trust, trustExpired } from '../../../schema/trust/read.ts';
import type { TrustJws } from '../../../schema/wire/relay-api.ts';
import { digestOfJws, documentOf, genesis, type Keys, makeKeys, reasonOf, signAny } from './sample.ts';

let keys: Keys;
let first: TrustDocument;
let current: Trust;

before(async () => {
  keys = await makeKeys();
  first = documentOf(keys);
  current = await genesis(first, [keys.desk]);
});

const root = (kid: string, key: keyof Keys) => ({ kid, jwk: keys[key].jwk });
const nextOf = (changes: Partial<TrustDocument> = {}): TrustDocument => ({
  ...first,
  version: 2,
  previous: current.digest,
  ...changes,
});
const judgeNext = async (value: unknown, roots = [keys.desk]): Promise<string> =>
  reasonOf(await acceptNextTrust(current, await signAny(value, roots)));

describe('the version that follows', () => {
  test('is signed by an old root that is a new root as well', async () => {
    assert.equal(await judgeNext(nextOf()), 'accepted');
    assert.equal(await judgeNext(nextOf(), [keys.paper]), 'accepted');
    assert.equal(await judgeNext(nextOf(), [keys.desk, keys.paper]), 'accepted');
  });

  test('threat 11: no version is skipped, repeated or gone back to', async () => {
    for (const version of [1, 3, 4, 1000]) {
      const previous = version === 1 ? null : current.digest;
      assert.equal(await judgeNext(nextOf({ version, previous })), 'trust_version', String(version));
    }
  });

  test('threat 3: an older version is refused by a chain, and passed over by one that goes on', async () => {
    const second = await signAny(nextOf(), [keys.desk]);
    const accepted = await acceptNextTrust(current, second);
    assert.ok(accepted.ok);
    assert.equal(reasonOf(await acceptNextTrust(accepted.value, current.jws)), 'trust_version');
    assert.equal(reasonOf(await acceptNextTrust(accepted.value, second)), 'trust_version');
    const { trust, refusal } = await followTrustChain(accepted.value, [current.jws, second]);
    assert.equal(trust.document.version, 2);
    assert.equal(refusal, null);
  });

  test('threat 11: it names the very version before it', async () => {
    const other = await signAny({ ...first, expires: '2029-01-01T00:00:00Z' }, [keys.desk]);
    assert.equal(await judgeNext(nextOf({ previous: await digestOfJws(other) })), 'trust_chain');
  });

  test('threat 6: of another home it is refused', async () => {
    assert.equal(await judgeNext(nextOf({ home: 'h_01JDZ0000000000000000000XX' })), 'trust_home');
  });

  test('threat 11: new roots alone do not make themselves', async () => {
    const roots = [root('root-new', 'spare')];
    assert.equal(await judgeNext(nextOf({ roots }), [keys.spare]), 'trust_threshold');
  });

  test('threat 11: old roots alone do not bind new ones', async () => {
    const roots = [root('root-new', 'spare')];
    assert.equal(await judgeNext(nextOf({ roots }), [keys.desk]), 'trust_threshold');
    assert.equal(await judgeNext(nextOf({ roots }), [keys.desk, keys.paper]), 'trust_threshold');
    assert.equal(await judgeNext(nextOf({ roots }), [keys.desk, keys.spare]), 'accepted');
  });

  test('threat 11: both thresholds count, each by unique keys of its own roots', async () => {
    const three = [root('root-desk', 'desk'), root('root-paper', 'paper'), root('root-spare', 'spare')];
    assert.equal(await judgeNext(nextOf({ roots: three, threshold: 2 }), [keys.desk]), 'trust_threshold');
    assert.equal(
      await judgeNext(nextOf({ roots: three, threshold: 2 }), [keys.desk, keys.spare]),
      'accepted',
    );

    const strict = await genesis({ ...first, roots: three, threshold: 2 }, [keys.desk, keys.paper]);
    const after = { ...first, version: 2, previous: strict.digest, roots: three };
    for (const [threshold, roots, reason] of [
      [1, [keys.desk], 'trust_threshold'],
      [1, [keys.desk, keys.paper], 'accepted'],
      [2, [keys.paper, keys.spare], 'accepted'],
      [3, [keys.paper, keys.spare], 'trust_threshold'],
      [3, [keys.desk, keys.paper, keys.spare], 'accepted'],
    ] as const) {
      const jws = await signAny({ ...after, threshold }, roots);
      assert.equal(reasonOf(await acceptNextTrust(strict, jws)), reason, `${threshold} by ${roots.length}`);
    }
    // two new roots and one old one reach the new threshold, not the old
    const changed = [root('root-desk', 'desk'), root('root-new', 'operator')];
    const { operator: _, ...identities } = first.identities;
    const jws = await signAny({ ...after, identities, roots: changed, threshold: 2 }, [
      keys.desk,
      keys.operator,
    ]);
    assert.equal(reasonOf(await acceptNextTrust(strict, jws)), 'trust_threshold');
  });

  test('threat 11: two signatures by one key count as none', async () => {
    const three = [root('root-desk', 'desk'), root('root-paper', 'paper'), root('root-spare', 'spare')];
    const strict = await genesis({ ...first, roots: three, threshold: 2 }, [keys.desk, keys.paper]);
    const after = { ...first, version: 2, previous: strict.digest, roots: three, threshold: 2 };
    const jws = await signAny(after, [keys.desk, keys.desk]);
    assert.equal(reasonOf(await acceptNextTrust(strict, jws)), 'trust_signature');
    // the same key under another name would be a second root: refused as inconsistent, see above
    const again = await signAny(after, [keys.desk, keys.paper, keys.desk]);
    assert.equal(reasonOf(await acceptNextTrust(strict, again)), 'trust_signature');
  });

  test('threat 11: a signature by a stranger, or one that does not verify, refuses the version', async () => {
    for (const stranger of [keys.spare, keys.operator, keys.controller, keys.pve1]) {
      assert.equal(await judgeNext(nextOf(), [stranger]), 'trust_threshold');
      assert.equal(await judgeNext(nextOf(), [keys.desk, stranger]), 'trust_signature');
    }
    const jws = await signAny(nextOf(), [keys.desk]);
    const other = await signAny(nextOf({ mirror: null }), [keys.paper]);
    const mixed = { ...jws, signatures: [...jws.signatures, ...other.signatures] };
    assert.equal(reasonOf(await acceptNextTrust(current, mixed)), 'trust_signature');
  });

  test('threat 7: nothing is read of a document that the old roots did not sign', async () => {
    const weak = { ...nextOf(), identities: { ...first.identities, controller: { kind: 'nobody' } } };
    assert.equal(
      reasonOf(await acceptNextTrust(current, await signAny(weak, [keys.spare]))),
      'trust_threshold',
    );
    assert.equal(
      reasonOf(await acceptNextTrust(current, await signAny(weak, [keys.desk]))),
      'trust_malformed',
    );
  });

  test('threat 2: one that cannot be read is refused, and the one in force stays', async () => {
    const later = { ...nextOf(), identities: { ...first.identities, deploys: { kind: 'github', may: [] } } };
    const jws = await signAny(later, [keys.desk]);
    assert.equal(reasonOf(await acceptNextTrust(current, jws)), 'trust_malformed');
    const { trust, refusal } = await followTrustChain(current, [jws]);
    assert.equal(trust, current);
    assert.equal(refusal?.reason, 'trust_malformed');
  });

  test('a chain is followed as far as it goes, through versions that have expired', async () => {
    const versions: TrustJws[] = [];
    let { digest } = current;
    for (const [version, expires] of [
      [2, '2020-01-01T00:00:00Z'],
      [3, '2021-01-01T00:00:00Z'],
      [4, '2028-01-01T00:00:00Z'],
    ] as const) {
      const jws = await signAny({ ...first, version, previous: digest, expires }, [keys.desk]);
      digest = await digestOfJws(jws);
      versions.push(jws);
    }
    const whole = await followTrustChain(current, [current.jws, ...versions]);
    assert.equal(whole.trust.document.version, 4);
    assert.equal(whole.refusal, null);

    const gap = await followTrustChain(current, [versions[0]!, versions[2]!]);
    assert.equal(gap.trust.document.version, 2);
    assert.equal(gap.refusal?.reason, 'trust_version');

    const backwards = await followTrustChain(current, [...versions].reverse());
    assert.equal(backwards.trust.document.version, 1);
    assert.equal(backwards.refusal?.reason, 'trust_version');

    const nothing = await followTrustChain(current, []);
    assert.deepEqual(nothing, { trust: current, accepted: [], refusal: null });

    for (const payload of [
      '',
      '!',
      encodeBase64url('null'),
      encodeBase64url('{"version":"9"}'),
      encodeBase64url('{'),
    ]) {
      const odd = await followTrustChain(current, [{ payload, signatures: versions[0]!.signatures }]);
      assert.equal(odd.refusal?.reason, 'trust_signature', payload);
    }
  });

  test('it is expired from the very millisecond on', () => {
    const at = Date.parse(first.expires);
    assert.equal(trustExpired(current, at - 1), false);
    assert.equal(trustExpired(current, at), true);
    assert.equal(trustExpired(current, at + 1), true);
  });
});
