import { unwatchFile, watchFile } from 'node:fs';
import type { Log } from '../http/log.ts';
import type { KeyAndCertificate } from './certificate.ts';
import { type CertificateFiles, readCertificate } from './tls-files.ts';

/** ACME clients renew every few weeks: a few seconds are soon enough, and work on every file system. */
const defaultEveryMs = 5_000;

/**
 * Reads a given certificate anew when its files change. Files that do not fit together yet (one of the two was
 * written) are passed over: the change of the other comes as well. The returned function ends it.
 */
export function watchCertificate(
  files: CertificateFiles,
  log: Log,
  use: (certificate: KeyAndCertificate) => void,
  everyMs = defaultEveryMs,
): () => void {
  const reload = (): void => {
    readCertificate(files).then((read) => {
      if (!read.ok) return log.warn('certificate_not_reloaded', { detail: read.detail ?? read.reason });
      use(read.value);
      log.info('certificate_reloaded');
    });
  };
  const names = [files.certFile, files.keyFile];
  for (const name of names) watchFile(name, { interval: everyMs, persistent: false }, reload);
  return () => {
    for (const name of names) unwatchFile(name, reload);
  };
}
