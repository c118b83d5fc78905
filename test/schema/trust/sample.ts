import assert from 'node:assert/strict';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { digestOf, toBytes } from '../../../schema/jose/digest.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import { generateKey, type SigningKey } from '../../../schema/jose/keys.ts';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import { acceptFirstTrust, acceptGenesisTrust, type Trust } from '../../../schema/trust/read.ts';
import type { TrustJws } from '../../../schema/wire/relay-api.ts';

export const home = 'h_01JDZ0000000000000000000HM';

/** The keys of one home. */
export type Keys = Record<
  'desk' | 'paper' | 'spare' | 'controller' | 'operator' | 'pve1' | 'pve2',
  SigningKey
>;

export async function makeKeys(): Promise<Keys> {
  const names = ['desk', 'paper', 'spare', 'controller', 'operator', 'pve1', 'pve2'] as const;
  const made = await Promise.all(names.map(async (name) => [name, (await generateKey()).signing] as const));
  return Object.fromEntries(made) as Keys;
}

/** Version 1 of a home like the one that everything is built for: a tower that sleeps, and two guests on one GPU. */
export const documentOf = (keys: Keys): TrustDocument => ({
  v: 1,
  home,
  version: 1,
  previous: null,
  expires: '2027-05-22T00:00:00Z',
  roots: [
    { kid: 'root-desk', jwk: keys.desk.jwk },
    { kid: 'root-paper', jwk: keys.paper.jwk },
  ],
  threshold: 1,
  origins: [
    { url: 'https://100.64.0.1:8420', spki: `sha256:${'0'.repeat(64)}` },
    { url: 'https://writ.example.net' },
  ],
  mirror: 'https://raw.example.net/home/trust.jws',
  alarm: { ntfy: 'https://ntfy.example.net/home' },
  house: {
    hosts: {
      cloud: { proxmox: false, sleeps: false },
      pve1: { proxmox: true, sleeps: false },
      pve2: {
        title: 'the tower',
        proxmox: true,
        mac: '02:00:00:00:00:02',
        wake_via: 'pve1',
        wake_address: '192.0.2.255',
        sleeps: true,
      },
    },
    guests: {
      router: guestOn('pve1', 100),
      gaming: { ...guestOn('pve2', 102), exclusive: ['gpu0'], in_use: 'sessions' },
      devtop: { ...guestOn('pve2', 103), exclusive: ['gpu0'] },
    },
  },
  identities: {
    controller: {
      kind: 'key',
      jwk: keys.controller.jwk,
      may: [
        { action: 'host.wake', on: ['pve2'], limit: '6/1h' },
        { action: 'guest.start', on: ['gaming', 'devtop'], limit: '20/1h' },
        { action: 'guest.shutdown', on: ['gaming', 'devtop'], limit: '20/1h' },
        { action: 'host.shutdown', on: ['pve2'], limit: '6/1h' },
      ],
    },
    operator: {
      kind: 'key',
      jwk: keys.operator.jwk,
      may: [
        { action: 'guest.stop', on: ['gaming', 'devtop', 'router'] },
        { action: 'guest.start', on: ['router'] },
        { action: 'host.reboot', on: ['pve1', 'pve2'] },
      ],
    },
    pve1: { kind: 'relay', jwk: keys.pve1.jwk },
    pve2: { kind: 'relay', jwk: keys.pve2.jwk },
  },
});

const guestOn = (host: string, vmid: number): TrustDocument['house']['guests'][string] => ({
  host,
  kind: 'qemu',
  vmid,
  identity: `00000000-0000-0000-0000-000000000${vmid}`,
  exclusive: [],
  order: 50,
  in_use: 'never',
  agent: true,
});

/** Signs whatever is given as a trust document, as a thief or a bug would. */
export async function signAny(value: unknown, roots: readonly SigningKey[]): Promise<TrustJws> {
  const bytes = toBytes(typeof value === 'string' ? value : JSON.stringify(value));
  const signatures = [];
  for (const root of roots) {
    const [header, , signature] = (await signJws('trust', bytes, root)).split('.') as [
      string,
      string,
      string,
    ];
    signatures.push({ protected: header, signature });
  }
  return { payload: encodeBase64url(bytes), signatures };
}

export const digestOfJws = (jws: TrustJws): Promise<string> =>
  digestOf('trust', new Uint8Array(Buffer.from(jws.payload, 'base64url')));

/** Accepts a first version, which must be good. */
export async function genesis(document: TrustDocument, roots: readonly SigningKey[]): Promise<Trust> {
  const trust = await acceptGenesisTrust(await signAny(document, roots));
  assert.ok(trust.ok, JSON.stringify(trust));
  return trust.value;
}

/** `accepted`, or the reason why not. */
export const reasonOf = (result: { ok: true } | { ok: false; reason: string }): string =>
  result.ok ? 'accepted' : result.reason;

/** What comes of a first document, told by its own digest and signed by these roots. */
export async function judgeFirst(value: unknown, roots: readonly SigningKey[]): Promise<string> {
  const jws = await signAny(value, roots);
  return reasonOf(await acceptFirstTrust(jws, { digest: await digestOfJws(jws) }));
}
