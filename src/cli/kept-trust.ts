import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { type Digest, digestOf, digestSchema } from '../../schema/jose/digest.ts';
import { parsePayload } from '../../schema/jose/jws.ts';
import { importSigningKey, type SigningKey, secretJwkSchema } from '../../schema/jose/keys.ts';
import { ok } from '../../schema/result.ts';
import { acceptFirstTrust, followTrustChain, type Trust } from '../../schema/trust/read.ts';
import { maxTrustBytes, maxTrustChainBytes } from '../../schema/wire/limits.ts';
import { type TrustJws, trustChainSchema, trustJwsSchema } from '../../schema/wire/relay-api.ts';
import { brokenConfig, readConfigFile, writeConfigFile } from './config-file.ts';
import { type Home, writeOperator, writeRootFile, writeTrust } from './home.ts';
import type { Failure } from './outcome.ts';
import { rootFileSchema } from './seal.ts';

const chainFile = 'trust.jws';
const waitingFile = 'waiting.json';
const refusedPattern = /^refused-[0-9a-f]{16}\.json$/;

/** A chain as relays, mirrors and the control plane read it. */
export const chainText = (versions: readonly TrustJws[]): string => `${JSON.stringify({ versions })}\n`;

/** The newest versions that fit into so many bytes and so many places, oldest first. */
export function newestOf(versions: readonly TrustJws[], maxBytes: number, most: number): TrustJws[] {
  let kept = versions.slice(-most);
  while (kept.length > 1 && Buffer.byteLength(chainText(kept)) > maxBytes) kept = kept.slice(1);
  return kept;
}

/** Every version known here without a gap, oldest first; the last is the home's newest. */
export function readChain({
  directory,
  trust,
}: Pick<Home, 'directory' | 'trust'>): { ok: true; value: readonly TrustJws[] } | Failure {
  const file = readConfigFile(directory, chainFile, trustChainSchema, 2 * maxTrustChainBytes);
  if (!file.ok) return file;
  const versions = file.value?.versions ?? [];
  // A crash may have left it one version ahead of the newest, which is written after it.
  const at = versions.findIndex(({ payload }) => payload === trust.jws.payload);
  return ok(at < 0 ? [trust.jws] : versions.slice(0, at + 1));
}

/** Keeps what follows the newest version known here; `accepted` leads from it to `next`. */
export function keepTrust(
  home: Pick<Home, 'directory' | 'trust'>,
  next: Trust,
  accepted: readonly TrustJws[],
): { ok: true } | Failure {
  const chain = readChain(home);
  if (!chain.ok) return chain;
  writeChain(home.directory, [...chain.value, ...accepted]);
  writeTrust(home.directory, next);
  return { ok: true };
}

export const writeChain = (directory: string, versions: readonly TrustJws[]): void =>
  writeConfigFile(directory, chainFile, { versions: newestOf(versions, maxTrustChainBytes, 1000) });

const digestOfJws = async ({ payload }: TrustJws): Promise<Digest | null> => {
  const bytes = decodeBase64url(payload);
  return bytes.ok ? digestOf('trust', bytes.value) : null;
};

const previousSchema = v.looseObject({ previous: v.nullable(digestSchema) });

/** The digest of the version before, as an unverified document names it. */
function previousOf({ payload }: TrustJws): Digest | null {
  const bytes = decodeBase64url(payload);
  const parsed = bytes.ok ? parsePayload(bytes.value, previousSchema, maxTrustBytes) : null;
  return parsed?.ok === true ? parsed.value.previous : null;
}

/**
 * Of the versions that somebody offers, those that lead to one that is known here, as every reader will judge them:
 * one that does not hold would keep relays from all that comes after it.
 */
export async function versionsBefore(known: TrustJws, offered: readonly TrustJws[]): Promise<TrustJws[]> {
  const linked: TrustJws[] = [];
  let wanted = previousOf(known);
  for (let at = offered.findIndex(({ payload }) => payload === known.payload) - 1; at >= 0; at -= 1) {
    const version = offered[at]!;
    if (wanted === null || (await digestOfJws(version)) !== wanted) break;
    linked.unshift(version);
    wanted = previousOf(version);
  }
  const [first, ...others] = linked;
  const digest = first === undefined ? null : await digestOfJws(first);
  const begun = digest === null ? null : await acceptFirstTrust(first!, { digest });
  if (begun?.ok !== true) return [];
  return (await followTrustChain(begun.value, [...others, known])).refusal === null ? linked : [];
}

/**
 * A version that was signed here, and the secrets that belong to it, until the control plane said that it is in
 * force: its answer may be lost, and a key that only exists in memory with it.
 */
const waitingSchema = v.strictObject({
  jws: trustJwsSchema,
  root: v.nullable(rootFileSchema),
  operator: v.nullable(secretJwkSchema),
});
export type Waiting = v.InferOutput<typeof waitingSchema>;

export const writeWaiting = (directory: string, waiting: Waiting): void =>
  writeConfigFile(directory, waitingFile, waiting);

/**
 * Takes a version that was refused out of the way; gives where its keys are kept, null where it had none. Each has a
 * name of its own: whoever refuses one after the other destroys none.
 */
export async function dropWaiting(
  directory: string,
  { jws, root, operator }: Waiting,
): Promise<string | null> {
  const path = join(directory, waitingFile);
  const digest = await digestOfJws(jws);
  if ((root === null && operator === null) || digest === null) {
    rmSync(path, { force: true });
    return null;
  }
  const aside = join(directory, `refused-${digest.slice('sha256:'.length).slice(0, 16)}.json`);
  renameSync(path, aside);
  return aside;
}

/**
 * Takes up again the keys of a version that the control plane said that it refused, and that is in force all the same.
 * Whether there was one.
 */
export function recallRefused(
  directory: string,
  inForce: readonly TrustJws[],
): { ok: true; value: boolean } | Failure {
  let found = false;
  for (const name of readdirSync(directory).filter((one) => refusedPattern.test(one))) {
    const refused = readConfigFile(directory, name, waitingSchema, 2 * maxTrustBytes);
    if (!refused.ok) return refused;
    if (!inForce.some(({ payload }) => payload === refused.value?.jws.payload)) continue;
    const { root = null, operator = null } = refused.value ?? {};
    if (root !== null) writeRootFile(directory, root);
    if (operator !== null) writeOperator(directory, operator);
    rmSync(join(directory, name));
    found = true;
  }
  return ok(found);
}

/** The version that waits; null when there is none. */
export const readWaiting = (directory: string): { ok: true; value: Waiting | null } | Failure =>
  readConfigFile(directory, waitingFile, waitingSchema, 2 * maxTrustBytes);

/** The operator key that proves a waiting version: its own new one, or the home's. */
export async function operatorOf(
  home: Home,
  waiting: Waiting,
): Promise<{ ok: true; value: SigningKey } | Failure> {
  if (waiting.operator === null) return ok(home.operator);
  const key = await importSigningKey(waiting.operator);
  return key.ok ? key : brokenConfig(join(home.directory, waitingFile), key.detail ?? key.reason);
}

/** Makes a waiting version the newest of this computer, with the keys that belong to it. */
export function applyWaiting(home: Home, next: Trust, waiting: Waiting): { ok: true } | Failure {
  if (next.digest !== home.trust.digest) {
    const kept = keepTrust(home, next, [waiting.jws]);
    if (!kept.ok) return kept;
  }
  if (waiting.root !== null) writeRootFile(home.directory, waiting.root);
  if (waiting.operator !== null) writeOperator(home.directory, waiting.operator);
  rmSync(join(home.directory, waitingFile));
  return { ok: true };
}
