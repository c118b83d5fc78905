import { issuerOf } from '../github/pins.ts';
import { decodeBase64url, encodeBase64url } from '../jose/base64url.ts';
import { type Digest, digestOf, toBytes } from '../jose/digest.ts';
import { parsePayload, signJws, verifyJwsBytes } from '../jose/jws.ts';
import { type AcceptedKey, acceptKey, type SigningKey } from '../jose/keys.ts';
import { ok, type Result, refuse } from '../result.ts';
import { machineOfTarget } from '../wire/ids.ts';
import { maxTrustBytes } from '../wire/limits.ts';
import type { TrustJws } from '../wire/relay-api.ts';
import { releaseAction } from '../wire/release-order.ts';
import { controllerName, standingName, type TrustDocument, trustDocumentSchema } from './document.ts';

/** A trust document whose signatures were verified, with its keys accepted and found by thumbprint. */
export type Trust = {
  readonly document: TrustDocument;
  readonly digest: Digest;
  /** As it was signed: to be kept and handed on. */
  readonly jws: TrustJws;
  /** Identities by the thumbprint of their key. */
  readonly identities: ReadonlyMap<string, { name: string; key: AcceptedKey }>;
};

export type TrustRefusal =
  | 'trust_malformed'
  | 'trust_key_weak'
  | 'trust_inconsistent'
  | 'trust_signature'
  | 'trust_threshold'
  | 'trust_version'
  | 'trust_chain'
  | 'trust_home'
  | 'trust_digest';

/** What a document says before its signatures are judged: shape, keys and consistency. */
type ParsedTrust = { trust: Trust; roots: Map<string, AcceptedKey> };

async function parseTrust(jws: TrustJws): Promise<Result<ParsedTrust, TrustRefusal>> {
  const bytes = decodeBase64url(jws.payload);
  if (!bytes.ok) return refuse('trust_malformed', 'the payload is not canonical base64url');
  const parsed = parsePayload(bytes.value, trustDocumentSchema, maxTrustBytes);
  if (!parsed.ok) return refuse('trust_malformed', parsed.detail ?? parsed.reason);
  const document = parsed.value;

  const identities = new Map<string, { name: string; key: AcceptedKey }>();
  for (const [name, identity] of Object.entries(document.identities)) {
    if (!('jwk' in identity)) continue;
    const key = await acceptKey(identity.jwk);
    if (!key.ok) return refuse('trust_key_weak', `the key of ${name}: ${key.detail ?? key.reason}`);
    if (identities.has(key.value.kid)) return refuse('trust_inconsistent', `the key of ${name} stands twice`);
    identities.set(key.value.kid, { name, key: key.value });
  }
  const roots = new Map<string, AcceptedKey>();
  const rootNames = new Set<string>();
  for (const root of document.roots) {
    const key = await acceptKey(root.jwk);
    if (!key.ok) return refuse('trust_key_weak', `the root ${root.kid}: ${key.detail ?? key.reason}`);
    if (roots.has(key.value.kid) || rootNames.has(root.kid) || identities.has(key.value.kid)) {
      return refuse('trust_inconsistent', `the root ${root.kid} stands twice, or is an identity as well`);
    }
    roots.set(key.value.kid, key.value);
    rootNames.add(root.kid);
  }
  const fault = findInconsistency(document);
  if (fault !== null) return refuse('trust_inconsistent', fault);
  const trust: Trust = { document, digest: await digestOf('trust', bytes.value), jws, identities };
  return ok({ trust, roots });
}

function findInconsistency(document: TrustDocument): string | null {
  const { house, identities } = document;
  if (document.threshold > document.roots.length) return 'the threshold is above the number of roots';
  const controller = identities[controllerName];
  if (controller === undefined || controller.kind !== 'key') return 'there is no controller with a key';
  if ((document.version === 1) !== (document.previous === null))
    return 'only version 1 has no previous version';
  for (const grant of controller.may) {
    if (grant.limit === undefined) return `the controller's grant of ${grant.action} has no limit`;
  }
  for (const [name, identity] of Object.entries(identities)) {
    if (identity.kind === 'relay' && house.hosts[name] === undefined)
      return `the relay ${name} is no host of the house`;
    if (identity.kind === 'relay') continue;
    if (identity.kind === 'github' && identity.may.some(({ action }) => action !== releaseAction))
      return `${name} is a workflow of GitHub, which may order releases alone`;
    if (identity.kind === 'standing') {
      if (name !== standingName) return `${name} is of kind standing, which only ${standingName} may be`;
      const unlimited = identity.may.find(({ limit }) => limit === undefined);
      if (unlimited !== undefined) return `the grant of ${unlimited.action} to ${name} has no limit`;
    }
    const granted = new Set<string>();
    for (const grant of identity.may) {
      // Of two grants the first alone would count, with its limit, whatever the second says.
      for (const target of new Set(grant.on)) {
        const right = `${grant.action} on ${target}`;
        if (granted.has(right)) return `${name} is granted ${right} twice`;
        granted.add(right);
      }
      const stranger = grant.on.find((target) => {
        const machine = machineOfTarget(target);
        return house.hosts[machine] === undefined && house.guests[machine] === undefined;
      });
      if (stranger !== undefined)
        return `${name} is granted ${grant.action} on ${stranger}, which is not of the house`;
    }
  }
  for (const [name, host] of Object.entries(house.hosts)) {
    if (house.guests[name] !== undefined) return `${name} is a host and a guest`;
    if (host.wake_via !== undefined && (house.hosts[host.wake_via] === undefined || host.wake_via === name)) {
      return `${name} is woken by ${host.wake_via}, which is no other host`;
    }
    if (host.wake_via !== undefined && (host.mac === undefined || host.wake_address === undefined)) {
      return `${name} is woken by ${host.wake_via}, but has no mac or wake_address`;
    }
    if (host.sleeps && host.wake_via === undefined) return `${name} sleeps, but nobody can wake it`;
  }
  const workflows = new Set<string>();
  for (const [name, identity] of Object.entries(identities)) {
    if (identity.kind !== 'github') continue;
    const { repository_id, workflow, ref, environment } = identity;
    const one = JSON.stringify([issuerOf(identity), repository_id, workflow, ref, environment]);
    if (workflows.has(one)) return `the workflow of ${name} stands twice`;
    workflows.add(one);
  }
  const seats = new Set<string>();
  for (const [name, guest] of Object.entries(house.guests)) {
    if (house.hosts[guest.host]?.proxmox !== true)
      return `${name} is on ${guest.host}, which is no host with Proxmox`;
    const seat = `${guest.host}/${guest.vmid}`;
    if (seats.has(seat)) return `two guests have VMID ${guest.vmid} on ${guest.host}`;
    seats.add(seat);
  }
  return null;
}

/** Counts the unique root keys that signed; `strangers` says what a signature by another key means. */
async function countSigners(
  jws: TrustJws,
  known: ReadonlyMap<string, AcceptedKey>,
  strangers: 'refuse' | 'pass over',
): Promise<Result<Set<string>, TrustRefusal>> {
  const signers = new Set<string>();
  for (const { protected: header, signature } of jws.signatures) {
    const compact = `${header}.${jws.payload}.${signature}`;
    const verified = await verifyJwsBytes('trust', compact, maxTrustBytes * 2, (kid) => known.get(kid));
    if (!verified.ok && verified.reason === 'jws_key_unknown' && strangers === 'pass over') continue;
    if (!verified.ok) return refuse('trust_signature', `a signature does not verify (${verified.reason})`);
    if (signers.has(verified.value.key.kid)) return refuse('trust_signature', 'one root signed twice');
    signers.add(verified.value.key.kid);
  }
  return ok(signers);
}

const reached = (signers: Set<string>, roots: ReadonlyMap<string, AcceptedKey>, threshold: number): boolean =>
  [...signers].filter((kid) => roots.has(kid)).length >= threshold;

/**
 * Takes a document as the first that one obeys: because its digest was told at the console, or because it
 * was stored by oneself. Its own roots must have signed it to their threshold.
 */
export async function acceptFirstTrust(
  jws: TrustJws,
  expected: { digest: Digest },
): Promise<Result<Trust, TrustRefusal>> {
  const parsed = await parseTrust(jws);
  if (!parsed.ok) return parsed;
  const { trust, roots } = parsed.value;
  if (trust.digest !== expected.digest) return refuse('trust_digest', 'it is not the document that was told');
  // It may carry signatures of the roots before it as well, of which nothing is known here.
  const signers = await countSigners(jws, roots, 'pass over');
  if (!signers.ok) return signers;
  if (!reached(signers.value, roots, trust.document.threshold)) return refuse('trust_threshold');
  return ok(trust);
}

/** Takes version 1 as its author made it: nothing was obeyed before, so only its own roots count. */
export async function acceptGenesisTrust(jws: TrustJws): Promise<Result<Trust, TrustRefusal>> {
  const parsed = await parseTrust(jws);
  if (!parsed.ok) return parsed;
  if (parsed.value.trust.document.version !== 1) return refuse('trust_version', 'it is not version 1');
  return acceptFirstTrust(jws, { digest: parsed.value.trust.digest });
}

/**
 * Takes the version that follows the one in force: same home, next number, chained by digest, signed by the
 * thresholds of the old and of the new roots. Expiry is not looked at: an intermediate version may be expired.
 */
export async function acceptNextTrust(current: Trust, jws: TrustJws): Promise<Result<Trust, TrustRefusal>> {
  const old = await parseTrust(current.jws);
  if (!old.ok) return old;
  // Before anything of it is parsed: thousands of keys in a document that no root signed would be work for seconds.
  const known = await countSigners(jws, old.value.roots, 'pass over');
  if (!known.ok) return known;
  if (!reached(known.value, old.value.roots, current.document.threshold)) {
    return refuse('trust_threshold', 'too few of the old roots signed it');
  }
  const parsed = await parseTrust(jws);
  if (!parsed.ok) return parsed;
  const { trust: next, roots } = parsed.value;
  if (next.document.home !== current.document.home) return refuse('trust_home', 'it is of another home');
  if (next.document.version !== current.document.version + 1) {
    return refuse(
      'trust_version',
      `version ${next.document.version} does not follow ${current.document.version}`,
    );
  }
  if (next.document.previous !== current.digest)
    return refuse('trust_chain', 'it does not follow the version in force');
  const signers = await countSigners(jws, new Map([...old.value.roots, ...roots]), 'refuse');
  if (!signers.ok) return signers;
  if (!reached(signers.value, roots, next.document.threshold)) {
    return refuse('trust_threshold', 'too few of the new roots signed it');
  }
  return ok(next);
}

/** Follows a chain from the version in force as far as it goes; versions that are not newer are passed over. */
export async function followTrustChain(
  current: Trust,
  versions: readonly TrustJws[],
): Promise<{
  trust: Trust;
  /** The versions that were taken, oldest first. */
  accepted: readonly TrustJws[];
  refusal: { reason: TrustRefusal; detail?: string } | null;
}> {
  let trust = current;
  const accepted: TrustJws[] = [];
  for (const jws of versions) {
    const version = peekVersion(jws);
    if (version !== null && version <= trust.document.version) continue;
    const next = await acceptNextTrust(trust, jws);
    if (!next.ok) return { trust, accepted, refusal: next };
    trust = next.value;
    accepted.push(jws);
  }
  return { trust, accepted, refusal: null };
}

/** The number that an unverified document claims; null when it cannot be read. */
function peekVersion(jws: TrustJws): number | null {
  const bytes = decodeBase64url(jws.payload);
  if (!bytes.ok) return null;
  try {
    const version = (JSON.parse(new TextDecoder().decode(bytes.value)) as { version?: unknown }).version;
    return typeof version === 'number' ? version : null;
  } catch {
    return null;
  }
}

/** Signs a document by one or more roots. Nothing is checked here: `acceptNextTrust` judges the outcome. */
export async function signTrust(document: TrustDocument, roots: readonly SigningKey[]): Promise<TrustJws> {
  const bytes = toBytes(JSON.stringify(document));
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

/** Whether no job may run any more under this document. */
export const trustExpired = (trust: Trust, nowMs: number): boolean =>
  Date.parse(trust.document.expires) <= nowMs;
