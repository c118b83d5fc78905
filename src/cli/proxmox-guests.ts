import { lstatSync, readFileSync } from 'node:fs';
import * as v from 'valibot';
import { canonicalV4 } from '../../schema/manifest/address.ts';
import type { ListedGuest } from '../config/adopt/machines.ts';
import { createHttpClient, type HttpClient } from './https.ts';
import { exits, type Failure, fail } from './outcome.ts';

export type ProxmoxOptions = {
  /** `https://pve1:8006` */
  readonly url: string;
  /** A file of mode 0600 with `USER@REALM!ID=SECRET`. */
  readonly tokenFile: string;
  /** Of the certificate, as Proxmox VE's page shows it or as `sha256:<hex>`; absent: the system's authorities decide. */
  readonly fingerprint?: string;
  readonly signal: AbortSignal;
};

const timeoutMs = 35_000;
const maxBytes = 4 * 1024 * 1024;

const number = v.union([
  v.pipe(v.number(), v.safeInteger()),
  v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number)),
]);
// Perl has no types to speak of: numbers come as strings, booleans as 0 and 1.
const rowsSchema = v.object({
  data: v.array(
    v.looseObject({
      type: v.string(),
      vmid: v.optional(number),
      name: v.optional(v.string()),
      node: v.optional(v.string()),
      template: v.optional(v.union([number, v.boolean()])),
    }),
  ),
});
const configSchema = v.object({
  data: v.looseObject({ ipconfig0: v.optional(v.string()), net0: v.optional(v.string()) }),
});

const refused = (reason: string, detail: string): Failure =>
  fail(exits.usage, reason, `${detail} Nothing was written.`);

/** `sha256:<hex>` of a fingerprint with or without colons, as Proxmox VE and openssl print it; null for other texts. */
export function readFingerprint(text: string): string | null {
  const hex = text
    .trim()
    .replace(/^(sha-?256(:| fingerprint=))/i, '')
    .replaceAll(':', '')
    .toLowerCase();
  return /^[0-9a-f]{64}$/.test(hex) ? `sha256:${hex}` : null;
}

function readToken(path: string): { ok: true; value: string } | Failure {
  let token: string;
  try {
    const { mode } = lstatSync(path);
    if ((mode & 0o077) !== 0)
      return refused('token_readable', `${path} can be read by others than its owner: chmod 600 ${path}.`);
    token = readFileSync(path, 'utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return refused('token_unreadable', `The token's file ${path} cannot be read (${code}).`);
  }
  if (!/^[^\s!@:/]+@[^\s!@:/]+![A-Za-z][A-Za-z0-9._-]*=[\x21-\x7e]+$/.test(token))
    return refused('token_malformed', `${path} does not hold a token: USER@REALM!ID=SECRET.`);
  return { ok: true, value: token };
}

/** The guests that a token sees, templates left out, by their VMIDs. It reads and changes nothing. */
export async function listGuests(
  options: ProxmoxOptions,
): Promise<{ ok: true; value: readonly ListedGuest[] } | Failure> {
  const { url, tokenFile, fingerprint, signal } = options;
  const origin = URL.canParse(url) ? new URL(url) : null;
  if (origin === null || origin.protocol !== 'https:')
    return refused('usage', `${url} is no address such as https://pve1:8006.`);
  const certificate = fingerprint === undefined ? undefined : readFingerprint(fingerprint);
  if (certificate === null)
    return refused('usage', 'The fingerprint is the SHA-256 of the certificate, 64 hexadecimal digits.');
  const token = readToken(tokenFile);
  if (!token.ok) return token;
  const client = createHttpClient({
    origin: origin.origin,
    spki: null,
    ...(certificate !== undefined && { certificate }),
  });
  const get = <T>(path: string, schema: v.GenericSchema<unknown, T>) =>
    ask(client, { url: `/api2/json${path}`, token: token.value, signal }, schema);
  const rows = await get('/cluster/resources?type=vm', rowsSchema);
  if (!rows.ok) return rows;
  const guests: ListedGuest[] = [];
  for (const { type, vmid, name, node, template } of rows.value.data) {
    if ((type !== 'qemu' && type !== 'lxc') || vmid === undefined || node === undefined) continue;
    if (Number(template ?? 0) === 1) continue;
    const config = await get(
      `/nodes/${encodeURIComponent(node)}/${type}/${vmid}/config?current=1`,
      configSchema,
    );
    // A token may see that a guest is there and not how it is made.
    if (!config.ok && config.reason !== 'proxmox_refused') return config;
    const address = config.ok ? addressOf(config.value.data) : undefined;
    guests.push({
      name: name ?? `vm-${vmid}`,
      node,
      vmid,
      kind: type,
      ...(address !== undefined && { address }),
    });
  }
  return { ok: true, value: guests.sort((a, b) => a.vmid - b.vmid) };
}

/** The address that a guest is given by its configuration: of cloud-init, or of a container. */
function addressOf(config: {
  ipconfig0?: string | undefined;
  net0?: string | undefined;
}): string | undefined {
  const fields = `${config.ipconfig0 ?? ''},${config.net0 ?? ''}`.split(',');
  const address = fields
    .find((field) => field.startsWith('ip='))
    ?.slice('ip='.length)
    .split('/')[0];
  return address !== undefined && canonicalV4(address) !== null ? address : undefined;
}

async function ask<T>(
  client: HttpClient,
  { url, token, signal }: { readonly url: string; readonly token: string; readonly signal: AbortSignal },
  schema: v.GenericSchema<unknown, T>,
): Promise<{ ok: true; value: T } | Failure> {
  const headers = { authorization: `PVEAPIToken=${token}`, accept: 'application/json' };
  const answer = await client.request({ method: 'GET', url, headers, timeoutMs, maxBytes, signal });
  const failed = (exit: Failure['exit'], reason: string, what: string): Failure =>
    fail(exit, reason, `Proxmox VE ${what}. Nothing was written.`);
  if (!answer.ok) {
    const reason = answer.reason === 'pin_mismatch' ? 'pin_mismatch' : 'proxmox_unreachable';
    const more = answer.reason === 'pin_mismatch' ? ' (--fingerprint)' : '';
    return failed(exits.unreachable, reason, `was not asked: ${answer.detail}${more}`);
  }
  if (answer.status !== 200) {
    const what =
      answer.status === 401 ? 'does not know the token' : `answered with status ${answer.status} to ${url}`;
    return failed(exits.refused, answer.status === 401 ? 'token_unknown' : 'proxmox_refused', what);
  }
  let value: unknown;
  try {
    value = JSON.parse(answer.body.toString('utf8'));
  } catch {
    value = undefined;
  }
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return { ok: true, value: parsed.output };
  return failed(exits.failed, 'proxmox_answer', `answered with something else than its API says to ${url}`);
}
