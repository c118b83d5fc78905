import 'reflect-metadata';
import { createHash, X509Certificate } from 'node:crypto';
import {
  BasicConstraintsExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A self-signed server certificate, as Proxmox VE has one until its owner installs another. */
export type ServerCertificate = {
  readonly certPem: string;
  readonly keyPem: string;
  /** `sha256:<hex>` of the SubjectPublicKeyInfo and of the whole certificate. */
  readonly pins: { readonly spki: string; readonly certificate: string };
};

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A new P-256 key and a certificate for 127.0.0.1, ::1 and localhost, valid for ten years around now. */
export async function makeServerCertificate(commonName: string): Promise<ServerCertificate> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const year = new Date().getUTCFullYear();
  const made = await X509CertificateGenerator.createSelfSigned({
    keys,
    name: [{ CN: [commonName] }],
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.UTC(year - 1, 0, 1)),
    notAfter: new Date(Date.UTC(year + 9, 0, 1)),
    extensions: [
      new SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
        { type: 'ip', value: '::1' },
      ]),
      new BasicConstraintsExtension(true, undefined, true),
    ],
  });
  const certificate = new X509Certificate(made.toString('pem'));
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  const sha256 = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return {
    certPem: certificate.toString(),
    keyPem: PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY'),
    pins: { spki: sha256(spki), certificate: sha256(certificate.raw) },
  };
}
