import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { type KeyAndCertificate, makeCertificate } from './certificate.ts';
import { readText, writePrivateFile } from './private-files.ts';

export type CertificateFiles = { readonly certFile: string; readonly keyFile: string };

/** The certificate that the owner gave; its two halves must belong together. */
export async function readCertificate(
  files: CertificateFiles,
): Promise<Result<KeyAndCertificate, 'certificate_unusable'>> {
  try {
    const [certificatePem, keyPem] = await Promise.all([
      readFile(files.certFile, 'utf8'),
      readFile(files.keyFile, 'utf8'),
    ]);
    const matches = new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem));
    if (!matches) return refuse('certificate_unusable', 'certificate and key do not belong together');
    return ok({ certificatePem, keyPem });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return refuse('certificate_unusable', `${files.certFile} or ${files.keyFile}: ${code}`);
  }
}

/** The instance's own certificate, made at its first start and kept: its key is what relays pin. */
export async function loadOwnCertificate(
  dataDir: string,
  hosts: readonly string[],
  now: Date,
): Promise<Result<KeyAndCertificate, 'certificate_unusable'>> {
  const certFile = join(dataDir, 'tls.crt');
  const keyFile = join(dataDir, 'tls.key');
  const [certificate, key] = await Promise.all([readText(certFile), readText(keyFile)]);
  if (key === null && certificate === null) {
    const names = [...new Set(['localhost', '127.0.0.1', '::1', ...hosts])];
    const made = await makeCertificate(names, now);
    // The certificate last: a key without one is told apart from a fresh start.
    await writePrivateFile(keyFile, made.keyPem);
    await writePrivateFile(certFile, made.certificatePem);
    return ok(made);
  }
  if (key === null || certificate === null) {
    return refuse(
      'certificate_unusable',
      `only one of ${certFile} and ${keyFile} is there; remove it to make new ones`,
    );
  }
  return readCertificate({ certFile, keyFile });
}
