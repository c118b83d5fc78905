import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { systemDriverClock } from '../drivers/clock.ts';
import { createHttpsClient } from '../drivers/https-client.ts';
import { createProxmox, type Proxmox } from '../drivers/proxmox.ts';
import { createProxmoxRights, type ProxmoxRights } from '../drivers/proxmox-rights.ts';
import { credentialsFolder, type ProxmoxConfig } from './config.ts';
import { diskFault } from './disk.ts';

export type ProxmoxPort = { readonly proxmox: Proxmox; readonly rights: ProxmoxRights; close(): void };

export type ProxmoxPortRefusal =
  | 'proxmox_token_unreadable'
  | 'proxmox_token_exposed'
  | 'proxmox_misconfigured';

/**
 * Where a credential's file is to this process: systemd hands the service copies of those in root's folder, each
 * under its name behind the prefix that the unit's `LoadCredential=writ:…` gives.
 */
const fileOf = (path: string, credentials: string | undefined): string =>
  credentials !== undefined && dirname(path) === credentialsFolder
    ? join(credentials, `writ_${basename(path)}`)
    : path;

/** The host's own Proxmox VE as the configuration names it. Reads the token's file; connects to nothing yet. */
export async function openProxmox(
  config: ProxmoxConfig,
  credentials: string | undefined,
  timing: { readonly pollMs?: number } = {},
): Promise<Result<ProxmoxPort, ProxmoxPortRefusal>> {
  let token: string;
  const file = fileOf(config.token_file, credentials);
  try {
    const { mode } = await stat(file);
    // The group may read it: credentials that systemd hands over look like that.
    if ((mode & 0o007) !== 0) {
      return refuse('proxmox_token_exposed', `everybody may read ${file}: chmod 600 it`);
    }
    token = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    return refuse('proxmox_token_unreadable', `${file}: ${diskFault(error)}`);
  }
  const client = createHttpsClient({ pin: config.pin, pinKind: config.pin_kind });
  try {
    const server = { client, baseUrl: config.url, token, clock: systemDriverClock() };
    const proxmox = createProxmox({ ...server, node: config.node, ...timing });
    return ok({ proxmox, rights: createProxmoxRights(server), close: () => client.close() });
  } catch (error) {
    client.close();
    // The driver's messages name what is malformed and never repeat the token.
    return refuse('proxmox_misconfigured', error instanceof Error ? error.message : 'malformed');
  }
}
