import { createHash, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

export type KeyAndCertificate = { readonly keyPem: string; readonly certificatePem: string };

/** Relays and the CLI pin the key, so a certificate has no reason to end before the machine does. */
const lifetimeYears = 30;

/**
 * A new P-256 key and a self-signed server certificate (RFC 5280) for names and addresses. It is no authority:
 * who pins it trusts this key alone.
 */
export function makeCertificate(names: readonly string[], now: Date): KeyAndCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });

  const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const commonName = tlv(0x31, sequence(oid(0x55, 0x04, 0x03), tlv(0x0c, Buffer.from('writ'))));
  const name = sequence(commonName);
  const year = now.getUTCFullYear();
  const validity = sequence(time(year - 1), time(year + lifetimeYears));
  const altNames = sequence(...names.map(altName));
  const extensions = sequence(
    sequence(oid(0x55, 0x1d, 0x11), tlv(0x04, altNames)),
    // basicConstraints: not an authority; critical
    sequence(oid(0x55, 0x1d, 0x13), tlv(0x01, Buffer.from([0xff])), tlv(0x04, sequence())),
    // extendedKeyUsage: serverAuth
    sequence(oid(0x55, 0x1d, 0x25), tlv(0x04, sequence(oid(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01)))),
  );
  // A positive integer of 16 bytes.
  const serial = Buffer.concat([Buffer.from([0x4d]), randomBytes(15)]);
  const toBeSigned = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, serial),
    ecdsaWithSha256,
    name,
    validity,
    name,
    spki,
    tlv(0xa3, extensions),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const der = sequence(toBeSigned, ecdsaWithSha256, tlv(0x03, Buffer.from([0]), signature));
  return {
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificatePem: new X509Certificate(der).toString(),
  };
}

/** The pin of a certificate's key: `sha256:<hex>` of its DER SubjectPublicKeyInfo. */
export function pinOf(certificatePem: string): string {
  const der = new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(der).digest('hex')}`;
}

function altName(name: string): Buffer {
  const kind = isIP(name);
  if (kind === 0) return tlv(0x82, Buffer.from(name, 'ascii'));
  return tlv(0x87, kind === 4 ? Buffer.from(name.split('.').map(Number)) : ipv6Bytes(name));
}

function ipv6Bytes(address: string): Buffer {
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((hex) => Number.parseInt(hex, 16));
  // URL gives the one canonical text, without an embedded IPv4 address.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

// As much DER (X.690) as one certificate takes.
function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  if (length < 0x100) return Buffer.concat([Buffer.from([tag, 0x81, length]), content]);
  return Buffer.concat([Buffer.from([tag, 0x82, length >> 8, length & 0xff]), content]);
}
const sequence = (...parts: readonly Buffer[]): Buffer => tlv(0x30, ...parts);
const oid = (...bytes: readonly number[]): Buffer => tlv(0x06, Buffer.from(bytes));
const time = (year: number): Buffer =>
  year < 2050
    ? tlv(0x17, Buffer.from(`${String(year).slice(2)}0101000000Z`))
    : tlv(0x18, Buffer.from(`${year}0101000000Z`));
