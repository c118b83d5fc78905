import { ok, type Result, refuse } from '../result.ts';

/** A certificate, or another thing by its label, as text (RFC 7468), with a line's end. */
export function toPem(der: Uint8Array, label = 'CERTIFICATE'): string {
  const base64 = btoa(String.fromCharCode(...der));
  const lines = base64.match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** The one certificate of a text that holds nothing else. */
export function fromPem(text: string): Result<Uint8Array<ArrayBuffer>, 'pem_malformed'> {
  const [, body] =
    /^-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=\n]{1,8192})\n-----END CERTIFICATE-----\n?$/.exec(
      text.replaceAll('\r\n', '\n'),
    ) ?? [];
  if (body === undefined) return refuse('pem_malformed');
  return fromBase64(body.replaceAll('\n', ''));
}

export const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

/** Bytes of base64 in its one form (RFC 4648, section 4). */
export function fromBase64(text: string): Result<Uint8Array<ArrayBuffer>, 'pem_malformed'> {
  try {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    return toBase64(bytes) === text ? ok(bytes) : refuse('pem_malformed');
  } catch {
    return refuse('pem_malformed');
  }
}
