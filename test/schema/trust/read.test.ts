import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import {
  acceptFirstTrust,
  acceptGenesisTrust,
  acceptNextTrust,
  followTrustChain,
  signTrust,
  type Trust,
  trustExpired,
} from '../../../schema/trust/read.ts';
import { maxTrustBytes } from '../../../schema/wire/limits.ts';
import type { TrustJws } from '../../../schema/wire/relay-api.ts';
import { digestOfJws, documentOf, genesis, type Keys, makeKeys, signAny } from './sample.ts';

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
type Accepted = { ok: true } | { ok: false; reason: string; detail?: string };
const reasonOf = (result: Accepted): string => (result.ok ? 'accepted' : result.reason);
const judgeFirst = async (value: unknown, roots = [keys.desk]): Promise<string> => {
  const jws = await signAny(value, roots);
  return reasonOf(await acceptFirstTrust(jws, { digest: await digestOfJws(jws) }));
};
const judgeNext = async (value: unknown, roots = [keys.desk]): Promise<string> =>
  reasonOf(await acceptNextTrust(current, await signAny(value, roots)));

describe('the first trust document', () => {
  test('is taken by its digest, and its keys are found', async () => {
    const jws = await signTrust(first, [keys.desk, keys.paper]);
    const trust = await acceptFirstTrust(jws, { digest: await digestOfJws(jws) });
    assert.ok(trust.ok);
    assert.deepEqual(trust.value.document, first);
    assert.deepEqual(trust.value.jws, jws);
    assert.equal(trust.value.identities.get(keys.controller.kid)?.name, 'controller');
    assert.deepEqual([...trust.value.identities.values()].map(({ name }) => name).sort(), [
      'controller',
      'operator',
      'pve1',
      'pve2',
    ]);
    assert.equal(trust.value.identities.has(keys.desk.kid), false, 'a root is no identity');
  });

  test('threat 2: another document than was told is refused, well signed as it is', async () => {
    const jws = await signAny({ ...first, expires: '2030-01-01T00:00:00Z' }, [keys.desk]);
    assert.equal(reasonOf(await acceptFirstTrust(jws, { digest: current.digest })), 'trust_digest');
  });

  test('threat 2: without a signature of its own roots it is refused', async () => {
    const jws = await signAny(first, [keys.desk]);
    const digest = await digestOfJws(jws);
    const byOther = await signAny(first, [keys.operator]);
    const ofOther = await signAny({ ...first, threshold: 2 }, [keys.desk]);
    const [signature] = jws.signatures;
    assert.ok(signature !== undefined);
    for (const [signatures, reason] of [
      [[], 'trust_threshold'],
      [byOther.signatures, 'trust_threshold'],
      [ofOther.signatures, 'trust_signature'],
      [[{ ...signature, signature: encodeBase64url(new Uint8Array(64)) }], 'trust_signature'],
      [[{ ...signature, signature: '' }], 'trust_signature'],
      [[{ ...signature, protected: '' }], 'trust_signature'],
      [[signature, signature], 'trust_signature'],
      [[signature, ...byOther.signatures], 'accepted'],
    ] as const) {
      const judged = await acceptFirstTrust({ ...jws, signatures: [...signatures] }, { digest });
      assert.equal(reasonOf(judged), reason);
    }
    assert.equal(reasonOf(await acceptGenesisTrust({ ...jws, signatures: [] })), 'trust_threshold');
  });

  test('threat 6: signed as another kind it is refused', async () => {
    const bytes = new Uint8Array(Buffer.from(JSON.stringify(first)));
    const [header, payload, signature] = (await signJws('intent', bytes, keys.desk)).split('.');
    const jws: TrustJws = { payload: payload!, signatures: [{ protected: header!, signature: signature! }] };
    assert.equal(reasonOf(await acceptGenesisTrust(jws)), 'trust_signature');
  });

  test('threat 2: a document that is broken in any way is refused, and nothing is thrown', async () => {
    const text = JSON.stringify(first);
    const broken: unknown[] = [
      ...[
        '',
        ' ',
        'null',
        '[]',
        '{}',
        '"trust"',
        text.slice(0, -1),
        `${text}${text}`,
        text.slice(1),
        `\ufeff${text}`,
      ],
      text.replace('{', '{"home":"h_01JDZ0000000000000000000XX",'),
      text.replace('"house":{', '"house":{"__proto__":{},'),
      text.replace('"pve1":{', '"constructor":{'),
      { ...first, v: 2 },
      { ...first, home: 'home' },
      { ...first, version: 0 },
      { ...first, version: 1.5 },
      { ...first, version: '1' },
      { ...first, roots: [] },
      { ...first, roots: Array.from({ length: 9 }, (_, i) => root(`root-${i}`, 'desk')) },
      { ...first, threshold: 0 },
      { ...first, threshold: -1 },
      { ...first, origins: [] },
      { ...first, mirror: undefined },
      { ...first, comment: 'hello' },
      { ...first, house: { hosts: [], guests: {} } },
      { ...first, identities: [] },
      { ...first, house: { ...first.house, apps: {} } },
    ];
    for (const value of broken)
      assert.equal(await judgeFirst(value), 'trust_malformed', JSON.stringify(value));
    for (const payload of [
      '',
      '====',
      'not base64url!',
      `${encodeBase64url(text)}=`,
      `${encodeBase64url(text)}\n`,
    ]) {
      const jws = await signAny(first, [keys.desk]);
      assert.equal(reasonOf(await acceptGenesisTrust({ ...jws, payload })), 'trust_malformed', payload);
    }
    for (const member of Object.keys(first)) {
      const { [member as keyof TrustDocument]: _, ...rest } = first;
      assert.equal(await judgeFirst(rest), 'trust_malformed', `without ${member}`);
    }
  });

  test('threat 7: a document has its cap', async () => {
    const pad = ' '.repeat(maxTrustBytes - JSON.stringify(first).length);
    assert.equal(await judgeFirst(`${pad}${JSON.stringify(first)}`), 'accepted');
    assert.equal(await judgeFirst(`${pad} ${JSON.stringify(first)}`), 'trust_malformed');
  });

  test('an expiry is a UTC time that exists', async () => {
    for (const expires of ['2027-05-22T00:00:00Z', '2028-02-29T23:59:59Z', '2020-01-01T00:00:00Z']) {
      assert.equal(await judgeFirst({ ...first, expires }), 'accepted', expires);
    }
    for (const expires of [
      ...['2027-02-29T00:00:00Z', '2027-02-30T00:00:00Z', '2027-13-01T00:00:00Z', '2027-04-31T00:00:00Z'],
      ...['2027-05-22T24:00:00Z', '2027-05-22T00:60:00Z', '2027-05-22T23:59:60Z', '2027-00-10T00:00:00Z'],
      ...[
        '2027-05-22',
        '2027-05-22T00:00:00',
        '2027-05-22T00:00:00+00:00',
        '2027-05-22T00:00:00.000Z',
        'never',
        '',
      ],
      1_800_000_000_000,
      null,
    ]) {
      assert.equal(await judgeFirst({ ...first, expires }), 'trust_malformed', String(expires));
    }
  });

  test('addresses are https, or http on loopback, and hide nothing', async () => {
    for (const [member, good, bad] of [
      [
        'mirror',
        [
          'https://example.net/trust.jws',
          'http://127.0.0.1:8080/trust',
          'http://[::1]:1/',
          'http://localhost/x',
          null,
        ],
        [
          ...[
            'http://example.net/',
            'ftp://example.net/',
            'javascript:alert(1)',
            'file:///etc/passwd',
            'example.net',
            '',
          ],
          ...[
            'http://localhost:80@example.net/',
            'http://127.0.0.1:1@example.net/',
            'https://user:secret@example.net/',
          ],
          ...[
            'http://localhost.example.net/',
            'http://127.0.0.1.example.net/',
            `https://example.net/${'x'.repeat(500)}`,
          ],
        ],
      ],
      [
        'origins',
        [
          'https://example.net',
          'https://example.net:8420',
          'http://127.0.0.1:8420',
          'https://[fd7a::1]:8420',
        ],
        [
          ...[
            'https://example.net/',
            'https://example.net/x',
            'https://example.net?x',
            'https://example.net#x',
          ],
          ...[
            'https://user@example.net',
            'http://127.0.0.1:1@example.net',
            'http://example.net',
            'https://',
            '',
          ],
          ...['https://example.net:99999', 'https://EXAMPLE.net\\x'],
        ],
      ],
    ] as const) {
      const place = (url: string | null) => ({ ...first, [member]: member === 'origins' ? [{ url }] : url });
      for (const url of good) assert.equal(await judgeFirst(place(url)), 'accepted', String(url));
      for (const url of bad) assert.equal(await judgeFirst(place(url)), 'trust_malformed', url);
    }
    for (const alarm of [{ webhook: 'https://example.net/x' }, null]) {
      assert.equal(await judgeFirst({ ...first, alarm }), 'accepted');
    }
    for (const alarm of [
      {},
      { ntfy: 'https://a.net', webhook: 'https://a.net' },
      { mail: 'a@example.net' },
      'https://a.net',
    ]) {
      assert.equal(await judgeFirst({ ...first, alarm }), 'trust_malformed', JSON.stringify(alarm));
    }
  });

  test('kinds of identities that come later are refused until they do', async () => {
    const { controller } = first.identities;
    for (const identity of [
      { kind: 'github', repository_id: '1', may: [] },
      { kind: 'standing', may: [] },
      { kind: 'key', jwk: keys.spare.jwk },
      { kind: 'key', jwk: keys.spare.jwk, may: [], attests: ['time'] },
      { kind: 'relay', jwk: keys.spare.jwk, attests: ['time'] },
      { kind: 'relay', jwk: keys.spare.jwk, may: [] },
      { jwk: keys.spare.jwk, may: [] },
      { kind: 'key', jwk: { ...keys.spare.jwk, kid: 'x' }, may: [] },
    ]) {
      assert.equal(
        await judgeFirst({ ...first, identities: { controller, other: identity } }),
        'trust_malformed',
      );
    }
  });

  test('grants name actions and targets in full', async () => {
    const mayBe = (grant: unknown) => ({
      ...first,
      identities: { ...first.identities, operator: { kind: 'key', jwk: keys.operator.jwk, may: [grant] } },
    });
    const grant = { action: 'guest.stop', on: ['gaming'] };
    assert.equal(await judgeFirst(mayBe(grant)), 'accepted');
    // Unknown actions may stand there: an older relay takes the document, and they never match.
    assert.equal(await judgeFirst(mayBe({ ...grant, action: 'guest.explode' })), 'accepted');
    for (const other of [
      { action: 'guest.stop' },
      { action: 'guest.stop', on: [] },
      { action: 'guest.stop', on: 'gaming' },
      { action: 'guest.stop', on: ['*'] },
      { action: 'guest.*', on: ['gaming'] },
      { action: '*', on: ['gaming'] },
      { action: 'guest', on: ['gaming'] },
      { ...grant, params: {} },
      { ...grant, paths: ['/etc/**'] },
      ...['0/1h', '6/0h', '6/1s', '6', '6/1h ', '-1/1h', '6/1h/1h', '100000/1h', 6, null].map((limit) => ({
        ...grant,
        limit,
      })),
    ]) {
      assert.equal(await judgeFirst(mayBe(other)), 'trust_malformed', JSON.stringify(other));
    }
  });

  test('threat 24: a weak key anywhere in it refuses it whole', async () => {
    const weak = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(new Uint8Array(32)) };
    const { controller, ...others } = first.identities;
    for (const document of [
      { ...first, roots: [...first.roots, { kid: 'root-weak', jwk: weak }] },
      { ...first, identities: { ...first.identities, controller: { ...controller, jwk: weak } } },
      { ...first, identities: { controller, ...others, pve2: { kind: 'relay', jwk: weak } } },
      { ...first, identities: { ...first.identities, spare: { kind: 'key', jwk: weak, may: [] } } },
    ]) {
      assert.equal(await judgeFirst(document), 'trust_key_weak');
    }
  });

  test('a document that contradicts itself is refused, each time for a reason that is told', async () => {
    const { house, identities } = first;
    const hosts = (changes: object) => ({
      ...first,
      house: { ...house, hosts: { ...house.hosts, ...changes } },
    });
    const guests = (changes: object) => ({
      ...first,
      house: { ...house, guests: { ...house.guests, ...changes } },
    });
    const who = (changes: object) => ({ ...first, identities: { ...identities, ...changes } });
    const { pve2 } = house.hosts;
    const { router } = house.guests;
    const { controller, operator } = identities;
    assert.ok(
      pve2 !== undefined && router !== undefined && controller?.kind === 'key' && operator?.kind === 'key',
    );
    const { controller: _, ...without } = identities;
    const table: [unknown, RegExp][] = [
      [{ ...first, threshold: 3 }, /threshold is above/],
      [{ ...first, identities: without }, /no controller/],
      [who({ controller: { kind: 'relay', jwk: keys.controller.jwk } }), /no controller/],
      [{ ...first, previous: current.digest }, /only version 1/],
      [{ ...first, version: 2 }, /only version 1/],
      [who({ controller: { ...controller, may: [{ action: 'host.wake', on: ['pve2'] }] } }), /has no limit/],
      [who({ pve3: { kind: 'relay', jwk: keys.spare.jwk } }), /no host of the house/],
      [who({ gaming: { kind: 'relay', jwk: keys.spare.jwk } }), /no host of the house/],
      [
        who({ operator: { ...operator, may: [{ action: 'guest.stop', on: ['macos'] }] } }),
        /not of the house/,
      ],
      [
        who({ controller: { ...controller, may: [{ action: 'guest.start', on: ['x'], limit: '1/1h' }] } }),
        /not of the house/,
      ],
      [hosts({ gaming: { proxmox: true, sleeps: false } }), /is a host and a guest/],
      [hosts({ pve2: { ...pve2, wake_via: 'pve3' } }), /no other host/],
      [hosts({ pve2: { ...pve2, wake_via: 'pve2' } }), /no other host/],
      [hosts({ pve2: { ...pve2, wake_via: 'gaming' } }), /no other host/],
      [hosts({ pve2: { ...pve2, mac: undefined } }), /no mac or wake_address/],
      [hosts({ pve2: { ...pve2, wake_address: undefined } }), /no mac or wake_address/],
      [hosts({ pve1: { proxmox: true, sleeps: true } }), /nobody can wake it/],
      [guests({ router: { ...router, host: 'pve3' } }), /no host with Proxmox/],
      [guests({ router: { ...router, host: 'cloud' } }), /no host with Proxmox/],
      [guests({ router: { ...router, host: 'pve2', vmid: 102 } }), /two guests have VMID 102/],
      [who({ operator: { ...operator, jwk: keys.controller.jwk } }), /stands twice/],
      [who({ pve2: { kind: 'relay', jwk: keys.pve1.jwk } }), /stands twice/],
      [{ ...first, roots: [root('root-desk', 'desk'), root('root-desk', 'paper')] }, /stands twice/],
      [{ ...first, roots: [root('root-desk', 'desk'), root('root-two', 'desk')] }, /stands twice/],
      [
        { ...first, roots: [root('root-desk', 'desk'), root('root-two', 'controller')] },
        /is an identity as well/,
      ],
    ];
    for (const [document, why] of table) {
      const jws = await signAny(document, [keys.desk]);
      const judged = await acceptFirstTrust(jws, { digest: await digestOfJws(jws) });
      assert.equal(reasonOf(judged), 'trust_inconsistent', String(why));
      assert.match(judged.ok ? '' : (judged.detail ?? ''), why);
    }
    const same = { ...router, host: 'pve2', vmid: 100 };
    assert.equal(await judgeFirst(guests({ other: same })), 'accepted', 'one VMID on two hosts');
  });

  test('facts about hosts have one form', async () => {
    const { house } = first;
    const withHost = (changes: object) => ({
      ...first,
      house: { ...house, hosts: { ...house.hosts, pve2: { ...house.hosts.pve2, ...changes } } },
    });
    for (const [changes, reason] of [
      [{ wake_address: '192.0.2.255:9' }, 'accepted'],
      [{ wake_address: '255.255.255.255:65535' }, 'accepted'],
      [{ wake_address: '256.0.2.255' }, 'trust_malformed'],
      [{ wake_address: '192.0.2.255:65536' }, 'trust_malformed'],
      [{ wake_address: '192.0.2.255:0' }, 'trust_malformed'],
      [{ wake_address: '192.0.2' }, 'trust_malformed'],
      [{ wake_address: 'broadcast' }, 'trust_malformed'],
      [{ wake_address: '192.0.2.255; reboot' }, 'trust_malformed'],
      [{ mac: '02:00:00:00:00:0G' }, 'trust_malformed'],
      [{ mac: '02:00:00:00:00:AA' }, 'trust_malformed'],
      [{ mac: '02-00-00-00-00-02' }, 'trust_malformed'],
      [{ sleeps: 'yes' }, 'trust_malformed'],
      [{ proxmox: undefined }, 'trust_malformed'],
      [{ title: 'x'.repeat(61) }, 'trust_malformed'],
    ] as const) {
      assert.equal(await judgeFirst(withHost(changes)), reason, JSON.stringify(changes));
    }
  });
});

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
      assert.equal(await judgeNext(nextOf(), [stranger]), 'trust_signature');
      assert.equal(await judgeNext(nextOf(), [keys.desk, stranger]), 'trust_signature');
    }
    const jws = await signAny(nextOf(), [keys.desk]);
    const other = await signAny(nextOf({ mirror: null }), [keys.paper]);
    const mixed = { ...jws, signatures: [...jws.signatures, ...other.signatures] };
    assert.equal(reasonOf(await acceptNextTrust(current, mixed)), 'trust_signature');
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
    assert.deepEqual(nothing, { trust: current, refusal: null });

    for (const payload of [
      '',
      '!',
      encodeBase64url('null'),
      encodeBase64url('{"version":"9"}'),
      encodeBase64url('{'),
    ]) {
      const odd = await followTrustChain(current, [{ payload, signatures: versions[0]!.signatures }]);
      assert.equal(odd.refusal?.reason, 'trust_malformed', payload);
    }
  });

  test('it is expired from the very millisecond on', () => {
    const at = Date.parse(first.expires);
    assert.equal(trustExpired(current, at - 1), false);
    assert.equal(trustExpired(current, at), true);
    assert.equal(trustExpired(current, at + 1), true);
  });
});
