import { sha256Hex } from '../jose/digest.ts';
import { type CertificateDraft, certificateToSign, signedCertificate } from './certificate.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** An ECDSA signature over SHA-256 of the bytes, in DER. */
export type SignDer = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;

type WithoutKeyId<D> = D extends unknown ? Omit<D, 'keyId'> : never;

/** What tells a key from others in certificates: 20 bytes of SHA-256 of it (RFC 7093, 2, of the whole SubjectPublicKeyInfo). */
export async function keyIdOf(spki: Bytes): Promise<Bytes> {
  const hex = await sha256Hex(spki);
  return Uint8Array.from({ length: 20 }, (_, index) =>
    Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16),
  );
}

/** Makes a certificate, in DER. */
export async function issueCertificate(
  draft: WithoutKeyId<CertificateDraft> & { readonly spki: Bytes },
  sign: SignDer,
): Promise<Bytes> {
  const toSign = certificateToSign({ ...draft, keyId: await keyIdOf(draft.spki) } as CertificateDraft);
  return signedCertificate(toSign, await sign(toSign));
}
