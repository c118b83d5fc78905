import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { importSigningKey, type SigningKey, secretJwkSchema } from '../../schema/jose/keys.ts';
import { ok } from '../../schema/result.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { maxTrustBytes, maxTrustChainBytes } from '../../schema/wire/limits.ts';
import { type TrustJws, trustChainSchema, trustJwsSchema } from '../../schema/wire/relay-api.ts';
import { brokenConfig, readConfigFile, writeConfigFile } from './config-file.ts';
import { type Home, writeOperator, writeRootFile, writeTrust } from './home.ts';
import type { Failure } from './outcome.ts';
import { rootFileSchema } from './seal.ts';

const chainFile = 'trust.jws';
const waitingFile = 'waiting.json';
const refusedFile = 'refused.json';

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

/** Takes a version that was refused out of the way; gives where its keys are kept, null where it had none. */
export function dropWaiting(directory: string, { root, operator }: Waiting): string | null {
  const path = join(directory, waitingFile);
  if (root === null && operator === null) {
    rmSync(path, { force: true });
    return null;
  }
  const aside = join(directory, refusedFile);
  renameSync(path, aside);
  return aside;
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
