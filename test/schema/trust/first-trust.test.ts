import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import { acceptFirstTrust, acceptGenesisTrust, signTrust, type Trust } from '../../../schema/trust/read.ts';
import { maxTrustBytes } from '../../../schema/wire/limits.ts';
import type { TrustJws } from '../../../schema/wire/relay-api.ts';
import {
  digestOfJws,
  documentOf,
  genesis,
  judgeFirst,
  type Keys,
  makeKeys,
  reasonOf,
  signAny,
} from './sample.ts';

let keys: Keys;
let first: TrustDocument;
let current: Trust;

before(async () => {
  keys = await makeKeys();
  first = documentOf(keys);
  current = await genesis(first, [keys.desk]);
});

const root = (kid: string, key: keyof Keys) => ({ kid, jwk: keys[key].jwk });
const judge = (value: unknown): Promise<string> => judgeFirst(value, [keys.desk]);

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
    for (const value of broken) assert.equal(await judge(value), 'trust_malformed', JSON.stringify(value));
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
      assert.equal(await judge(rest), 'trust_malformed', `without ${member}`);
    }
  });

  test('threat 7: a document has its cap', async () => {
    const pad = ' '.repeat(maxTrustBytes - JSON.stringify(first).length);
    assert.equal(await judge(`${pad}${JSON.stringify(first)}`), 'accepted');
    assert.equal(await judge(`${pad} ${JSON.stringify(first)}`), 'trust_malformed');
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
      assert.equal(await judge(document), 'trust_key_weak');
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
      [
        who({
          controller: {
            ...controller,
            may: [
              { action: 'guest.start', on: ['gaming', 'devtop'], limit: '1/1h' },
              { action: 'guest.start', on: ['devtop'], limit: '9/1h' },
            ],
          },
        }),
        /granted guest.start on devtop twice/,
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
    const apart = [
      { action: 'guest.start', on: ['gaming'], limit: '1/1h' },
      { action: 'guest.start', on: ['devtop'], limit: '9/1h' },
    ];
    assert.equal(await judge(who({ controller: { ...controller, may: apart } })), 'accepted');
    const same = { ...router, host: 'pve2', vmid: 100 };
    assert.equal(await judge(guests({ other: same })), 'accepted', 'one VMID on two hosts');
  });
});
