import type { CryptoKey } from 'jose';
import * as v from 'valibot';
import { toBytes } from '../../../schema/jose/digest.ts';
import { describeIssue } from '../../../schema/jose/jws.ts';
import { ok, type Result, refuse } from '../../../schema/result.ts';
import { type Leaf, type Scalar, scalarsOf, type Tree } from './leaves.ts';

/** What of the metadata of SOPS (`sops:`, its stores/stores.go) matters for reading a file with an age key. */
const metadataSchema = v.looseObject({
  age: v.optional(v.nullable(v.array(v.looseObject({ recipient: v.string(), enc: v.string() }))), []),
  key_groups: v.optional(v.nullable(v.array(v.unknown())), []),
  lastmodified: v.string(),
  mac: v.string(),
  mac_only_encrypted: v.optional(v.boolean(), false),
});

export type SopsFile = {
  /** The data key, encrypted as an armored age file to each recipient. */
  readonly keys: readonly { readonly recipient: string; readonly enc: string }[];
  readonly tree: Tree;
  /** The same with every value as it stands there. */
  readonly texts: Tree;
  readonly mac: string;
  readonly lastModified: string;
  readonly macOnlyEncrypted: boolean;
};

export type SopsRefusal = 'sops_malformed' | 'sops_unsupported' | 'sops_value' | 'sops_mac';

/** Whether a file is one of SOPS. */
export const isSops = (tree: Tree): boolean => tree instanceof Map && tree.has('sops');

const plain = (tree: Tree): unknown => {
  if (tree instanceof Map)
    return Object.fromEntries([...tree].map(([key, value]) => [String(key), plain(value as Tree)]));
  return Array.isArray(tree) ? tree.map(plain) : tree;
};

const withoutMetadata = (tree: Tree): Tree =>
  new Map([...(tree as ReadonlyMap<unknown, Tree>)].filter(([key]) => key !== 'sops'));

/** Takes a file of SOPS apart. Nothing is decrypted yet. */
export function readSopsFile(tree: Tree, texts: Tree): Result<SopsFile, SopsRefusal> {
  const parsed = v.safeParse(metadataSchema, plain((tree as ReadonlyMap<unknown, Tree>).get('sops')!));
  if (!parsed.success) return refuse('sops_malformed', `in sops, ${describeIssue(parsed.issues[0])}`);
  const { age, key_groups: groups, mac, lastmodified, mac_only_encrypted: only } = parsed.output;
  if ((groups ?? []).length > 0) return refuse('sops_unsupported', 'its key is shared among groups of keys');
  if ((age ?? []).length === 0) return refuse('sops_unsupported', 'it is not encrypted to a key of age');
  return ok({
    keys: age!,
    tree: withoutMetadata(tree),
    texts: withoutMetadata(texts),
    mac,
    lastModified: lastmodified,
    macOnlyEncrypted: only,
  });
}

const encrypted = /^ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]$/;

/** By these 32 bytes, SHA-256 of `sops`, begins a MAC over encrypted values alone. */
const onlyEncryptedStart = async (): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', toBytes('sops')));

/**
 * Decrypts every value with the data key and checks the MAC over all of them: each value is bound to its keys, and the
 * MAC to which values there are.
 *
 * @param dataKey 32 bytes
 */
export async function openSops(
  file: SopsFile,
  dataKey: Uint8Array<ArrayBuffer>,
): Promise<Result<readonly Leaf[], SopsRefusal>> {
  if (dataKey.length !== 32) return refuse('sops_malformed', 'its data key has not 32 bytes');
  const key = await crypto.subtle.importKey('raw', dataKey, 'AES-GCM', false, ['decrypt']);
  const leaves: Leaf[] = [];
  const hashed: Uint8Array[] = file.macOnlyEncrypted ? [await onlyEncryptedStart()] : [];
  for (const { path, scalar, text } of scalarsOf(file.tree, file.texts)) {
    const match = typeof scalar === 'string' ? encrypted.exec(scalar) : null;
    if (match === null) {
      const value = toBytes(textOf(scalar));
      if (!file.macOnlyEncrypted) hashed.push(value);
      leaves.push({ path, value: toBytes(text), clear: true });
      continue;
    }
    const opened = await open(key, match.slice(1) as Parts, `${keysOf(path).join(':')}:`);
    if (opened === null)
      return refuse(
        'sops_value',
        `the value of ${path.join('.')} was not encrypted with this key at this place`,
      );
    const type = match[4]!;
    if (type === 'comment') continue;
    hashed.push(type === 'bool' ? toBytes(textOf(isTrue(opened))) : opened);
    leaves.push({ path, value: type === 'bool' ? toBytes(String(isTrue(opened))) : opened, clear: false });
  }
  const mac = encrypted.exec(file.mac);
  const told = mac === null ? null : await open(key, mac.slice(1) as Parts, file.lastModified);
  const sum = new Uint8Array(await crypto.subtle.digest('SHA-512', joined(hashed)));
  const own = [...sum].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return told !== null && new TextDecoder().decode(told).toLowerCase() === own
    ? ok(leaves)
    : refuse('sops_mac', 'its MAC does not fit its values: something was added, removed or moved');
}

type Parts = [data: string, iv: string, tag: string, type: string];

/** AES-256-GCM with the keys of a value as additional data; null for what does not authenticate. */
async function open(
  key: CryptoKey,
  [data, iv, tag]: Parts,
  additional: string,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const [box, nonce, mark] = [data, iv, tag].map(fromBase64);
  if (box === null || nonce === null || mark?.length !== 16 || nonce!.length === 0) return null;
  try {
    const opened = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv: nonce!, additionalData: toBytes(additional), tagLength: 128 },
      key,
      joined([box!, mark]),
    );
    return new Uint8Array(opened);
  } catch {
    return null;
  }
}

/** Places in lists are no part of what a value is bound to. */
const keysOf = (path: readonly (string | number)[]): string[] =>
  path.filter((part): part is string => typeof part === 'string');

/** A value as SOPS hashes it: numbers without an exponent, truth as Python writes it. */
function textOf(scalar: Scalar): string {
  if (typeof scalar === 'boolean') return scalar ? 'True' : 'False';
  return typeof scalar === 'number' ? withoutExponent(scalar) : scalar;
}

const isTrue = (bytes: Uint8Array): boolean => /^(1|t|true)$/i.test(new TextDecoder().decode(bytes));

function withoutExponent(value: number): string {
  const [mantissa, exponent] = String(value).split('e') as [string, string | undefined];
  if (exponent === undefined) return mantissa;
  const [sign, whole, fraction = ''] = /^(-?)(\d)(?:\.(\d+))?$/.exec(mantissa)!.slice(1) as [
    string,
    string,
    string | undefined,
  ];
  const shift = Number(exponent);
  const digits = `${whole}${fraction}`;
  if (shift < 0) return `${sign}0.${'0'.repeat(-shift - 1)}${digits}`;
  return `${sign}${digits.padEnd(shift + 1, '0')}`;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
