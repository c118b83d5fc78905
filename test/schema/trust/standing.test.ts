import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { acceptFirstTrust } from '../../../schema/trust/read.ts';
import { digestOfJws, documentOf, type Keys, makeKeys, signAny } from './sample.ts';

let keys: Keys;

before(async () => {
  keys = await makeKeys();
});

async function told(document: unknown): Promise<string> {
  const jws = await signAny(document, [keys.desk]);
  const judged = await acceptFirstTrust(jws, { digest: await digestOfJws(jws) });
  return judged.ok ? 'accepted' : `${judged.reason}: ${judged.detail}`;
}

test('what relays do by themselves is one identity of that name, with a limit on each grant', async () => {
  const heal = { action: 'release.heal', on: ['gaming'], limit: '4/1d' };
  const standing = (name: string, ...may: object[]) => {
    const document = documentOf(keys);
    return { ...document, identities: { ...document.identities, [name]: { kind: 'standing', may } } };
  };
  assert.equal(await told(standing('standing', heal)), 'accepted');
  assert.equal(await told(standing('standing')), 'accepted');
  for (const [document, why] of [
    [standing('other', heal), 'other is of kind standing, which only standing may be'],
    [
      standing('standing', heal, { ...heal, on: ['router'], limit: undefined }),
      'the grant of release.heal to standing has no limit',
    ],
    [standing('standing', heal, heal), 'standing is granted release.heal on gaming twice'],
  ] as const) {
    assert.equal(await told(document), `trust_inconsistent: ${why}`);
  }
});
