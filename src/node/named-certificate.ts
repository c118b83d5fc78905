import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { KeyAndCertificate } from './certificate.ts';

/**
 * The owner's certificate beside the control plane's own: for callers that trust authorities, as phones do. Who pins
 * the own key asks by address, or by a name that trust pins, and gets the own one.
 */
export type NamedCertificate = {
  /** Whether it vouches for a name. Addresses are asked for without a name, so that it never vouches for one. */
  covers(name: string): boolean;
  /** What to show to a caller that asks for a name (RFC 6066 section 3); null: the control plane's own. */
  contextFor(name: string): Promise<SecureContext | null>;
  /** Takes its next issue; connections that are open stay. */
  renew(next: KeyAndCertificate): void;
};

/** @param isPinned whether relays know the control plane under a name by its own key */
export function createNamedCertificate(
  first: KeyAndCertificate,
  isPinned: (name: string) => Promise<boolean>,
): NamedCertificate {
  const load = ({ keyPem, certificatePem }: KeyAndCertificate) => ({
    certificate: new X509Certificate(certificatePem),
    context: createSecureContext({ key: keyPem, cert: certificatePem, minVersion: 'TLSv1.2' }),
  });
  let loaded = load(first);
  const covers = (name: string): boolean => loaded.certificate.checkHost(name) !== undefined;
  return {
    covers,
    contextFor: async (name) => (covers(name) && !(await isPinned(name)) ? loaded.context : null),
    renew: (next) => {
      loaded = load(next);
    },
  };
}
