import {
  type X509Certificate as Certificate,
  createHash,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';

/** A self-signed server certificate, as Proxmox VE has one until its owner installs another. */
export type ServerCertificate = {
  readonly certPem: string;
  readonly keyPem: string;
  /** `sha256:<hex>` of the SubjectPublicKeyInfo and of the whole certificate. */
  readonly pins: { readonly spki: string; readonly certificate: string };
};

/** A new P-256 key and a certificate for 127.0.0.1, ::1 and localhost, valid for ten years around now. */
export function makeServerCertificate(commonName: string): ServerCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });

  const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
  const name = sequence(set(sequence(oid('550403'), tlv(0x0c, Buffer.from(commonName)))));
  const year = new Date().getUTCFullYear();
  const validity = sequence(time(year - 1), time(year + 9));
  const names = sequence(
    tlv(0x82, Buffer.from('localhost')),
    tlv(0x87, Buffer.from([127, 0, 0, 1])),
    tlv(0x87, Buffer.concat([Buffer.alloc(15), Buffer.from([1])])),
  );
  const subjectAltName = sequence(oid('551d11'), tlv(0x04, names));
  const isAuthority = sequence(oid('551d13'), tlv(0x01, Buffer.from([0xff])), tlv(0x04, sequence(boolean())));
  const toBeSigned = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, Buffer.concat([Buffer.from([0x4d]), randomBytes(15)])),
    ecdsaWithSha256,
    name,
    validity,
    name,
    spki,
    tlv(0xa3, sequence(subjectAltName, isAuthority)),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const der = sequence(toBeSigned, ecdsaWithSha256, tlv(0x03, Buffer.concat([Buffer.from([0]), signature])));

  const certificate: Certificate = new X509Certificate(der);
  const sha256 = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return {
    certPem: certificate.toString(),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    pins: { spki: sha256(spki), certificate: sha256(der) },
  };
}

// As much DER as one certificate takes.
function tlv(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  return Buffer.concat([Buffer.from([tag, 0x82, length >> 8, length & 0xff]), content]);
}
const sequence = (...parts: Buffer[]) => tlv(0x30, ...parts);
const set = (...parts: Buffer[]) => tlv(0x31, ...parts);
const oid = (hex: string) => tlv(0x06, Buffer.from(hex, 'hex'));
const boolean = () => tlv(0x01, Buffer.from([0xff]));
const time = (year: number) => tlv(0x18, Buffer.from(`${year}0101000000Z`));
