import * as v from 'valibot';
import { ok, type Result, refuse } from '../result.ts';
import { bytes32Pattern, decodeBase64url, encodeBase64url } from './base64url.ts';
import { toBytes } from './digest.ts';
import type { AcceptedKey, SigningKey } from './keys.ts';
import { type JsonRefusal, parseStrictJson } from './strict-json.ts';

/** Every kind of signed text has a `typ` of its own, so that none is taken for another. */
export type JwsKind =
  | 'intent'
  | 'release'
  | 'job'
  | 'receipt'
  | 'report'
  | 'proof'
  | 'heartbeat'
  | 'trust'
  | 'time'
  | 'token'
  | 'witness';

export type JwsRefusal =
  | 'jws_too_large'
  | 'jws_malformed'
  | 'jws_header'
  | 'jws_key_unknown'
  | 'jws_signature'
  | 'jws_payload'
  | JsonRefusal;

const typOf = (kind: JwsKind): string => `writ-${kind}+jws`;

const headerSchema = v.strictObject({
  alg: v.literal('Ed25519'),
  typ: v.string(),
  kid: v.pipe(v.string(), v.regex(bytes32Pattern)),
});

/** Signs bytes or an object (as JSON) as a compact JWS (RFC 7515) in the profile that `verifyJws` accepts. */
export async function signJws(kind: JwsKind, payload: Uint8Array | object, by: SigningKey): Promise<string> {
  const header = JSON.stringify({ alg: 'Ed25519', typ: typOf(kind), kid: by.kid });
  const body = payload instanceof Uint8Array ? payload : JSON.stringify(payload);
  const input = `${encodeBase64url(header)}.${encodeBase64url(body)}`;
  return `${input}.${encodeBase64url(await by.sign(toBytes(input)))}`;
}

/** What a JWS claims before anything is verified: only good for finding the key. */
export type UnverifiedJws = {
  readonly kid: string;
  readonly payload: Uint8Array<ArrayBuffer>;
  /** What the signature is over (RFC 7515 section 5.2), and the signature. */
  readonly input: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
};

/**
 * Checks all that can be checked without a key: size, three canonical base64url parts, a header of exactly
 * `alg`, `typ` and `kid` with the expected values. The payload must not be believed yet.
 */
export function readJws(kind: JwsKind, text: string, maxBytes: number): Result<UnverifiedJws, JwsRefusal> {
  if (text.length > maxBytes) return refuse('jws_too_large', `more than ${maxBytes} bytes`);
  const parts = text.split('.');
  if (parts.length !== 3) return refuse('jws_malformed', 'not three parts');
  const [headerText, payloadText, signatureText] = parts as [string, string, string];
  const header = decodeBase64url(headerText);
  const payload = decodeBase64url(payloadText);
  const signature = decodeBase64url(signatureText);
  if (!header.ok || !payload.ok || !signature.ok) return refuse('jws_malformed', 'not canonical base64url');
  if (signature.value.length !== 64) return refuse('jws_malformed', 'the signature is not 64 bytes');
  const json = parseStrictJson(header.value, { maxBytes: 512, maxDepth: 2 });
  if (!json.ok) return refuse('jws_header', json.detail);
  const parsed = v.safeParse(headerSchema, json.value);
  if (!parsed.success) return refuse('jws_header', 'the header is not exactly alg, typ and kid');
  if (parsed.output.typ !== typOf(kind)) return refuse('jws_header', `the typ is not ${typOf(kind)}`);
  const input = toBytes(`${headerText}.${payloadText}`);
  return ok({ kid: parsed.output.kid, payload: payload.value, input, signature: signature.value });
}

/** Finds the accepted key of a thumbprint, or nothing. */
export type KeyFinder = (kid: string) => AcceptedKey | undefined;

/** Verifies a compact JWS and gives its payload's bytes and signer. */
export async function verifyJwsBytes(
  kind: JwsKind,
  text: string,
  maxBytes: number,
  findKey: KeyFinder,
): Promise<Result<{ payload: Uint8Array<ArrayBuffer>; key: AcceptedKey }, JwsRefusal>> {
  const read = readJws(kind, text, maxBytes);
  return read.ok ? verifyRead(read.value, findKey(read.value.kid)) : read;
}

async function verifyRead(
  { kid, payload, input, signature }: UnverifiedJws,
  key: AcceptedKey | undefined,
): Promise<Result<{ payload: Uint8Array<ArrayBuffer>; key: AcceptedKey }, JwsRefusal>> {
  if (key === undefined || key.kid !== kid) return refuse('jws_key_unknown');
  return (await key.verify(input, signature)) ? ok({ payload, key }) : refuse('jws_signature');
}

/** Verifies a compact JWS, then parses its payload strictly against a schema. Bytes are parsed only after. */
export async function verifyJws<S extends v.GenericSchema>(
  kind: JwsKind,
  text: string,
  options: { maxBytes: number; findKey: KeyFinder; schema: S },
): Promise<Result<{ payload: v.InferOutput<S>; key: AcceptedKey }, JwsRefusal>> {
  const read = readJws(kind, text, options.maxBytes);
  return read.ok ? verifyReadJws(read.value, options.findKey(read.value.kid), options) : read;
}

/** The same of a JWS that was read already: for those who look further than into memory for its key. */
export async function verifyReadJws<S extends v.GenericSchema>(
  read: UnverifiedJws,
  key: AcceptedKey | undefined,
  options: { maxBytes: number; schema: S },
): Promise<Result<{ payload: v.InferOutput<S>; key: AcceptedKey }, JwsRefusal>> {
  const verified = await verifyRead(read, key);
  if (!verified.ok) return verified;
  const parsed = parsePayload(verified.value.payload, options.schema, options.maxBytes);
  return parsed.ok ? ok({ payload: parsed.value, key: verified.value.key }) : parsed;
}

/** Parses bytes as strict JSON of a schema, whose objects refuse unknown members. */
export function parsePayload<S extends v.GenericSchema>(
  bytes: Uint8Array | string,
  schema: S,
  maxBytes: number,
): Result<v.InferOutput<S>, JsonRefusal | 'jws_payload'> {
  const json = parseStrictJson(bytes, { maxBytes });
  if (!json.ok) return json;
  const parsed = v.safeParse(schema, json.value);
  if (!parsed.success) return refuse('jws_payload', describeIssue(parsed.issues[0]));
  return ok(parsed.output);
}

/** The names in a path are the sender's own: neither long, nor with characters that act on a terminal. */
const maxPathChars = 200;

/** One sentence about the first thing wrong, without the value itself (it may be a secret). */
export function describeIssue(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue)?.slice(0, maxPathChars).replace(/\p{C}/gu, '\ufffd') ?? 'the document';
  if (issue.expected === 'never') return `${path} is not a known member`;
  if (issue.received === 'undefined') return `${path} is missing`;
  return `${path}: ${issue.kind === 'validation' ? issue.message.replace(/ but received .*/s, '') : `expected ${issue.expected ?? 'another value'}`}`;
}
