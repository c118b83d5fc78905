import * as v from 'valibot';
import { digestSchema } from '../../schema/jose/digest.ts';
import { describeIssue } from '../../schema/jose/jws.ts';
import { parseStrictJson } from '../../schema/jose/strict-json.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { homeIdSchema, nameSchema } from '../../schema/wire/ids.ts';
import { type Disk, diskFault } from './disk.ts';

/** Where root keeps what a relay's service is handed (systemd.exec(5), LoadCredential). */
export const credentialsFolder = '/etc/writ/credentials';

const proxmoxSchema = v.strictObject({
  /** `https://127.0.0.1:8006` */
  url: v.pipe(v.string(), v.url(), v.regex(/^https:\/\/[^/]+\/?$/, 'must be https://host:port')),
  /** The node's name in Proxmox VE. */
  node: v.pipe(v.string(), v.regex(/^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/)),
  /** Where the API token is: the token itself is in no other place. */
  token_file: v.pipe(v.string(), v.minLength(1), v.maxLength(4096)),
  /** What the server is known by: its certificate's SHA-256 fingerprint, or its public key's. */
  pin: digestSchema,
  pin_kind: v.picklist(['certificate', 'spki']),
});
export type ProxmoxConfig = v.InferOutput<typeof proxmoxSchema>;

export const relayConfigSchema = v.strictObject({
  v: v.literal(1),
  home: homeIdSchema,
  relay: nameSchema,
  /** Null on a host without Proxmox VE. */
  proxmox: v.nullable(proxmoxSchema),
  /** A simulated home: lets its host's boot be simulated too. */
  trial: v.optional(v.boolean(), false),
});
/** What a relay knows of its host beside trust. Holds no secret. */
export type RelayConfig = v.InferOutput<typeof relayConfigSchema>;

export const configFile = 'config.json';
const maxConfigBytes = 64 * 1024;

export type ConfigRefusal = 'config_missing' | 'config_malformed' | 'config_unreadable';

export async function readConfig(disk: Disk): Promise<Result<RelayConfig, ConfigRefusal>> {
  let bytes: Uint8Array | null;
  try {
    bytes = await disk.read(configFile);
  } catch (error) {
    return refuse('config_unreadable', diskFault(error));
  }
  if (bytes === null) return refuse('config_missing');
  const json = parseStrictJson(bytes, { maxBytes: maxConfigBytes, maxDepth: 8 });
  if (!json.ok) return refuse('config_malformed', json.detail ?? json.reason);
  const parsed = v.safeParse(relayConfigSchema, json.value);
  return parsed.success ? ok(parsed.output) : refuse('config_malformed', describeIssue(parsed.issues[0]));
}

/** Rejects when the disk does. */
export const writeConfig = (disk: Disk, config: RelayConfig): Promise<void> =>
  disk.replace(configFile, Buffer.from(`${JSON.stringify(config, null, 2)}\n`));
