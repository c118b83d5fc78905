import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import type { Home } from '../../../examples/demo/home.ts';
import { importSigningKey, type SigningKey } from '../../../schema/jose/keys.ts';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import type { TrustJws } from '../../../schema/wire/relay-api.ts';

/** Signed bytes that the thief found: an intent, or a release's order. */
export type Paper = {
  readonly kind: 'intent' | 'release';
  /** base64url of the bytes, as jobs carry them. */
  readonly text: string;
  readonly digest: string;
  readonly authorisation: string;
  /** Who signed it, by the database. */
  readonly signer: string;
};

export type StoredReceipt = {
  readonly relay: string;
  readonly seq: number;
  readonly intent: string;
  readonly step: number;
  readonly state: string;
  readonly jws: string;
};

/** All that was on the machine of the control plane, and on the relay beside it. */
export type Loot = {
  readonly home: string;
  readonly controller: SigningKey;
  /** The key of `cloud`'s relay. */
  readonly cloud: SigningKey;
  /** That relays pin: whoever listens with it is the control plane to them. */
  readonly tls: { readonly key: string; readonly cert: string };
  /** Every version of trust, the oldest first. */
  readonly versions: readonly TrustJws[];
  readonly trust: TrustDocument;
  readonly intents: readonly Paper[];
  readonly releases: readonly Paper[];
  readonly receipts: readonly StoredReceipt[];
  /** Nonces of earlier runs of relays, by the thumbprint of their key. */
  readonly sessions: readonly { readonly kid: string; readonly session: string }[];
  /** The latest report of each relay, as it signed it. */
  readonly reports: ReadonlyMap<string, string>;
  /** Blobs of releases, by the hex of their digest. */
  readonly blobs: ReadonlyMap<string, Buffer>;
  /** How many entries the audit log has. */
  readonly auditSeq: number;
};

export const documentOf = (jws: TrustJws): TrustDocument =>
  JSON.parse(Buffer.from(jws.payload, 'base64url').toString()) as TrustDocument;

async function keyAt(path: string): Promise<SigningKey> {
  const key = await importSigningKey(JSON.parse(readFileSync(path, 'utf8')));
  if (!key.ok) throw new Error(`${path} holds no key: ${key.reason}`);
  return key.value;
}

/** Takes the machine: its keys, its database and its certificate. Its programs must not run any more. */
export async function takeVm(home: Home): Promise<Loot> {
  const at = (name: string): string => join(home.directory, 'data', name);
  const database = new Libsql(at('writ.db'));
  const all = <T>(sql: string): T[] => database.prepare(sql).all() as T[];
  const versions = all<{ jws_json: string }>('SELECT jws_json FROM trust_version ORDER BY version').map(
    ({ jws_json }) => JSON.parse(jws_json) as TrustJws,
  );
  const trust = documentOf(versions.at(-1)!);
  const papers = (kind: Paper['kind'], from: string): Paper[] =>
    all<Omit<Paper, 'kind'>>(`SELECT bytes AS text, digest, authorisation, signer FROM ${from}`).map(
      (paper) => ({ kind, ...paper }),
    );
  const blobs = new Map<string, Buffer>();
  for (const { digest, bytes } of all<{ digest: string; bytes: ArrayBuffer }>(
    'SELECT digest, bytes FROM blob_piece ORDER BY digest, piece',
  )) {
    const hex = digest.replace('sha256:', '');
    blobs.set(hex, Buffer.concat([blobs.get(hex) ?? Buffer.alloc(0), Buffer.from(bytes)]));
  }
  const loot: Loot = {
    home: trust.home,
    controller: await keyAt(at('controller.key')),
    cloud: await keyAt(join(home.relayDirectory('cloud'), 'key.json')),
    tls: { key: readFileSync(at('tls.key'), 'utf8'), cert: readFileSync(at('tls.crt'), 'utf8') },
    versions,
    trust,
    intents: papers('intent', 'intent ORDER BY issued_at'),
    releases: papers('release', 'deployment ORDER BY created_at'),
    receipts: all('SELECT relay, seq, intent, step, state, jws FROM receipt ORDER BY relay, seq'),
    sessions: all('SELECT kid, session FROM relay_session'),
    reports: new Map(
      all<{ name: string; report_jws: string | null }>('SELECT name, report_jws FROM relay').flatMap(
        ({ name, report_jws }) => (report_jws === null ? [] : [[name, report_jws] as const]),
      ),
    ),
    blobs,
    auditSeq: all<{ seq: number }>('SELECT max(seq) AS seq FROM audit')[0]!.seq,
  };
  database.close();
  return loot;
}

const kidOf = ({ x }: { readonly x: string }): string =>
  createHash('sha256')
    .update(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }))
    .digest('base64url');

/** The thumbprint of the owner's operator key, which is public. */
export function operatorKid({ trust }: Loot): string {
  const { operator } = trust.identities;
  if (operator?.kind !== 'key') throw new Error('trust names no operator');
  return kidOf(operator.jwk);
}

/** The thumbprint of a relay's key, which is public. */
export function relayKid({ trust }: Loot, relay: string): string {
  const identity = trust.identities[relay];
  if (identity?.kind !== 'relay') throw new Error(`trust names no relay ${relay}`);
  return kidOf(identity.jwk);
}
