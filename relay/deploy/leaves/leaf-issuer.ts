import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { ok, type Result, refuse } from '../../../schema/result.ts';
import type { ReleaseAuthority, ReleaseCert } from '../../../schema/wire/release.ts';
import { issueCertificate, keyIdOf } from '../../../schema/x509/issue.ts';
import { isAddress, isPermitted } from '../../../schema/x509/names.ts';
import { fromBase64, fromPem, toBase64, toPem } from '../../../schema/x509/pem.ts';
import { readCertificate } from '../../../schema/x509/read-certificate.ts';

export type LeafCode =
  | 'authority_missing'
  | 'authority_key_missing'
  | 'authority_foreign'
  | 'authority_malformed'
  | 'authority_expired'
  | 'certificate_not_permitted';

/** What is made for an app. Texts are PEM. */
export type Leaf = {
  /** With the intermediate after it. */
  readonly chain: string;
  readonly notBefore: number;
  readonly notAfter: number;
};

/** An intermediate that this relay's key is for, and that its root signed. */
export type LeafIssuer = {
  /** Digest of root and intermediate. */
  readonly digest: string;
  readonly root: string;
  /** When a certificate that is made now would end. */
  readonly latest: number;
  /** @param key public key in base64 */
  issue(cert: ReleaseCert, key: string): Promise<Leaf>;
};

const dayMs = 86_400_000;
/** How long a certificate of an app lives: it is renewed after two thirds. */
export const leafLifetimeMs = 30 * dayMs;
/** Clocks of those who look at it may be behind. */
const earlierMs = 60 * 60_000;
/** An intermediate with less left makes nothing that would be of use. */
const leastMs = dayMs;

/** Of a common name (RFC 5280, A.1: ub-common-name). */
const mostSubject = 64;

const spkiOf = (key: KeyObject): Uint8Array<ArrayBuffer> =>
  new Uint8Array(key.export({ type: 'spki', format: 'der' }));

/** A new key for an app: its private half as text (PKCS #8), and its public one in base64. */
export function makeLeafKey(): { readonly pem: string; readonly key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    key: toBase64(spkiOf(publicKey)),
  };
}

/** The public half of a key, as reports tell it. */
export const publicKeyOf = (pem: string): string => toBase64(spkiOf(createPublicKey(createPrivateKey(pem))));

/**
 * Opens what a release says of the private CA: it must be made for this relay's key, by its root, and be in force. Names that
 * it does not permit are refused, since nobody would believe them.
 *
 * @param keyPem the relay's own key; null where it has none
 */
export async function openIssuer(
  authority: ReleaseAuthority | null,
  keyPem: string | null,
  certs: readonly ReleaseCert[],
  now: number,
): Promise<Result<LeafIssuer, LeafCode>> {
  if (authority === null) return refuse('authority_missing');
  if (keyPem === null) return refuse('authority_key_missing');
  const der = fromPem(authority.issuer);
  const read = der.ok ? readCertificate(der.value) : der;
  // Of a text with two roots the first would be looked at, and apps would trust both.
  if (!read.ok || !fromPem(authority.root).ok || !isSignedBy(authority)) return refuse('authority_malformed');
  const { subject, spki, notBefore, notAfter, isAuthority, permitted } = read.value;
  const key = createPrivateKey(keyPem);
  if (toBase64(spki) !== publicKeyOf(keyPem)) return refuse('authority_foreign');
  // Without constraints it could be used to speak for the whole home.
  if (!isAuthority || permitted === null) return refuse('authority_malformed');
  if (now < notBefore || now > notAfter - leastMs) return refuse('authority_expired');
  const names = certs.flatMap((cert) => cert.names);
  const denied = names.filter((name) => !isPermitted(permitted, name));
  if (denied.length > 0) return refuse('certificate_not_permitted', [...new Set(denied)].join(', '));
  const latest = Math.min(now + leafLifetimeMs, notAfter);
  const issuer = { subject, keyId: await keyIdOf(spki) };
  return ok({
    digest: await digestBytes(toBytes(`${authority.root}${authority.issuer}`)),
    root: authority.root,
    latest,
    async issue(cert, publicKey) {
      const bytes = fromBase64(publicKey);
      if (!bytes.ok) throw new Error('a public key that is none');
      const times = { notBefore: secondOf(Math.max(now - earlierMs, notBefore)), notAfter: secondOf(latest) };
      const isSubject = (name: string): boolean => !isAddress(name) && name.length <= mostSubject;
      const subjectName = cert.names.find(isSubject) ?? cert.name;
      const leaf = await issueCertificate(
        {
          kind: cert.kind,
          ...times,
          serial: randomBytes(16),
          subject: subjectName,
          spki: bytes.value,
          issuer,
          names: cert.names,
        },
        (toSign) => sign('sha256', toSign, key),
      );
      return { chain: `${toPem(leaf)}${authority.issuer}`, ...times };
    },
  });
}

/** Certificates have no smaller units. */
const secondOf = (ms: number): number => Math.floor(ms / 1000) * 1000;

function isSignedBy({ root, issuer }: ReleaseAuthority): boolean {
  try {
    const above = new X509Certificate(root);
    const below = new X509Certificate(issuer);
    return above.ca && below.checkIssued(above) && below.verify(above.publicKey);
  } catch {
    return false;
  }
}
