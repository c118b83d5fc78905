import { readYaml } from '../../config/read/yaml.ts';
import { clearLeaves, type Leaf, type Tree } from '../../config/secrets/leaves.ts';
import { isSops, openSops, readSopsFile } from '../../config/secrets/sops.ts';
import type { Context } from '../command.ts';
import { exits, type Failure, fail } from '../outcome.ts';
import { decryptAge, isArmored } from './age.ts';
import { type Identity, type IdentityValues, readIdentity } from './identity.ts';

/** Far more than the values of a home. */
export const maxImportBytes = 1024 * 1024;

/** What protected a file: SOPS with age, age around the whole of it, or nothing. */
export type ImportSource = 'sops' | 'age' | 'clear';

export type Imported = { readonly source: ImportSource; readonly leaves: readonly Leaf[] };

const refused = (reason: string, detail: string): Failure =>
  fail(exits.usage, reason, `${detail} Nothing was imported.`);

/** Reads the values of a file, with the owner's identity where it is encrypted. */
export async function readImport(
  context: Context,
  file: string,
  bytes: Uint8Array<ArrayBuffer>,
  values: IdentityValues,
): Promise<{ ok: true; value: Imported } | Failure> {
  let identity: Identity | undefined;
  const unlock = async (): Promise<{ ok: true; value: Identity } | Failure> => {
    if (identity !== undefined) return { ok: true, value: identity };
    const read = await readIdentity(context, values);
    if (read.ok) identity = read.value;
    return read;
  };
  let text = bytes;
  const isAge =
    isArmored(bytes) || new TextDecoder().decode(bytes.subarray(0, 21)) === 'age-encryption.org/v1';
  if (isAge) {
    const key = await unlock();
    if (!key.ok) return key;
    const opened = await decryptAge(bytes, key.value.openers, 2 * maxImportBytes);
    if (!opened.ok)
      return fail(exits.failed, opened.reason, `${file}: ${opened.detail}. Nothing was imported.`);
    text = opened.value;
  }
  const parsed = parseImport(file, text);
  if (!parsed.ok) return parsed;
  const { tree, texts } = parsed.value;
  if (!isSops(tree)) {
    return { ok: true, value: { source: isAge ? 'age' : 'clear', leaves: clearLeaves(tree, texts) } };
  }
  const sops = readSopsFile(tree, texts);
  if (!sops.ok) return sopsFailure(file, sops);
  const key = await unlock();
  if (!key.ok) return key;
  const dataKey = await openDataKey(sops.value.keys, key.value);
  if (dataKey === null) {
    const recipients = sops.value.keys.map(({ recipient }) => recipient).join(', ');
    return fail(
      exits.failed,
      'age_not_for_key',
      `${file} is encrypted to ${recipients}, and none of these is your identity's. Name the one that SOPS used with --identity FILE. Nothing was imported.`,
    );
  }
  const leaves = await openSops(sops.value, dataKey);
  return leaves.ok
    ? { ok: true, value: { source: 'sops', leaves: leaves.value } }
    : sopsFailure(file, leaves);
}

/** The values of a file as YAML has them, and as they stand there. */
function parseImport(
  file: string,
  bytes: Uint8Array<ArrayBuffer>,
): { ok: true; value: { tree: Tree; texts: Tree } } | Failure {
  const typed = readYaml(file, bytes, { ordered: true });
  const texts = readYaml(file, bytes, { ordered: true, texts: true });
  if (!typed.ok || !texts.ok) {
    // The parser's own words may hold a piece of the text.
    const faults = typed.ok ? (texts.ok ? [] : texts.findings) : typed.findings;
    const places = faults.map(({ line, column, code }) => `${file}:${line}:${column} [${code}]`);
    return refused('import_malformed', `${file} is neither YAML nor JSON: ${places.join(', ')}.`);
  }
  const tree = typed.yaml.value as Tree;
  const ofPodman = readPodmanSecrets(texts.yaml.value as Tree);
  if (ofPodman === 'not_text') {
    const detail = `${file} holds a secret that is no UTF-8 text, which Podman does not tell whole. Bring it by writ secrets set NAME --from FILE.`;
    return refused('import_not_text', detail);
  }
  if (ofPodman !== null) return { ok: true, value: { tree: ofPodman, texts: ofPodman } };
  if (!(tree instanceof Map)) return refused('import_malformed', `${file} holds no keys with values.`);
  return { ok: true, value: { tree, texts: texts.yaml.value as Tree } };
}

/** What `podman secret inspect --showsecret` prints, as values by their names; null for anything else. */
function readPodmanSecrets(tree: Tree): Tree | 'not_text' | null {
  if (!Array.isArray(tree) || tree.length === 0) return null;
  const values = new Map<string, string>();
  for (const one of tree as readonly Tree[]) {
    const spec = one instanceof Map ? one.get('Spec') : undefined;
    const name = spec instanceof Map ? spec.get('Name') : undefined;
    const value = one instanceof Map ? one.get('SecretData') : undefined;
    if (typeof name !== 'string' || typeof value !== 'string') return null;
    if (value.includes('\ufffd')) return 'not_text';
    values.set(name, value);
  }
  return values;
}

const sopsFailure = (file: string, { reason, detail }: { reason: string; detail?: string }): Failure =>
  refused(
    reason,
    `${file} is a file of SOPS, and ${detail ?? reason}. What writ does not read, SOPS does: sops -d ${file} | writ secrets import - --yes`,
  );

async function openDataKey(
  keys: readonly { readonly enc: string }[],
  identity: Identity,
): Promise<Uint8Array<ArrayBuffer> | null> {
  for (const { enc } of keys) {
    const opened = await decryptAge(new TextEncoder().encode(enc), identity.openers, 64 * 1024);
    if (opened.ok) return opened.value;
  }
  return null;
}
