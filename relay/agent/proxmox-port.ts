import { readFile, stat } from 'node:fs/promises';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { systemDriverClock } from '../drivers/clock.ts';
import { createHttpsClient } from '../drivers/https-client.ts';
import { createProxmox, type Proxmox } from '../drivers/proxmox.ts';
import type { ProxmoxConfig } from './config.ts';
import { diskFault } from './disk.ts';

export type ProxmoxPort = { readonly proxmox: Proxmox; close(): void };

export type ProxmoxPortRefusal =
  | 'proxmox_token_unreadable'
  | 'proxmox_token_exposed'
  | 'proxmox_misconfigured';

/** The host's own Proxmox VE as the configuration names it. Reads the token's file; connects to nothing yet. */
export async function openProxmox(
  config: ProxmoxConfig,
  timing: { readonly pollMs?: number } = {},
): Promise<Result<ProxmoxPort, ProxmoxPortRefusal>> {
  let token: string;
  try {
    const { mode } = await stat(config.token_file);
    // The group may read it: credentials that systemd hands over look like that.
    if ((mode & 0o007) !== 0) {
      return refuse('proxmox_token_exposed', `everybody may read ${config.token_file}: chmod 600 it`);
    }
    token = (await readFile(config.token_file, 'utf8')).trim();
  } catch (error) {
    return refuse('proxmox_token_unreadable', `${config.token_file}: ${diskFault(error)}`);
  }
  const client = createHttpsClient({ pin: config.pin, pinKind: config.pin_kind });
  try {
    const proxmox = createProxmox({
      client,
      baseUrl: config.url,
      node: config.node,
      token,
      clock: systemDriverClock(),
      ...timing,
    });
    return ok({ proxmox, close: () => client.close() });
  } catch (error) {
    client.close();
    // The driver's messages name what is malformed and never repeat the token.
    return refuse('proxmox_misconfigured', error instanceof Error ? error.message : 'malformed');
  }
}
