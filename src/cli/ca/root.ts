import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import * as v from 'valibot';
import { issueCertificate, keyIdOf } from '../../../schema/x509/issue.ts';
import type { Permitted } from '../../../schema/x509/names.ts';
import { fromPem, toPem } from '../../../schema/x509/pem.ts';
import { readCertificate } from '../../../schema/x509/read-certificate.ts';
import type { Context } from '../command.ts';
import { readConfigFile, writeConfigFile } from '../config-file.ts';
import { exits, type Failure, fail } from '../outcome.ts';
import { inTries, passphrase } from '../passphrase.ts';
import { boxSchema, openText, sealText } from '../seal.ts';

const file = 'ca.json';
const dayMs = 86_400_000;
const rootYears = 10;
/** Clocks of machines may be behind. */
const earlierMs = 60 * 60_000;

const fileSchema = v.strictObject({
  v: v.literal(1),
  certificate: v.pipe(v.string(), v.maxLength(4096)),
  /** PKCS #8 as text: sealed by a passphrase, or in a trial as it is. */
  key: v.variant('sealed', [
    boxSchema,
    v.strictObject({
      v: v.literal(1),
      sealed: v.literal('trial'),
      pem: v.pipe(v.string(), v.maxLength(1024)),
    }),
  ]),
});
/** The root of the private CA as this computer keeps it, in ca.json beside the owner's other keys. */
export type CaFile = v.InferOutput<typeof fileSchema>;

/** Null where there is none. */
export const readCa = (configDir: string): { ok: true; value: CaFile | null } | Failure =>
  readConfigFile(configDir, file, fileSchema, 16 * 1024);

export function readCaOr(configDir: string): { ok: true; value: CaFile } | Failure {
  const read = readCa(configDir);
  if (!read.ok || read.value !== null) return read as { ok: true; value: CaFile } | Failure;
  return fail(
    exits.usage,
    'ca_missing',
    'This computer has no private CA yet: writ ca init. Nothing was done.',
  );
}

const spkiOf = (key: KeyObject): Uint8Array<ArrayBuffer> =>
  new Uint8Array(key.export({ type: 'spki', format: 'der' }));

/** A new root, on the disk of this computer. */
export async function makeCa(
  context: Context,
  home: string,
  said: { readonly trial: true } | { readonly passphrase: string },
): Promise<CaFile> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const now = context.now();
  const der = await issueCertificate(
    {
      kind: 'root',
      serial: context.random(16),
      subject: `Writ private CA ${home}`,
      spki: spkiOf(publicKey),
      notBefore: now - earlierMs,
      notAfter: now + rootYears * 365 * dayMs,
    },
    (bytes) => sign('sha256', bytes, privateKey),
  );
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const key: CaFile['key'] =
    'trial' in said ? { v: 1, sealed: 'trial', pem } : await sealText(pem, said.passphrase, 'ca');
  const made: CaFile = { v: 1, certificate: toPem(der), key };
  writeConfigFile(context.configDir, file, made);
  return made;
}

/** What signs intermediates, once its passphrase was said. */
export type CaRoot = {
  /** For a relay's public key, and for these names alone; as text. */
  sign(host: string, key: Uint8Array<ArrayBuffer>, permitted: Permitted, years: number): Promise<string>;
};

export async function openCa(
  context: Context,
  { certificate, key }: CaFile,
  from: string | undefined,
): Promise<{ ok: true; value: CaRoot } | Failure> {
  const opened = await inTries(context, from, async () => {
    if (key.sealed === 'trial') return { ok: true as const, value: key.pem };
    const said = await passphrase(context, from, 'Passphrase of the private CA: ');
    if (!said.ok) return said;
    const text = await openText(key, said.value, 'ca');
    if (text.ok) return { ok: true as const, value: new TextDecoder().decode(text.value) };
    return fail(exits.refused, text.reason, 'The passphrase does not open the key of the private CA.');
  });
  if (!opened.ok) return opened;
  const privateKey = createPrivateKey(opened.value);
  const der = fromPem(certificate);
  const read = der.ok ? readCertificate(der.value) : der;
  if (!read.ok)
    return fail(exits.usage, 'ca_malformed', `The certificate in ${file} cannot be read. Nothing was done.`);
  const { subject, spki, notAfter: end } = read.value;
  const issuer = { subject, keyId: await keyIdOf(spki) };
  return {
    ok: true,
    value: {
      async sign(host, publicKey, permitted, years) {
        const now = context.now();
        const made = await issueCertificate(
          {
            kind: 'intermediate',
            serial: context.random(16),
            subject: `Writ relay ${host}`,
            spki: publicKey,
            notBefore: now - earlierMs,
            notAfter: Math.min(end, now + years * 365 * dayMs),
            issuer,
            permitted,
          },
          (bytes) => sign('sha256', bytes, privateKey),
        );
        return toPem(made);
      },
    },
  };
}

/** Of a key, for eyes: the first digits of SHA-256 of it. */
export const shortKey = (spki: Uint8Array): string =>
  createHash('sha256').update(spki).digest('hex').slice(0, 16);
