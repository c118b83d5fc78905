import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { controllerName, operatorName, type TrustDocument } from '../../../schema/trust/document.ts';
import { readLimit } from '../../../schema/trust/grant.ts';
import { acceptFirstTrust } from '../../../schema/trust/read.ts';
import { digestOfJws, documentOf, type Keys, makeKeys, signAny } from './sample.ts';

let keys: Keys;
let first: TrustDocument;

before(async () => {
  keys = await makeKeys();
  first = documentOf(keys);
});

/** `accepted`, or the sentence that says why not. */
async function told(document: unknown): Promise<string> {
  const jws = await signAny(document, [keys.desk]);
  const judged = await acceptFirstTrust(jws, { digest: await digestOfJws(jws) });
  return judged.ok ? 'accepted' : `${judged.reason}: ${judged.detail}`;
}

const withHost = (changes: object) => ({
  ...first,
  house: { ...first.house, hosts: { ...first.house.hosts, pve2: { ...first.house.hosts.pve2, ...changes } } },
});
const withGuest = (changes: object) => ({
  ...first,
  house: {
    ...first.house,
    guests: { ...first.house.guests, router: { ...first.house.guests.router, ...changes } },
  },
});
const withGrant = (limit: string) => ({
  ...first,
  identities: {
    ...first.identities,
    operator: {
      kind: 'key',
      jwk: keys.operator.jwk,
      may: [{ action: 'guest.stop', on: ['gaming'], limit }],
    },
  },
});
const withOrigin = (origin: object) => ({ ...first, origins: [origin] });

describe('what a document that is refused is told', () => {
  test('the member, and the form that it must have', async () => {
    const time = 'trust_malformed: expires: must be a UTC time such as 2027-05-22T00:00:00Z';
    const address = 'house.hosts.pve2.wake_address: must be an IPv4 address, with :port';
    const web = 'must be https (http on loopback only)';
    const grant = 'identities.operator.may.0.limit: must be such as 6/1h';
    for (const [document, sentence] of [
      [{ ...first, expires: '2027-05-22' }, time],
      [{ ...first, expires: 'x2027-05-22T00:00:00Z' }, time],
      [{ ...first, expires: '2027-05-22T00:00:00Zx' }, time],
      [{ ...first, expires: '2027-02-30T00:00:00Z' }, 'trust_malformed: expires: must be a time that exists'],
      [{ ...first, expires: '2027-99-30T00:00:00Z' }, 'trust_malformed: expires: must be a time that exists'],
      [{ ...first, mirror: 'http://example.net/' }, `trust_malformed: mirror: ${web}`],
      [{ ...first, mirror: 'xhttps://example.net/' }, `trust_malformed: mirror: ${web}`],
      [
        { ...first, mirror: `https://example.net/${'x'.repeat(481)}` },
        'trust_malformed: mirror: Invalid length: Expected <=500',
      ],
      [{ ...first, mirror: 'xhttp://127.0.0.1/' }, `trust_malformed: mirror: ${web}`],
      [{ ...first, mirror: 'ftp://example.net/http://localhost/' }, `trust_malformed: mirror: ${web}`],
      [
        { ...first, mirror: 'https://user@example.net/' },
        'trust_malformed: mirror: must not hold a user or password',
      ],
      [
        { ...first, mirror: 'https://:secret@example.net/' },
        'trust_malformed: mirror: must not hold a user or password',
      ],
      [withHost({ wake_address: '192.0.2' }), `trust_malformed: ${address}`],
      [withHost({ wake_address: 'x192.0.2.255' }), `trust_malformed: ${address}`],
      [withHost({ wake_address: '192.0.2.255:9x' }), `trust_malformed: ${address}`],
      [withHost({ wake_address: ' 192.0.2.255' }), `trust_malformed: ${address}`],
      [withHost({ wake_address: '0x10.0.2.255' }), `trust_malformed: ${address}`],
      [withHost({ wake_address: '192.0.2.255.1' }), `trust_malformed: ${address}`],
      [withHost({ wake_address: '192.0.2.255:9:1' }), `trust_malformed: ${address}`],
      [withHost({ wake_address: '192.0.2.256' }), `trust_malformed: ${address}`],
      [withHost({ wake_address: '192.0.2.255:65536' }), `trust_malformed: ${address}`],
      [
        withHost({ mac: '02:00:00:00:00:AA' }),
        'trust_malformed: house.hosts.pve2.mac: must be a MAC in lower case',
      ],
      [
        withHost({ mac: 'x02:00:00:00:00:02' }),
        'trust_malformed: house.hosts.pve2.mac: must be a MAC in lower case',
      ],
      [
        withHost({ mac: '02:00:00:00:00:02:03' }),
        'trust_malformed: house.hosts.pve2.mac: must be a MAC in lower case',
      ],
      [withGrant('6'), `trust_malformed: ${grant}`],
      [withGrant('x6/1h'), `trust_malformed: ${grant}`],
      [
        withOrigin({ url: 'https://example.net/https://example.net' }),
        'trust_malformed: origins.0.url: must be scheme, host and port alone',
      ],
      [
        withOrigin({ url: 'https://example.net/path' }),
        'trust_malformed: origins.0.url: must be scheme, host and port alone',
      ],
    ] as const) {
      assert.equal(await told(document), sentence);
    }
  });

  test('what it may hold beside, it may', async () => {
    for (const document of [
      withHost({ title: 'x'.repeat(60) }),
      withHost({ wake_address: '10.20.30.40:1' }),
      withHost({ wake_address: '10.20.30.40:65535' }),
      withHost({ mac: 'ab:cd:ef:01:23:45' }),
      withGuest({ title: 'x'.repeat(60), kind: 'lxc', in_use: 'sessions', exclusive: ['gpu0'] }),
      withGuest({ identity: 'x' }),
      withGuest({ identity: 'x'.repeat(128) }),
      { ...first, mirror: `https://example.net/${'x'.repeat(480)}` },
      withGuest({ title: undefined, identity: undefined, exclusive: [] }),
      withGrant('99999/9999d'),
      withGrant('1/1m'),
      withOrigin({ url: 'https://example.net', spki: `sha256:${'0'.repeat(64)}` }),
      withOrigin({ url: 'https://[fd7a::1]' }),
      withOrigin({ url: 'http://[::1]:80' }),
      { ...first, alarm: { ntfy: 'https://ntfy.example.net/x' } },
      { ...first, alarm: { webhook: 'https://example.net/x' } },
    ]) {
      assert.equal(await told(document), 'accepted', JSON.stringify(document));
    }
  });

  test('facts about guests have one form', async () => {
    for (const [changes, member] of [
      [{ kind: 'vm' }, 'kind'],
      [{ vmid: 99 }, 'vmid'],
      [{ identity: '' }, 'identity'],
      [{ identity: 'x'.repeat(129) }, 'identity'],
      [{ exclusive: Array.from({ length: 17 }, (_, i) => `gpu${i}`) }, 'exclusive'],
      [{ exclusive: ['GPU'] }, 'exclusive.0'],
      [{ order: 10_001 }, 'order'],
      [{ order: -1 }, 'order'],
      [{ in_use: 'always' }, 'in_use'],
      [{ agent: 'yes' }, 'agent'],
      [{ title: 'x'.repeat(61) }, 'title'],
      [{ host: 'PVE' }, 'host'],
      [{ tags: [] }, 'tags'],
    ] as const) {
      const sentence = await told(withGuest(changes));
      assert.match(sentence, new RegExp(`^trust_malformed: house\\.guests\\.router\\.${member}[ :]`));
    }
  });

  test('the lists of a document have their length', async () => {
    const { controller } = first.identities;
    const root = first.roots[0]!;
    const may = Array.from({ length: 257 }, () => ({ action: 'guest.stop', on: ['gaming'] }));
    const withPaths = (paths: readonly string[]) => ({
      ...first,
      identities: {
        controller: { ...controller, may: [{ action: 'a.b', on: ['gaming'], limit: '1/1m', paths }] },
      },
    });
    const longest = `/${'x'.repeat(255)}`;
    assert.equal(await told(withPaths(Array(256).fill(longest))), 'accepted');
    for (const [path, sentence] of [
      ['etc/x', 'must be an absolute path of plain letters, with * or **'],
      ['/etc/a**', 'must have ** as a whole part, and no part that is . or ..'],
    ] as const) {
      const place = 'trust_malformed: identities.controller.may.0.paths.0';
      assert.equal(await told(withPaths([path])), `${place}: ${sentence}`);
    }
    const reader = await identityToRecipient(await generateX25519Identity());
    for (const count of [1, 8]) {
      assert.equal(await told({ ...first, recipients: Array(count).fill(reader) }), 'accepted');
    }
    for (const [document, member] of [
      [{ ...first, recipients: [] }, 'recipients'],
      [{ ...first, recipients: Array(9).fill(reader) }, 'recipients'],
      [withPaths(Array(257).fill('/x')), 'identities.controller.may.0.paths'],
      [withPaths([`${longest}x`]), 'identities.controller.may.0.paths.0'],
      [{ ...first, roots: Array(9).fill(root) }, 'roots'],
      [{ ...first, threshold: 9 }, 'threshold'],
      [{ ...first, origins: Array(9).fill(first.origins[1]) }, 'origins'],
      [{ ...first, identities: { controller: { ...controller, may } } }, 'identities.controller.may'],
      [
        {
          ...first,
          identities: {
            controller: { ...controller, may: [{ action: 'a.b', on: Array(257).fill('gaming') }] },
          },
        },
        'identities.controller.may.0.on',
      ],
    ] as const) {
      const sentence = await told(document);
      assert.ok(sentence.startsWith(`trust_malformed: ${member}: Invalid `), sentence);
    }
  });
});

test('the names that every trust document in the field has', () => {
  assert.deepEqual([controllerName, operatorName], ['controller', 'operator']);
});

test('a limit is so many in minutes, hours or days', () => {
  assert.deepEqual(readLimit('6/1m'), { count: 6, windowMs: 60_000 });
  assert.deepEqual(readLimit('20/12h'), { count: 20, windowMs: 43_200_000 });
  assert.deepEqual(readLimit('300/30d'), { count: 300, windowMs: 2_592_000_000 });
});
