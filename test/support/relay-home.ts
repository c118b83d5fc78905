import { randomBytes } from 'node:crypto';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { type Digest, digestOf, toBytes } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import { generateKey, type PublicJwk, type SecretJwk, type SigningKey } from '../../schema/jose/keys.ts';
import type { House, Origin, TrustDocument } from '../../schema/trust/document.ts';
import type { TrustGrant } from '../../schema/trust/grant.ts';
import { acceptFirstTrust, signTrust, type Trust } from '../../schema/trust/read.ts';
import { canonicalJson } from '../../schema/wire/canonical.ts';
import { ulidOf } from '../../schema/wire/ids.ts';
import type { Intent, Step } from '../../schema/wire/intent.ts';
import type { TrustChain, TrustJws } from '../../schema/wire/relay-api.ts';
import type { ReleaseOrder, ReleaseOrderNumber } from '../../schema/wire/release-order.ts';

/** A key with its secret, as relays store it. */
export type TestKey = { readonly signing: SigningKey; readonly secret: SecretJwk };

/** A home for tests: its keys, and the chain of its trust documents. */
export type TestHome = {
  readonly id: string;
  readonly root: SigningKey;
  readonly controller: SigningKey;
  readonly operator: SigningKey;
  readonly relays: Readonly<Record<string, TestKey>>;
  readonly versions: readonly TrustJws[];
  /** The newest version. */
  trust(): Trust;
  chain(after?: number): TrustChain;
  /** Signs one more version, made from the newest. */
  amend(change: (document: TrustDocument) => TrustDocument): Promise<Trust>;
  /** An intent's bytes and its authorisation by an identity's key. */
  intent(steps: readonly Partial<Step>[], options?: IntentOptions): Promise<TestIntent>;
  /** A release's order, its parts sorted by target, and its authorisation. Without a number it is the next from the desk. */
  release(
    parts: readonly Partial<ReleaseOrder['parts'][number]>[],
    options?: ReleaseOptions,
  ): Promise<TestRelease>;
};

export type IntentOptions = {
  readonly by?: SigningKey;
  readonly issuedAt?: number;
  readonly lifetimeMs?: number;
};

export type ReleaseOptions = Omit<IntentOptions, 'lifetimeMs'> & {
  readonly order?: Partial<ReleaseOrderNumber>;
  readonly home?: string;
  readonly commit?: ReleaseOrder['commit'];
};

/** What an authority signed, as a job carries it. */
export type TestOrder = {
  readonly kind?: 'release';
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: Digest;
  readonly authorisation: string;
};
export type TestIntent = TestOrder & { readonly intent: Intent };
export type TestRelease = TestOrder & { readonly kind: 'release'; readonly order: ReleaseOrder };

/** A digest that names nothing, of one letter's repetition. */
export const testDigest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;

export const testNonce = (): string => encodeBase64url(randomBytes(16));

/** The house of the examples, as far as tests of relays need it: pve1 wakes pve2, whose guests share a GPU. */
export const testHouse: House = {
  hosts: {
    pve1: { title: 'pve1', proxmox: false, sleeps: false },
    pve2: {
      title: 'the tower',
      proxmox: true,
      mac: '02:00:00:00:00:02',
      wake_via: 'pve1',
      wake_address: '127.0.0.1:40009',
      sleeps: true,
    },
  },
  guests: {
    websvcs: guest(100, 'qemu', '11111111-1111-4111-8111-111111111111', { order: 90 }),
    gaming: guest(102, 'qemu', '22222222-2222-4222-8222-222222222222', {
      exclusive: ['gpu0'],
      order: 30,
      in_use: 'sessions',
    }),
    devtop: guest(103, 'qemu', '33333333-3333-4333-8333-333333333333', {
      exclusive: ['gpu0'],
      order: 30,
      in_use: 'sessions',
    }),
    files: guest(110, 'lxc', 'local-lvm:vm-110-disk-0', { order: 40, agent: false }),
  },
};

function guest(
  vmid: number,
  kind: 'qemu' | 'lxc',
  identity: string,
  more: Partial<House['guests'][string]>,
): House['guests'][string] {
  return {
    host: 'pve2',
    kind,
    vmid,
    identity,
    exclusive: [],
    order: 50,
    in_use: 'never',
    agent: kind === 'qemu',
    ...more,
  };
}

const hostActions = ['host.shutdown', 'host.shutdown-in-use', 'host.reboot', 'host.reboot-in-use'];
const guestActions = [
  'guest.start',
  'guest.shutdown',
  'guest.shutdown-in-use',
  'guest.stop',
  'guest.reboot',
  'guest.reboot-in-use',
  'guest.suspend',
  'guest.suspend-in-use',
  'guest.resume',
  'guest.look',
  'guest.prepare',
];

/** Makes keys and version 1, and every relay admitted. */
export async function makeTestHome(options: {
  readonly origins: readonly Origin[];
  readonly house?: House;
  readonly relays?: readonly string[];
  readonly mirror?: string;
  readonly alarm?: TrustDocument['alarm'];
  readonly expires?: string;
  /** What the controller alone may order; by default the ad hoc guests and the sleeping tower. */
  readonly controllerMay?: readonly TrustGrant[];
  /** What the operator may release; by default nothing. */
  readonly releases?: readonly TrustGrant[];
  /** The key of a control plane that made its own; `controller` of the home has no part in it then. */
  readonly controllerKey?: PublicJwk;
}): Promise<TestHome> {
  const house = options.house ?? testHouse;
  const id = `h_${ulidOf(1_760_000_000_000, randomBytes(10))}`;
  const root = (await generateKey()).signing;
  const controller = (await generateKey()).signing;
  const operator = (await generateKey()).signing;
  const relays: Record<string, TestKey> = {};
  for (const name of options.relays ?? ['pve1', 'pve2']) relays[name] = await generateKey();
  const guests = Object.keys(house.guests);
  const first: TrustDocument = {
    v: 1,
    home: id,
    version: 1,
    previous: null,
    expires: options.expires ?? '2099-01-01T00:00:00Z',
    roots: [{ kid: 'root-desk', jwk: root.jwk }],
    threshold: 1,
    origins: [...options.origins],
    mirror: options.mirror ?? null,
    alarm: options.alarm ?? null,
    house,
    identities: {
      controller: {
        kind: 'key',
        jwk: options.controllerKey ?? controller.jwk,
        may: [
          ...(options.controllerMay ?? [
            { action: 'host.wake', on: ['pve2'], limit: '100/1h' },
            { action: 'host.shutdown', on: ['pve2'], limit: '100/1h' },
            { action: 'guest.start', on: ['gaming', 'devtop'], limit: '100/1h' },
            { action: 'guest.shutdown', on: ['gaming', 'devtop'], limit: '100/1h' },
          ]),
        ],
      },
      operator: {
        kind: 'key',
        jwk: operator.jwk,
        may: [
          { action: 'host.wake', on: ['pve2'] },
          ...hostActions.map((action) => ({ action, on: ['pve2'] })),
          ...guestActions.map((action) => ({ action, on: guests })),
          { action: 'app.command', on: guests.map((guest) => `${guest}/web/reindex`) },
          ...(options.releases ?? []),
        ],
      },
      ...Object.fromEntries(
        Object.entries(relays).map(([name, key]) => [name, { kind: 'relay' as const, jwk: key.signing.jwk }]),
      ),
    },
  };

  const accept = async (document: TrustDocument): Promise<Trust> => {
    const jws = await signTrust(document, [root]);
    const payload = JSON.stringify(document);
    const accepted = await acceptFirstTrust(jws, { digest: await digestOf('trust', payload) });
    if (!accepted.ok) throw new Error(`the test's trust is not accepted: ${accepted.detail}`);
    versions.push(jws);
    return accepted.value;
  };
  const versions: TrustJws[] = [];
  let current = await accept(first);
  let desk = 0;

  return {
    id,
    root,
    controller,
    operator,
    relays,
    versions,
    trust: () => current,
    chain: (after = 0) => ({ versions: versions.slice(after) }),
    async amend(change) {
      const { document, digest } = current;
      current = await accept({ ...change(document), version: document.version + 1, previous: digest });
      return current;
    },
    async intent(steps, { by = operator, issuedAt = Date.now(), lifetimeMs = 15 * 60_000 } = {}) {
      const intent: Intent = {
        home: id,
        steps: steps.map((step) => ({
          relay: 'pve2',
          action: 'guest.start',
          target: 'gaming',
          params: {},
          after: [],
          ...step,
        })),
        nonce: testNonce(),
        issued_at: issuedAt,
        expires: issuedAt + lifetimeMs,
      };
      const bytes = toBytes(JSON.stringify(intent));
      const digest = await digestOf('intent', bytes);
      const authorisation = await signJws('intent', { home: id, kind: 'intent', digest }, by);
      return { intent, bytes, digest, authorisation };
    },
    async release(
      parts,
      { by = operator, issuedAt = Date.now(), order: number, home = id, commit = null } = {},
    ) {
      desk += 1;
      const order: ReleaseOrder = {
        v: 1,
        home,
        release: testDigest('e'),
        commit,
        order: { run_id: 0, run_attempt: 0, desk, ...number },
        issued_at: issuedAt,
        parts: parts
          .map((part) => ({ relay: 'pve2', target: 'websvcs', digest: testDigest('a'), ...part }))
          .sort((a, b) => (a.target < b.target ? -1 : 1)),
      };
      const bytes = toBytes(canonicalJson(order));
      const digest = await digestOf('release', bytes);
      const authorisation = await signJws('release', { home, kind: 'release', digest }, by);
      return { kind: 'release', order, bytes, digest, authorisation };
    },
  };
}
