import type { TestContext } from 'node:test';
import * as v from 'valibot';
import type { ReleaseRequest } from '../../schema/api/deployments.ts';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { type Digest, digestBytes, digestOf, toBytes } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import { canonicalJson } from '../../schema/wire/canonical.ts';
import type { PollRequest } from '../../schema/wire/relay-api.ts';
import { type ReleasePart, releasePartSchema } from '../../schema/wire/release.ts';
import type { ReleaseOrder, ReleaseOrderNumber } from '../../schema/wire/release-order.ts';
import type { Control } from '../../src/control/control.ts';
import { type ControlHome, type FakeRelay, makeControlHome, provedIf } from './control-home.ts';
import type { TestHome } from './relay-home.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** What a target is to have: the texts of its files, by their paths. */
export type TestTarget = {
  readonly relay?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** Texts in place of age files, by the secrets' names. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly again?: true;
};

export type SignedRelease = {
  readonly order: ReleaseOrder;
  /** Of the order's bytes. */
  readonly digest: Digest;
  readonly request: ReleaseRequest;
  /** The manifest, the parts, and all that they name. */
  readonly blobs: ReadonlyMap<Digest, Bytes>;
};

export type ReleaseOptions = {
  readonly by?: SigningKey;
  readonly number?: Partial<ReleaseOrderNumber>;
  readonly issuedAt?: number;
  readonly change?: (order: ReleaseOrder) => ReleaseOrder;
};

let lastDesk = 0;

/** A release from the desk, with the next number, that brings text files to targets of pve2 unless said otherwise. */
export async function makeRelease(
  home: TestHome,
  targets: Readonly<Record<string, TestTarget>>,
  options: ReleaseOptions = {},
): Promise<SignedRelease> {
  lastDesk += 1;
  const desk = lastDesk;
  const blobs = new Map<Digest, Bytes>();
  const keep = async (text: string): Promise<Digest> => {
    const bytes = toBytes(text);
    const digest = await digestBytes(bytes);
    blobs.set(digest, bytes);
    return digest;
  };
  const parts: ReleaseOrder['parts'] = [];
  for (const [target, wanted] of Object.entries(targets).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const relay = wanted.relay ?? 'pve2';
    const part = v.parse(releasePartSchema, {
      target,
      relay,
      apps: [await appOf(wanted, keep)],
      files: await filesOf(wanted, keep),
    });
    parts.push({
      relay,
      target,
      digest: await keep(canonicalJson(part)),
      ...(wanted.again && { again: wanted.again }),
    });
  }
  const draft: ReleaseOrder = {
    v: 1,
    home: home.id,
    release: await keep(canonicalJson({ v: 1, parts: [] })),
    commit: 'c0ffee0'.padEnd(40, '0'),
    order: { run_id: 0, run_attempt: 0, desk, ...options.number },
    issued_at: options.issuedAt ?? Date.now(),
    parts,
  };
  return { ...(await signRelease(home, options.change?.(draft) ?? draft, options.by)), blobs };
}

/** Signs an order as it is. */
export async function signRelease(home: TestHome, order: ReleaseOrder, by: SigningKey = home.operator) {
  const bytes = toBytes(canonicalJson(order));
  const digest = await digestOf('release', bytes);
  const authorisation = await signJws('release', { home: home.id, kind: 'release', digest }, by);
  return { order, digest, request: { order: encodeBase64url(bytes), authorisation } };
}

type Keep = (text: string) => Promise<Digest>;

async function appOf({ secrets = {} }: TestTarget, keep: Keep): Promise<ReleasePart['apps'][number]> {
  const none: never[] = [];
  return {
    name: 'web',
    units: none,
    secrets: await Promise.all(
      Object.entries(secrets).map(async ([name, text]) => ({ name, digest: await keep(text) })),
    ),
    after: none,
    dirs: none,
    prune: none,
    ports: none,
    certs: none,
    packages: none,
    apt: none,
    artifacts: none,
    users: none,
    databases: none,
    clients: none,
    commands: none,
  };
}

const filesOf = ({ files = {} }: TestTarget, keep: Keep): Promise<ReleasePart['files']> =>
  Promise.all(
    Object.entries(files).map(async ([path, text]) => ({
      path,
      app: 'web',
      digest: await keep(text),
      size: toBytes(text).length,
      mode: '0644',
      owner: 'root:root',
      on_change: 'none' as const,
      manage: 'exact' as const,
      kind: 'file' as const,
    })),
  );

/** Targets that the operator may release to. */
const releasedTo = ['files', 'gaming', 'pve1', 'pve2', 'websvcs'];

/** Signs a version of trust by which the operator may release to the test house. */
export const grantReleases = (home: TestHome, on: readonly string[] = releasedTo) =>
  home.amend((document) => {
    const { operator } = document.identities;
    if (operator?.kind !== 'key') throw new Error('the test home has an operator');
    const others = operator.may.filter(({ action }) => action !== 'release.apply');
    const grant = { action: 'release.apply', on: [...on], paths: ['/etc/opt/**'] };
    const may = on.length === 0 ? others : [...others, grant];
    return { ...document, identities: { ...document.identities, operator: { ...operator, may } } };
  });

/** Brings the newest trust of a home to its control plane. */
export async function bringTrust({ control, home }: Pick<ControlHome, 'control' | 'home'>): Promise<void> {
  const brought = await control.trust.upload([home.versions.at(-1)!], async (key) =>
    provedIf(key.kid === home.operator.kid),
  );
  if (!brought.ok) throw new Error(`the test's trust is not taken: ${brought.detail}`);
}

/** Uploads what a release holds. */
export async function uploadBlobs(
  { control, operator }: Pick<ControlHome, 'control' | 'operator'>,
  { blobs }: Pick<SignedRelease, 'blobs'>,
): Promise<void> {
  for (const [digest, bytes] of blobs) await control.releases.putBlob(operator('release'), digest, bytes);
}

/** Uploads and orders a release; gives the id of its deployment. */
export async function deploy(
  made: ControlHome,
  targets: Readonly<Record<string, TestTarget>>,
  options: ReleaseOptions = {},
): Promise<{ readonly id: string; readonly release: SignedRelease }> {
  const release = await makeRelease(made.home, targets, { issuedAt: made.clock.now(), ...options });
  await uploadBlobs(made, release);
  const accepted = await made.control.releases.release(made.operator('release'), release.request);
  if (!accepted.ok) throw new Error(`the release was refused: ${accepted.reason}: ${accepted.detail}`);
  return { id: accepted.value.deployment.id, release };
}

/** The states of a deployment's targets, by their names. */
export async function statesOf(control: Control, id: string): Promise<Record<string, string>> {
  const view = await control.releases.deployment(id);
  if (view === null) throw new Error(`there is no deployment ${id}`);
  return Object.fromEntries(view.targets.map(({ target, state }) => [target, state]));
}

/** Time in tests stands still: a poll that nothing wakes would wait for ever. */
const longestPollMs = 20_000;

/** A poll of a relay that knows releases. */
export const pollForParts = (relay: FakeRelay, change: Partial<PollRequest> = {}) =>
  relay.poll({ protocol: 2, ...change }, AbortSignal.timeout(longestPollMs));

/**
 * A home whose operator may release, and the tower's relay, which has polled, and reported how its guests are unless
 * that is null.
 */
export async function makeReleasingHome(
  t: TestContext,
  guests: Parameters<FakeRelay['reportGuests']>[0] | null = { websvcs: 'running', gaming: 'running' },
) {
  const made = await makeControlHome(t);
  await grantReleases(made.home);
  await bringTrust(made);
  const pve2 = made.relay('pve2');
  await pollForParts(pve2);
  if (guests !== null) await pve2.reportGuests(guests);
  return { made, control: made.control, pve2 };
}
