import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import {
  acceptFirstTrust,
  acceptGenesisTrust,
  acceptNextTrust,
  followTrustChain,
  type Trust,
} from '../../../schema/trust/read.ts';
import { maxTrustBytes } from '../../../schema/wire/limits.ts';
import { digestOfJws, documentOf, genesis, type Keys, makeKeys, signAny } from './sample.ts';

let keys: Keys;
let first: TrustDocument;
let current: Trust;

before(async () => {
  keys = await makeKeys();
  first = documentOf(keys);
  current = await genesis(first, [keys.desk]);
});

const refusal = (reason: string, detail?: string) =>
  detail === undefined ? { ok: false, reason } : { ok: false, reason, detail };
const sign = (document: unknown, ...roots: (keyof Keys)[]) =>
  signAny(
    document,
    roots.map((name) => keys[name]),
  );
const takeFirst = async (document: unknown, ...roots: (keyof Keys)[]) => {
  const jws = await sign(document, ...roots);
  return acceptFirstTrust(jws, { digest: await digestOfJws(jws) });
};
const nextOf = (changes: Partial<TrustDocument> = {}): TrustDocument => ({
  ...first,
  version: 2,
  previous: current.digest,
  ...changes,
});
const takeNext = async (document: unknown, ...roots: (keyof Keys)[]) =>
  acceptNextTrust(current, await sign(document, ...roots));

describe('why a trust document is refused', () => {
  test('as the first', async () => {
    const weak = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(new Uint8Array(32)) };
    const operator = { ...first.identities.operator, jwk: weak };
    for (const [document, reason, detail] of [
      [
        { ...first, identities: { ...first.identities, operator } },
        'trust_key_weak',
        'the key of operator: the point is of small order',
      ],
      [
        { ...first, roots: [{ kid: 'root-weak', jwk: weak }] },
        'trust_key_weak',
        'the root root-weak: the point is of small order',
      ],
      [
        { ...first, roots: [...first.roots, { kid: 'root-three', jwk: keys.operator.jwk }] },
        'trust_inconsistent',
        'the root root-three stands twice, or is an identity as well',
      ],
      [
        { ...first, identities: { ...first.identities, spare: first.identities.operator } },
        'trust_inconsistent',
        'the key of spare stands twice',
      ],
      ['{', 'trust_malformed', 'malformed JSON at character 1'],
    ] as const) {
      assert.deepEqual(await takeFirst(document, 'desk'), refusal(reason, detail));
    }
    assert.deepEqual(await takeFirst(first, 'spare'), refusal('trust_threshold'));
    const jws = await sign(first, 'desk');
    assert.deepEqual(
      await acceptFirstTrust({ ...jws, payload: '!' }, { digest: current.digest }),
      refusal('trust_malformed', 'the payload is not canonical base64url'),
    );
    assert.deepEqual(
      await acceptFirstTrust(jws, { digest: `sha256:${'0'.repeat(64)}` }),
      refusal('trust_digest', 'it is not the document that was told'),
    );
    assert.deepEqual(
      await takeFirst(first, 'desk', 'desk'),
      refusal('trust_signature', 'one root signed twice'),
    );
    const other = await sign({ ...first, mirror: null }, 'desk');
    assert.deepEqual(
      await acceptFirstTrust({ ...jws, signatures: other.signatures }, { digest: current.digest }),
      refusal('trust_signature', 'a signature does not verify (jws_signature)'),
    );
  });

  test('as version 1', async () => {
    const second = await sign(nextOf(), 'desk');
    assert.deepEqual(await acceptGenesisTrust(second), refusal('trust_version', 'it is not version 1'));
    const taken = await acceptGenesisTrust(current.jws);
    assert.deepEqual(taken.ok && taken.value.jws, current.jws);
  });

  test('as the next', async () => {
    const fresh = { roots: [{ kid: 'root-new', jwk: keys.spare.jwk }] };
    for (const [document, roots, reason, detail] of [
      [nextOf(), ['spare'], 'trust_threshold', 'too few of the old roots signed it'],
      [nextOf(fresh), ['desk'], 'trust_threshold', 'too few of the new roots signed it'],
      [nextOf({ home: 'h_01JDZ0000000000000000000XX' }), ['desk'], 'trust_home', 'it is of another home'],
      [nextOf({ version: 4 }), ['desk'], 'trust_version', 'version 4 does not follow 1'],
      [
        nextOf({ previous: `sha256:${'0'.repeat(64)}` }),
        ['desk'],
        'trust_chain',
        'it does not follow the version in force',
      ],
      [nextOf(), ['desk', 'spare'], 'trust_signature', 'a signature does not verify (jws_key_unknown)'],
    ] as const) {
      assert.deepEqual(await takeNext(document, ...roots), refusal(reason, detail));
    }
  });

  test('a version in force that does not parse any more takes no next', async () => {
    const broken = { ...current, jws: { ...current.jws, payload: '!' } };
    assert.deepEqual(
      await acceptNextTrust(broken, await sign(nextOf(), 'desk')),
      refusal('trust_malformed', 'the payload is not canonical base64url'),
    );
  });

  test('threat 7: a signature over twice the size of a document is not looked at', async () => {
    // base64url of the largest document, with a header and a signature, is within the cap on signatures.
    const pad = ' '.repeat(maxTrustBytes - JSON.stringify(nextOf()).length);
    assert.equal((await takeNext(pad + JSON.stringify(nextOf()), 'desk')).ok, true);
    const huge = await takeNext(' '.repeat(maxTrustBytes * 2), 'desk');
    assert.deepEqual(huge, refusal('trust_signature', 'a signature does not verify (jws_too_large)'));
  });

  test('a chain tells what was taken, and why it ends', async () => {
    const second = await sign(nextOf(), 'desk');
    const fourth = await sign({ ...nextOf({ version: 4 }) }, 'desk');
    const followed = await followTrustChain(current, [current.jws, second, second, fourth]);
    assert.deepEqual(followed.accepted, [second]);
    assert.equal(followed.trust.digest, await digestOfJws(second));
    assert.deepEqual(followed.refusal, refusal('trust_version', 'version 4 does not follow 2'));
    // What only looks like an older version is not passed over: it is refused, and told.
    const odd = await sign({ ...first, version: '1' }, 'desk');
    const stopped = await followTrustChain(current, [odd, second]);
    assert.equal(stopped.refusal?.reason, 'trust_malformed');
    assert.deepEqual(stopped.accepted, []);
  });
});
