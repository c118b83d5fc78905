import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import { evaluateOrder, keyOf, releasableTargets } from '../../../schema/trust/evaluate.ts';
import { acceptFirstTrust } from '../../../schema/trust/read.ts';
import type { ReleaseOrder } from '../../../schema/wire/release-order.ts';
import { digestOfJws, documentOf, genesis, home, type Keys, makeKeys, signAny } from './sample.ts';

type Workflow = Extract<TrustDocument['identities'][string], { kind: 'github' }>;

const releases = (...on: string[]) => ({ action: 'release.apply', on, paths: ['/etc/opt/**'] });
const deploys: Workflow = {
  kind: 'github',
  repository_id: '1296269',
  repository_owner_id: '583231',
  workflow: '.github/workflows/writ.yml',
  ref: 'refs/heads/main',
  event_name: ['push'],
  environment: 'home',
  min_run: 0,
  may: [releases('gaming', 'router')],
};
const others: readonly Partial<Workflow>[] = [
  { repository_id: '1296270' },
  { workflow: '.github/workflows/other.yml' },
  { ref: 'refs/heads/next' },
  { environment: 'other' },
  { issuer: 'https://github.example.net/_services/token' },
];

let keys: Keys;

before(async () => {
  keys = await makeKeys();
});

const naming = (...workflows: readonly Partial<Workflow>[]): TrustDocument => {
  const document = documentOf(keys);
  for (const [index, changes] of workflows.entries()) {
    document.identities[`deploys${index}`] = { ...deploys, ...changes };
  }
  return document;
};

async function told(document: unknown): Promise<string> {
  const jws = await signAny(document, [keys.desk]);
  const judged = await acceptFirstTrust(jws, { digest: await digestOfJws(jws) });
  return judged.ok ? 'accepted' : `${judged.reason}: ${judged.detail}`;
}

const orderOf = (...parts: [target: string, relay: string][]): ReleaseOrder => ({
  v: 1,
  home,
  release: `sha256:${'e'.repeat(64)}`,
  commit: 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00',
  order: { run_id: 1, run_attempt: 1, desk: 0 },
  issued_at: 1,
  parts: parts.map(([target, relay]) => ({ relay, target, digest: `sha256:${'a'.repeat(64)}` })),
});

describe('a workflow of GitHub in a trust document', () => {
  test('stands beside others that differ from it, and not twice', async () => {
    assert.equal(await told(naming({}, ...others)), 'accepted');
    const twice = 'trust_inconsistent: the workflow of deploys1 stands twice';
    // What else tokens must say makes no other workflow: the first that fits would be the one that counts.
    for (const same of [{}, { event_name: ['schedule' as const] }, { min_run: 7 }, { may: [] }]) {
      assert.equal(await told(naming({}, same)), twice);
    }
    const issuer = 'https://token.actions.githubusercontent.com';
    assert.equal(
      await told(naming({}, { issuer })),
      twice,
      'GitHub’s own is the one that is meant without a word',
    );
  });

  test('threat 1: orders releases alone, each right once, of targets of the house', async () => {
    for (const [may, why] of [
      [
        [releases('gaming'), { ...releases('gaming'), action: 'guest.start' }],
        'deploys0 is a workflow of GitHub, which may order releases alone',
      ],
      [[releases('gaming'), releases('gaming')], 'deploys0 is granted release.apply on gaming twice'],
      [[releases('nobody')], 'deploys0 is granted release.apply on nobody, which is not of the house'],
    ] as const) {
      assert.equal(await told(naming({ may: [...may] })), `trust_inconsistent: ${why}`);
    }
  });

  test('threat 6: releases what it is granted, and to virtual machines alone', async () => {
    const document = naming({ may: [releases('gaming', 'router', 'pve1')] });
    document.house.guests.router!.kind = 'lxc';
    const trust = await genesis(document, [keys.desk]);
    const judge = (...parts: [string, string][]) => evaluateOrder(trust, 'deploys0', orderOf(...parts));
    assert.deepEqual(judge(['gaming', 'pve2']), { ok: true, value: true });
    for (const [target, relay] of [
      ['pve1', 'pve1'],
      ['router', 'pve1'],
      ['nobody', 'pve1'],
      ['constructor', 'pve1'],
    ] as const) {
      const refused = {
        ok: false,
        reason: 'not_granted',
        detail: `a workflow releases to virtual machines alone, and ${target} is none`,
      };
      assert.deepEqual(judge(['gaming', 'pve2'], [target, relay]), refused);
    }
    assert.deepEqual(judge(['devtop', 'pve2']), {
      ok: false,
      reason: 'not_granted',
      detail: 'deploys0 may not order release.apply on devtop',
    });
    assert.deepEqual(releasableTargets(document, 'pve2'), ['gaming']);
    assert.deepEqual(
      [...trust.identities.values()].map(({ name }) => name),
      ['controller', 'operator', 'pve1', 'pve2'],
      'and it has no key',
    );
    assert.equal(keyOf(trust, 'key', 'deploys0')(keys.spare.kid), undefined);
  });
});

test('a relay may attest time, and nothing else', async () => {
  const document = documentOf(keys);
  const notary = (attests: readonly string[]) => ({
    ...document,
    identities: { ...document.identities, pve1: { ...document.identities.pve1, attests } },
  });
  assert.equal(await told(notary(['time'])), 'accepted');
  for (const attests of [[], ['all'], ['time', 'time']]) {
    assert.match(await told(notary(attests)), /^trust_malformed: identities\.pve1\.attests/);
  }
});
