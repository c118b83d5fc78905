import * as v from 'valibot';
import { decodeBase64url, encodeBase64url } from '../jose/base64url.ts';
import { toBytes } from '../jose/digest.ts';
import { parseStrictJson } from '../jose/strict-json.ts';
import { ok, type Result, refuse } from '../result.ts';
import { type EnrolmentCode, enrolmentCodeSchema } from './relay-api.ts';

const prefix = 'writ-enrol.';

/** One line to be pasted at a host's console. */
export const formatEnrolmentCode = (code: EnrolmentCode): string =>
  prefix + encodeBase64url(JSON.stringify(code));

export function parseEnrolmentCode(text: string): Result<EnrolmentCode, 'code_malformed'> {
  const line = text.trim();
  if (!line.startsWith(prefix)) return refuse('code_malformed', `a code starts with ${prefix}`);
  const bytes = decodeBase64url(line.slice(prefix.length));
  if (!bytes.ok) return refuse('code_malformed', 'the code was not copied whole');
  const json = parseStrictJson(bytes.value, { maxBytes: 4096, maxDepth: 2 });
  if (!json.ok) return refuse('code_malformed', 'the code was not copied whole');
  const parsed = v.safeParse(enrolmentCodeSchema, json.value);
  return parsed.success ? ok(parsed.output) : refuse('code_malformed', 'the code is of another version');
}

/** Who checks an enrolment: the API so that strangers cannot fill its list, the owner so that the API cannot lie. */
export type EnrolmentVerifier = 'controller' | 'owner';

const hmac = async (
  key: Uint8Array<ArrayBuffer>,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> => {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ]);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, bytes));
};

/**
 * The key of one verifier, derived from a code's secret. The API is given only its own, so that it can
 * neither forge the owner's MAC nor learn the secret.
 */
export async function enrolmentKey(secret: string, verifier: EnrolmentVerifier): Promise<string> {
  const bytes = decodeBase64url(secret);
  if (!bytes.ok) throw new Error('the secret of a parsed code is canonical');
  return encodeBase64url(await hmac(bytes.value, toBytes(`writ/1/enrol/${verifier}`)));
}

/** HMAC-SHA-256 of the statement's bytes with a verifier's key, as base64url. */
export async function enrolmentMac(key: string, statement: Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = decodeBase64url(key);
  if (!bytes.ok) throw new Error('an enrolment key is canonical base64url');
  return encodeBase64url(await hmac(bytes.value, statement));
}

/** Compares two MACs without telling by its duration where they differ. */
export function sameMac(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i += 1) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
