import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import { documentOf, judgeFirst, type Keys, makeKeys } from './sample.ts';

let keys: Keys;
let first: TrustDocument;

before(async () => {
  keys = await makeKeys();
  first = documentOf(keys);
});

const judge = (value: unknown): Promise<string> => judgeFirst(value, [keys.desk]);

describe('the members of a trust document', () => {
  test('an expiry is a UTC time that exists', async () => {
    for (const expires of ['2027-05-22T00:00:00Z', '2028-02-29T23:59:59Z', '2020-01-01T00:00:00Z']) {
      assert.equal(await judge({ ...first, expires }), 'accepted', expires);
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
      assert.equal(await judge({ ...first, expires }), 'trust_malformed', String(expires));
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
      for (const url of good) assert.equal(await judge(place(url)), 'accepted', String(url));
      for (const url of bad) assert.equal(await judge(place(url)), 'trust_malformed', url);
    }
    for (const alarm of [{ webhook: 'https://example.net/x' }, null]) {
      assert.equal(await judge({ ...first, alarm }), 'accepted');
    }
    for (const alarm of [
      {},
      { ntfy: 'https://a.net', webhook: 'https://a.net' },
      { mail: 'a@example.net' },
      'https://a.net',
    ]) {
      assert.equal(await judge({ ...first, alarm }), 'trust_malformed', JSON.stringify(alarm));
    }
  });

  test('identities of other shapes are refused, such as kinds that come later', async () => {
    const { controller } = first.identities;
    for (const identity of [
      { kind: 'github', repository_id: '1', may: [] },
      { kind: 'standing' },
      { kind: 'standing', may: [], jwk: keys.spare.jwk },
      { kind: 'schedule', may: [] },
      { kind: 'key', jwk: keys.spare.jwk },
      { kind: 'key', jwk: keys.spare.jwk, may: [], attests: ['time'] },
      { kind: 'relay', jwk: keys.spare.jwk, may: [] },
      { jwk: keys.spare.jwk, may: [] },
      { kind: 'key', jwk: { ...keys.spare.jwk, kid: 'x' }, may: [] },
    ]) {
      assert.equal(await judge({ ...first, identities: { controller, other: identity } }), 'trust_malformed');
    }
  });

  test('what relays do by themselves is one identity of that name, and each right has a limit', async () => {
    const right = { action: 'release.heal', on: ['gaming'], limit: '4/1d', paths: ['/etc/opt/**'] };
    const { limit: _, ...unlimited } = right;
    const say = (identities: object) =>
      judge({ ...first, identities: { ...first.identities, ...identities } });
    assert.equal(await say({ standing: { kind: 'standing', may: [right] } }), 'accepted');
    for (const identities of [
      { other: { kind: 'standing', may: [right] } },
      { standing: { kind: 'standing', may: [unlimited] } },
      { standing: { kind: 'standing', may: [right, right] } },
      { standing: { kind: 'standing', may: [{ ...right, on: ['nobody'] }] } },
    ]) {
      assert.equal(await say(identities), 'trust_inconsistent', JSON.stringify(identities));
    }
  });

  test('a relay attests the time, said by that word alone, or nothing', async () => {
    const notary = (attests: unknown) => ({
      ...first,
      identities: { ...first.identities, pve1: { kind: 'relay', jwk: keys.pve1.jwk, attests } },
    });
    assert.equal(await judge(notary(['time'])), 'accepted');
    for (const attests of [
      ...[[], ['time', 'time'], ['time', 'place'], ['place'], ['time', null], [['time']]],
      ...['time', { 0: 'time' }, { 0: 'time', length: 1 }, null, true],
    ]) {
      assert.equal(await judge(notary(attests)), 'trust_malformed', JSON.stringify(attests));
    }
  });

  test('grants name actions and targets in full', async () => {
    const mayBe = (grant: unknown) => ({
      ...first,
      identities: { ...first.identities, operator: { kind: 'key', jwk: keys.operator.jwk, may: [grant] } },
    });
    const grant = { action: 'guest.stop', on: ['gaming'] };
    assert.equal(await judge(mayBe(grant)), 'accepted');
    // Unknown actions may stand there: an older relay takes the document, and they never match.
    assert.equal(await judge(mayBe({ ...grant, action: 'guest.explode' })), 'accepted');
    const paths = ['/etc/opt/**', '/etc/haproxy/*.cfg'];
    assert.equal(await judge(mayBe({ ...grant, action: 'release.apply', paths })), 'accepted');
    for (const other of [
      { action: 'guest.stop' },
      { action: 'guest.stop', on: [] },
      { action: 'guest.stop', on: 'gaming' },
      { action: 'guest.stop', on: ['*'] },
      { action: 'guest.*', on: ['gaming'] },
      { action: '*', on: ['gaming'] },
      { action: 'guest', on: ['gaming'] },
      { ...grant, params: {} },
      ...[['etc/**'], ['/etc/**', '/../x'], ['/'], '/etc/**', [7]].map((paths) => ({ ...grant, paths })),
      ...['0/1h', '6/0h', '6/1s', '6', '6/1h ', '-1/1h', '6/1h/1h', '100000/1h', 6, null].map((limit) => ({
        ...grant,
        limit,
      })),
    ]) {
      assert.equal(await judge(mayBe(other)), 'trust_malformed', JSON.stringify(other));
    }
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
      assert.equal(await judge(withHost(changes)), reason, JSON.stringify(changes));
    }
  });
});
