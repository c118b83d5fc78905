import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { nameOf } from '../../schema/x509/certificate.ts';
import { issueCertificate, keyIdOf } from '../../schema/x509/issue.ts';
import type { Permitted } from '../../schema/x509/names.ts';
import { toPem } from '../../schema/x509/pem.ts';

const dayMs = 86_400_000;

/** A certificate with its private key. */
export type Held = {
  readonly pem: string;
  readonly der: Uint8Array<ArrayBuffer>;
  readonly key: KeyObject;
  readonly subject: string;
};

export const spkiOf = (key: KeyObject): Uint8Array<ArrayBuffer> =>
  new Uint8Array(key.export({ type: 'spki', format: 'der' }));

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

const common = (subject: string, now: number, days: number) => ({
  serial: randomBytes(16),
  subject,
  notBefore: now - dayMs,
  notAfter: now + days * dayMs,
});

export const issuerOf = async (publicKey: KeyObject, subject: string) => ({
  subject: nameOf(subject),
  keyId: await keyIdOf(spkiOf(publicKey)),
});

const heldOf = (der: Uint8Array<ArrayBuffer>, key: KeyObject, subject: string): Held => ({
  der,
  key,
  subject,
  pem: toPem(der),
});
const signBy = (key: KeyObject) => (bytes: Uint8Array) => sign('sha256', bytes, key);

export async function makeRoot(now = Date.now()): Promise<Held & { readonly publicKey: KeyObject }> {
  const { privateKey, publicKey } = newKeys();
  const subject = 'test root';
  const der = await issueCertificate(
    { kind: 'root', ...common(subject, now, 3650), spki: spkiOf(publicKey) },
    signBy(privateKey),
  );
  return { ...heldOf(der, privateKey, subject), publicKey };
}

/** For a new key, or for the one of a relay. */
export async function makeIntermediate(
  root: Awaited<ReturnType<typeof makeRoot>>,
  permitted: Permitted,
  {
    spki,
    now = Date.now(),
    days = 700,
  }: { readonly spki?: Uint8Array<ArrayBuffer>; readonly now?: number; readonly days?: number } = {},
): Promise<Held & { readonly publicKey: KeyObject }> {
  const { privateKey, publicKey } = newKeys();
  const subject = 'test intermediate';
  const issuer = await issuerOf(root.publicKey, root.subject);
  const der = await issueCertificate(
    {
      kind: 'intermediate',
      ...common(subject, now, days),
      issuer,
      permitted,
      spki: spki ?? spkiOf(publicKey),
    },
    signBy(root.key),
  );
  return { ...heldOf(der, privateKey, subject), publicKey };
}

/** What whoever has an intermediate's key can make, whether it is permitted or not. */
export async function makeLeaf(
  above: { readonly key: KeyObject; readonly publicKey: KeyObject; readonly subject: string },
  names: readonly string[],
  { kind = 'server' as 'server' | 'client', cn = names[0] ?? 'leaf', now = Date.now() } = {},
): Promise<Held> {
  const { privateKey, publicKey } = newKeys();
  const issuer = await issuerOf(above.publicKey, above.subject);
  const der = await issueCertificate(
    { kind, ...common(cn, now, 30), issuer, names, spki: spkiOf(publicKey) },
    signBy(above.key),
  );
  return heldOf(der, privateKey, cn);
}
