import { statSync } from 'node:fs';
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
  const look = (): string => [files.certFile, files.keyFile].map(stateOf).join();
  // Before the first turn of the loop: fs.watchFile's own first look may come behind a change.
  let seen = look();
  const timer = setInterval(() => {
    const now = look();
    if (now === seen) return;
    seen = now;
    readCertificate(files).then((read) => {
      if (!read.ok) return log.warn('certificate_not_reloaded', { detail: read.detail ?? read.reason });
      use(read.value);
      log.info('certificate_reloaded');
    });
  }, everyMs).unref();
  return () => clearInterval(timer);
}

function stateOf(path: string): string {
  try {
    const { ino, size, mtimeNs } = statSync(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
