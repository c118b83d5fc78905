import { bytes32Pattern } from '../schema/jose/base64url.ts';
import { importSigningKey, type SigningKey } from '../schema/jose/keys.ts';
import { parseStrictJson } from '../schema/jose/strict-json.ts';
import { ok, type Result, refuse } from '../schema/result.ts';

/** What the owner binds to the Worker; docs/workers.md says how each is made. All but the first are secrets. */
export type Bindings = {
  /** The database, `libsql://…` or `https://…`. */
  readonly LIBSQL_URL?: string;
  /** The token that the database asks for, if it asks for one. */
  readonly LIBSQL_AUTH_TOKEN?: string;
  /** The controller's secret JWK. */
  readonly CONTROLLER_KEY?: string;
  /** The secret of the setup code, 32 bytes in base64url. Needed until an owner has claimed the instance. */
  readonly SETUP_SECRET?: string;
};

export type Settings = {
  readonly database: { readonly url: string; readonly authToken?: string };
  readonly key: SigningKey;
  readonly setupSecret: string | null;
};

export type SettingsRefusal =
  | 'database_url_missing'
  | 'database_url_malformed'
  | 'controller_key_missing'
  | 'controller_key_malformed'
  | 'setup_secret_malformed';

/** Reads the bindings. The detail of a refusal says what to do, and holds no value. */
export async function readSettings(bindings: Bindings): Promise<Result<Settings, SettingsRefusal>> {
  const { LIBSQL_URL: url, LIBSQL_AUTH_TOKEN: authToken, SETUP_SECRET: setupSecret } = bindings;
  if (!url) return refuse('database_url_missing', 'set LIBSQL_URL to the address of the database');
  if (!isDatabaseUrl(url)) {
    return refuse('database_url_malformed', 'LIBSQL_URL is no address such as libsql://… or https://…');
  }
  if (!bindings.CONTROLLER_KEY) {
    return refuse('controller_key_missing', 'set the secret CONTROLLER_KEY');
  }
  const json = parseStrictJson(bindings.CONTROLLER_KEY.trim(), { maxBytes: 1024, maxDepth: 2 });
  const key = json.ok ? await importSigningKey(json.value) : json;
  if (!key.ok) return refuse('controller_key_malformed', 'CONTROLLER_KEY is no Ed25519 secret JWK');
  if (setupSecret && !bytes32Pattern.test(setupSecret)) {
    return refuse('setup_secret_malformed', 'SETUP_SECRET is not 32 bytes in base64url');
  }
  return ok({
    database: { url, ...(authToken && { authToken }) },
    key: key.value,
    setupSecret: setupSecret || null,
  });
}

/** Tokens and rows travel encrypted, except to this very machine. */
function isDatabaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, search, hash } = new URL(text);
  // A token has a binding of its own, and no option in an address is known.
  if (username !== '' || search !== '' || hash !== '') return false;
  if (protocol === 'libsql:' || protocol === 'https:') return true;
  return protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}
