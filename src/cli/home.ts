import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { digestSchema } from '../../schema/jose/digest.ts';
import { importSigningKey, type SecretJwk, type SigningKey } from '../../schema/jose/keys.ts';
import { ok } from '../../schema/result.ts';
import { originSchema } from '../../schema/trust/document.ts';
import { acceptFirstTrust, type Trust } from '../../schema/trust/read.ts';
import { type AuditHead, auditHeadSchema } from '../../schema/wire/heartbeat.ts';
import { homeIdSchema } from '../../schema/wire/ids.ts';
import { maxTrustBytes } from '../../schema/wire/limits.ts';
import { enrolmentCodeSchema, type TrustJws, trustJwsSchema } from '../../schema/wire/relay-api.ts';
import { brokenConfig, readConfigFile, writeConfigFile } from './config-file.ts';
import { exits, type Failure, fail } from './outcome.ts';
import { type RootFile, rootFileSchema } from './seal.ts';

/** Where the control plane is, and how it is known again. */
const homeFileSchema = v.strictObject({
  v: v.literal(1),
  home: homeIdSchema,
  origin: originSchema.entries.url,
  spki: v.nullable(digestSchema),
  trial: v.boolean(),
});
export type HomeFile = v.InferOutput<typeof homeFileSchema>;

/** The newest trust document that this computer verified: a control plane can never take it back. */
const trustFileSchema = v.strictObject({ digest: digestSchema, jws: trustJwsSchema });

/** Enrolment codes whose relays have not been admitted; their secrets verify who enrolled. */
const codesFileSchema = v.strictObject({ codes: v.pipe(v.array(enrolmentCodeSchema), v.maxLength(1000)) });
export type PendingCode = v.InferOutput<typeof enrolmentCodeSchema>;

/** What the owner's computer keeps of a home. */
export type Home = {
  readonly directory: string;
  readonly file: HomeFile;
  readonly operator: SigningKey;
  /** The newest trust document known here. */
  readonly trust: Trust;
};

const names = {
  home: 'home.json',
  operator: 'operator.json',
  root: 'root-desk.json',
  trust: 'trust.json',
  codes: 'codes.json',
  audit: 'audit.json',
} as const;

/** Whether a directory holds the keys of a home. */
export const isHome = (directory: string): boolean => existsSync(join(directory, names.home));

/** Writes a new home's files into a directory that exists. */
export function writeHome(
  directory: string,
  parts: { file: HomeFile; operator: SecretJwk; root: RootFile; trust: Trust },
): void {
  writeOperator(directory, parts.operator);
  writeRootFile(directory, parts.root);
  writeTrust(directory, parts.trust);
  writeHomeFile(directory, parts.file);
}

export const writeHomeFile = (directory: string, file: HomeFile): void =>
  writeConfigFile(directory, names.home, file);

export const writeOperator = (directory: string, operator: SecretJwk): void =>
  writeConfigFile(directory, names.operator, operator);

export const writeRootFile = (directory: string, root: RootFile): void =>
  writeConfigFile(directory, names.root, root);

export const writeTrust = (directory: string, trust: Trust): void =>
  writeConfigFile(directory, names.trust, { digest: trust.digest, jws: trust.jws });

/** The key of a directory that is no home yet, or null: `writ desk new` made one. */
export async function readOperator(
  directory: string,
): Promise<{ ok: true; value: SigningKey | null } | Failure> {
  const secret = readConfigFile(directory, names.operator, v.unknown(), 4 * 1024);
  if (!secret.ok || secret.value === null) return secret as { ok: true; value: null } | Failure;
  const key = await importSigningKey(secret.value);
  return key.ok ? key : brokenConfig(join(directory, names.operator), key.detail ?? key.reason);
}

/** Reads the home of a configuration directory. */
export async function readHome(directory: string): Promise<{ ok: true; value: Home } | Failure> {
  const file = read(directory, names.home, homeFileSchema, 16 * 1024);
  if (!file.ok) return file;
  const secret = read(directory, names.operator, v.unknown(), 4 * 1024);
  if (!secret.ok) return secret;
  const operator = await importSigningKey(secret.value);
  if (!operator.ok) return brokenConfig(join(directory, names.operator), operator.detail ?? operator.reason);
  const stored = read(directory, names.trust, trustFileSchema, 2 * maxTrustBytes);
  if (!stored.ok) return stored;
  const trust = await acceptFirstTrust(stored.value.jws as TrustJws, { digest: stored.value.digest });
  if (!trust.ok) return brokenConfig(join(directory, names.trust), trust.detail ?? trust.reason);
  return ok({ directory, file: file.value, operator: operator.value, trust: trust.value });
}

export const readRootFile = (directory: string): { ok: true; value: RootFile } | Failure =>
  read(directory, names.root, rootFileSchema, 16 * 1024);

/** The codes that may still be used or approved. */
export function readCodes(directory: string): { ok: true; value: readonly PendingCode[] } | Failure {
  const file = readConfigFile(directory, names.codes, codesFileSchema, 4 * 1024 * 1024);
  return file.ok ? ok(file.value?.codes ?? []) : file;
}

export const writeCodes = (directory: string, codes: readonly PendingCode[]): void =>
  writeConfigFile(directory, names.codes, { codes });

/** The end of the audit log as it was verified here last; null before the first time. */
export const readAuditHead = (directory: string): { ok: true; value: AuditHead | null } | Failure =>
  readConfigFile(directory, names.audit, auditHeadSchema, 4 * 1024);

/** Another control plane has another log. */
export const forgetAuditHead = (directory: string): void =>
  rmSync(join(directory, names.audit), { force: true });

export const writeAuditHead = (directory: string, head: AuditHead): void =>
  writeConfigFile(directory, names.audit, head);

function read<S extends v.GenericSchema>(
  directory: string,
  name: string,
  schema: S,
  maxBytes: number,
): { ok: true; value: v.InferOutput<S> } | Failure {
  const file = readConfigFile(directory, name, schema, maxBytes);
  if (!file.ok || file.value !== null) return file;
  return name === names.home
    ? fail(
        exits.usage,
        'no_home',
        `There is no home in ${directory}. Run writ init with the code that writ serve printed, or name another directory with --config.`,
      )
    : name === names.root
      ? fail(
          exits.refused,
          'root_not_here',
          'There is no root key on this computer: trust is signed on the one where writ init was run, or with --paper. Nothing was signed.',
        )
      : brokenConfig(join(directory, name), 'it is missing');
}
