import { createPrivateKey } from 'node:crypto';
import { importSigningKey, type SigningKey } from '../../schema/jose/keys.ts';
import type { Context } from './command.ts';
import { readRootFile } from './home.ts';
import { exits, type Failure, fail } from './outcome.ts';
import { fromPaper } from './paper.ts';
import { passphrase, passphraseFileOption } from './passphrase.ts';
import { openRoot } from './seal.ts';

/** Options of the commands that sign a new trust version. */
export const rootOptions = {
  'passphrase-file': passphraseFileOption,
  paper: { type: 'flag', about: 'sign with the root key from paper instead of the one on this computer' },
} as const;

type RootValues = { readonly 'passphrase-file': string | undefined; readonly paper: boolean };

/** A root key to sign trust with: the sealed one, or the one on paper. */
export async function rootKey(
  context: Context,
  values: RootValues,
): Promise<{ ok: true; value: SigningKey } | Failure> {
  const secret = values.paper ? await fromPaperKey(context) : await fromDeskKey(context, values);
  if (!secret.ok) return secret;
  const key = await importSigningKey(secret.value);
  return key.ok ? key : fail(exits.usage, key.reason, `The root key cannot be used: ${key.detail}.`);
}

async function fromDeskKey(
  context: Context,
  values: RootValues,
): Promise<{ ok: true; value: unknown } | Failure> {
  const file = readRootFile(context.configDir);
  if (!file.ok) return file;
  const said =
    file.value.sealed === 'trial'
      ? ({ ok: true, value: '' } as const)
      : await passphrase(context, values['passphrase-file']);
  if (!said.ok) return said;
  const opened = await openRoot(file.value, said.value);
  return opened.ok ? opened : fail(exits.refused, opened.reason, opened.detail ?? opened.reason);
}

async function fromPaperKey(context: Context): Promise<{ ok: true; value: unknown } | Failure> {
  if (!context.terminal.asks) {
    return fail(exits.usage, 'no_terminal', 'There is no terminal to type the paper root at.');
  }
  context.progress.end();
  const line = await context.terminal.ask('The root key on paper: ', { hidden: true });
  if (line === null) return fail(exits.usage, 'given_up', 'Given up.');
  const seed = fromPaper(line);
  if (!seed.ok) return fail(exits.usage, seed.reason, seed.detail ?? seed.reason);
  // RFC 8410: the PKCS #8 form of an Ed25519 key is this prefix and the 32 bytes.
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed.value]);
  const jwk = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' });
  return { ok: true, value: { kty: jwk.kty, crv: jwk.crv, x: jwk.x, d: jwk.d } };
}
