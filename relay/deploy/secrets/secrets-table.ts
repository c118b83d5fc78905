import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { sha256Hex, toBytes } from '../../../schema/jose/digest.ts';
import { placeholdersIn, secretPlaceholder } from '../../../schema/manifest/placeholder.ts';
import { ok, type Refusal, type Result, refuse } from '../../../schema/result.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import type { ReleaseFile, ReleasePart } from '../../../schema/wire/release.ts';
import { secretPlaces } from './secrets-program.ts';

/** What a part says of its secrets that no target could do. Nothing was changed. */
export const secretRefusals = [
  /** An app lists a secret that nobody has set. */
  'secret_missing',
  /** Two apps of the target make a secret of one name otherwise. */
  'secret_ambiguous',
  /** A secret is derived from itself. */
  'secret_circular',
  /** A placeholder stands where it cannot be filled in: a unit, a file that is only seeded, one in a volume. */
  'secret_misplaced',
  /** A secret is made in a way that this relay does not know. */
  'derived_unknown',
] as const;
export type SecretsRefusal = (typeof secretRefusals)[number];

type Secret = ReleasePart['apps'][number]['secrets'][number];

/** Whether a file has placeholders, so that it is filled in on tmpfs, and a link to that stands in its place. */
export const isFilledIn = ({ secrets, kind, manage, volume }: ReleaseFile): boolean =>
  (secrets?.length ?? 0) > 0 && kind === 'file' && manage === 'exact' && volume === undefined;

/** Where a file is filled in. */
export const filledPath = (path: string): string => `${secretPlaces.run}/files${path}`;

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const hexOf = (digest: string): string => digest.slice('sha256:'.length);

/**
 * The table that the program on the target reads: a line for each secret, and for each file that holds some. Of a part
 * without either, null.
 */
export async function secretsTable(part: ReleasePart): Promise<Result<string | null, SecretsRefusal>> {
  const secrets = new Map<string, Secret>();
  for (const secret of part.apps.flatMap((app) => app.secrets)) {
    // Whoever only names a secret takes it as another app says that it is made.
    const made = secret.derived ?? secrets.get(secret.name)?.derived;
    const known = secrets.get(secret.name)?.derived ?? made;
    if (made !== undefined && canonicalJson(known) !== canonicalJson(made)) {
      return refuse(
        'secret_ambiguous',
        `two apps of ${part.target} say otherwise how ${secret.name} is made`,
      );
    }
    secrets.set(secret.name, made === undefined ? secret : { ...secret, derived: made });
  }
  const rows: string[] = [];
  for (const name of [...secrets.keys()].sort(byText)) {
    const row = await rowOf(secrets, name);
    if (!row.ok) return row;
    rows.push(row.value);
  }
  for (const file of [...part.files].sort((a, b) => byText(a.path, b.path))) {
    const names = file.secrets ?? [];
    if (names.length === 0) continue;
    if (!isFilledIn(file)) {
      return refuse('secret_misplaced', `${file.path} is no place where a secret can be filled in`);
    }
    const unknown = names.find((name) => !secrets.has(name));
    if (unknown !== undefined)
      return refuse('secret_missing', `no app lists ${unknown}, which ${file.path} holds`);
    rows.push(['file', file.mode, file.owner, hexOf(file.digest), file.path].join('\t'));
  }
  return ok(rows.length === 0 ? null : `${rows.join('\n')}\n`);
}

async function rowOf(
  secrets: ReadonlyMap<string, Secret>,
  name: string,
): Promise<Result<string, SecretsRefusal>> {
  const origin = originOf(secrets, name, []);
  if (!origin.ok) return origin;
  const { digest, derived } = secrets.get(name)!;
  if (derived === undefined) return ok(['secret', name, 'age', hexOf(digest!)].join('\t'));
  const [from] = derived.from;
  if (from === undefined && derived.as !== 'text')
    return refuse('secret_missing', `it is not said of what ${name} is made`);
  switch (derived.as) {
    case 'base64':
      return ok(['secret', name, 'base64', from!].join('\t'));
    case 'text': {
      const text = (derived.pattern ?? '').replace(/<<([^<>]*)>>/g, (_, one: string) =>
        secretPlaceholder(one),
      );
      // Only what it is said to be made of was looked at: by another name it could be made of itself, without end.
      const stranger = placeholdersIn(text).find((one) => !derived.from.includes(one));
      if (stranger !== undefined)
        return refuse('secret_missing', `${name} has a place for ${stranger}, of which it is not made`);
      return ok(['secret', name, 'text', btoa(String.fromCharCode(...toBytes(text)))].join('\t'));
    }
    case 'bcrypt':
    case 'pbkdf2-sha512': {
      // Of what it comes from, so that each boot makes the same hash, and another value another salt. Salts are no secrets.
      const salt = (await sha256Hex(toBytes(`writ/salt\0${name}\0${origin.value}`))).slice(0, 32);
      const how = derived.as === 'bcrypt' ? bcryptSetting(salt) : salt;
      return ok(['secret', name, derived.as, from, how].join('\t'));
    }
    default:
      return refuse('derived_unknown', `${name} is made as ${derived.as}, which this relay does not know`);
  }
}

/** What a secret comes from in the end, as a text that is another for everything else. */
function originOf(
  secrets: ReadonlyMap<string, Secret>,
  name: string,
  above: readonly string[],
): Result<string, SecretsRefusal> {
  const secret = secrets.get(name);
  if (above.includes(name)) return refuse('secret_circular', [...above, name].join(', made of '));
  if (secret === undefined)
    return refuse('secret_missing', `no app lists ${name}, of which ${above.at(-1)} is made`);
  if (secret.derived === undefined) {
    return secret.digest === undefined
      ? refuse('secret_missing', `nobody has set the secret ${name}`)
      : ok(secret.digest);
  }
  const parts = secret.derived.from.map((one) => originOf(secrets, one, [...above, name]));
  const bad = parts.find((part): part is Refusal<SecretsRefusal> => !part.ok);
  if (bad !== undefined) return bad;
  return ok(canonicalJson({ ...secret.derived, from: parts.map((part) => (part.ok ? part.value : '')) }));
}

const bcryptAlphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const base64urlAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** bcrypt's setting, with its salt of 16 bytes: `$2y$10$` is what Apache, Go, PHP and Python all take. */
function bcryptSetting(salt: string): string {
  const bytes = Uint8Array.from(salt.match(/../g)!, (pair) => Number.parseInt(pair, 16));
  const text = [...encodeBase64url(bytes)].map((letter) => bcryptAlphabet[base64urlAlphabet.indexOf(letter)]);
  return `$2y$10$${text.join('')}`;
}
