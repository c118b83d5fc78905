import { createHash, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

export type KeyAndCertificate = { readonly keyPem: string; readonly certificatePem: string };

/** Relays and the CLI pin the key, so a certificate has no reason to end before the machine does. */
const lifetimeYears = 30;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/**
 * A new P-256 key and a self-signed server certificate (RFC 5280) for names and addresses. It is no authority:
 * who pins it trusts this key alone.
 */
export async function makeCertificate(names: readonly string[], now: Date): Promise<KeyAndCertificate> {
  // Only an instance's first start makes a certificate: all others spare themselves 24 MB. The library needs the
  // metadata of decorators, so that the order of these two counts.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const year = now.getUTCFullYear();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    keys,
    name: 'CN=writ',
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.UTC(year - 1, 0, 1)),
    notAfter: new Date(Date.UTC(year + lifetimeYears, 0, 1)),
    extensions: [
      new x509.SubjectAlternativeNameExtension(
        names.map((name) => ({ type: isIP(name) === 0 ? 'dns' : 'ip', value: name })),
      ),
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    ],
  });
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    keyPem: `${x509.PemConverter.encode(key, 'PRIVATE KEY')}\n`,
    certificatePem: `${certificate.toString('pem')}\n`,
  };
}

/** The pin of a certificate's key: `sha256:<hex>` of its DER SubjectPublicKeyInfo. */
export function pinOf(certificatePem: string): string {
  const der = new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(der).digest('hex')}`;
}
