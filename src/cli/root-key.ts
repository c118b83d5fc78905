import { createPrivateKey } from 'node:crypto';
import { importSigningKey, type SigningKey, thumbprint } from '../../schema/jose/keys.ts';
import type { TrustDocument } from '../../schema/trust/document.ts';
import type { Context } from './command.ts';
import { readRootFile } from './home.ts';
import { exits, type Failure, fail } from './outcome.ts';
import { fromPaper } from './paper.ts';
import { inTries, passphrase, passphraseFileOption } from './passphrase.ts';
import { openRoot } from './seal.ts';
import { listed } from './text.ts';

/** Options of the commands that sign a new trust version. */
export const rootOptions = {
  'passphrase-file': passphraseFileOption,
  paper: { type: 'flag', about: 'sign with the root key from paper instead of the one on this computer' },
} as const;

export type RootValues = { readonly 'passphrase-file': string | undefined; readonly paper: boolean };

/**
 * Enough root keys to reach the thresholds of the version in force and of the next: those `made` just now, then the
 * one on this computer, then the one on paper; with `--paper` that one first.
 */
export async function rootKeys(
  context: Context,
  values: RootValues,
  before: TrustDocument,
  after: TrustDocument,
  made: readonly SigningKey[],
): Promise<{ ok: true; value: readonly SigningKey[] } | Failure> {
  const [old, next] = await Promise.all([before, after].map(rootsOf));
  const keys = new Map<string, SigningKey>(made.map((key) => [key.kid, key]));
  const counted = (roots: ReadonlySet<string>): number =>
    [...keys.keys()].filter((kid) => roots.has(kid)).length;
  const enough = (): boolean => counted(old!) >= before.threshold && counted(next!) >= after.threshold;

  const sources = [
    { name: 'on this computer', take: () => deskKey(context, values) },
    { name: 'on paper', take: () => askPaperKey(context, 'The root key on paper: ') },
  ];
  if (values.paper) sources.reverse();
  for (const { name, take } of sources) {
    if (enough()) break;
    const key = await take();
    if (!key.ok) return key;
    if (!old!.has(key.value.kid) && !next!.has(key.value.kid)) {
      return fail(
        exits.refused,
        'root_unknown',
        `The root key ${name} is no root of trust version ${before.version}, whose roots are ${listed(before.roots.map(({ kid }) => kid))}. Nothing was signed.`,
      );
    }
    keys.set(key.value.kid, key.value);
  }
  return enough()
    ? { ok: true, value: [...keys.values()] }
    : fail(
        exits.refused,
        'trust_threshold',
        `Version ${after.version} is to be signed by ${before.threshold} of the roots before it and ${after.threshold} of its own. The keys at hand are too few. Nothing was signed.`,
      );
}

const rootsOf = async ({ roots }: TrustDocument): Promise<ReadonlySet<string>> =>
  new Set(await Promise.all(roots.map(({ jwk }) => thumbprint(jwk))));

async function deskKey(
  context: Context,
  values: RootValues,
): Promise<{ ok: true; value: SigningKey } | Failure> {
  const file = readRootFile(context.configDir);
  if (!file.ok) return file;
  const from = values['passphrase-file'];
  return inTries(context, from, async () => {
    const said =
      file.value.sealed === 'trial' ? ({ ok: true, value: '' } as const) : await passphrase(context, from);
    if (!said.ok) return said;
    const opened = await openRoot(file.value, said.value);
    return opened.ok
      ? usable(opened.value)
      : fail(exits.refused, opened.reason, opened.detail ?? opened.reason);
  });
}

/** The key whose words somebody types from paper. */
export async function askPaperKey(
  context: Context,
  question: string,
): Promise<{ ok: true; value: SigningKey } | Failure> {
  if (!context.terminal.asks) {
    return fail(exits.usage, 'no_terminal', 'There is no terminal to type the paper root at.');
  }
  context.progress.end();
  const line = await context.terminal.ask(question, { hidden: true });
  if (line === null) return fail(exits.usage, 'given_up', 'Given up.');
  const seed = fromPaper(line);
  if (!seed.ok) return fail(exits.usage, seed.reason, seed.detail ?? seed.reason);
  // RFC 8410: the PKCS #8 form of an Ed25519 key is this prefix and the 32 bytes.
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed.value]);
  const jwk = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' });
  return usable({ kty: jwk.kty, crv: jwk.crv, x: jwk.x, d: jwk.d });
}

async function usable(secret: unknown): Promise<{ ok: true; value: SigningKey } | Failure> {
  const key = await importSigningKey(secret);
  return key.ok ? key : fail(exits.usage, key.reason, `The root key cannot be used: ${key.detail}.`);
}
