import { bitString, context, contextSimple, der, integer, joinBytes, oid, sequence, tags } from './der.ts';
import { addressBytes, isAddress, type Permitted } from './names.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** What every certificate of the private CA says. All keys are P-256. */
type Common = {
  /** 16 bytes by chance. */
  readonly serial: Uint8Array;
  /** Common names. */
  readonly subject: string;
  /** DER of the public key (SubjectPublicKeyInfo), and what tells it from others: 20 bytes of a hash of it. */
  readonly spki: Uint8Array;
  readonly keyId: Uint8Array;
  /** Unix milliseconds; certificates have seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
};

/** A certificate to be made, by what it is for (RFC 5280). */
export type CertificateDraft = Common &
  (
    | { readonly kind: 'root' }
    /** It makes certificates of ends alone, and of these names alone. */
    | { readonly kind: 'intermediate'; readonly issuer: Issuer; readonly permitted: Permitted }
    /** DNS names and IPv4 addresses. */
    | { readonly kind: 'server' | 'client'; readonly issuer: Issuer; readonly names: readonly string[] }
  );

/** The certificate above: its subject's DER, and its key. */
export type Issuer = { readonly subject: Uint8Array; readonly keyId: Uint8Array };

const ids = {
  commonName: '2.5.4.3',
  ecdsaSha256: '1.2.840.10045.4.3.2',
  keyId: '2.5.29.14',
  usage: '2.5.29.15',
  names: '2.5.29.17',
  constraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  issuerKeyId: '2.5.29.35',
  purposes: '2.5.29.37',
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
} as const;
export const extensionIds = ids;

const text = new TextEncoder();
const algorithm = sequence(oid(ids.ecdsaSha256));
const yes = der(tags.boolean, Uint8Array.of(0xff));

/** Name kinds of GeneralName. */
const mailName = 1;
const dnsName = 2;
const uriName = 6;
const ipAddress = 7;
/** Nobody's host (RFC 6761, 6.4): where it alone is permitted, no name of that kind is. An empty one excludes none in OpenSSL. */
const nobody = text.encode('none.invalid');
/** Kinds of names that the private CA makes none of. */
const kindsOfNobody = [mailName, uriName];

/** Whether a permitted name, by its tag and content, is nobody's. */
export const isNobodys = (tag: number, content: Uint8Array): boolean =>
  kindsOfNobody.some((kind) => tag === (0x80 | kind)) &&
  content.length === nobody.length &&
  content.every((byte, index) => byte === nobody[index]);

export const nameOf = (commonName: string): Bytes =>
  sequence(der(tags.set, sequence(oid(ids.commonName), der(tags.utf8, text.encode(commonName)))));

/** Two digits of the year until 2049, four from then on (RFC 5280, 4.1.2.5). */
function timeOf(ms: number): Bytes {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return Number(digits.slice(0, 4)) < 2050
    ? der(tags.utcTime, text.encode(digits.slice(2)))
    : der(tags.time, text.encode(digits));
}

const extension = (id: string, critical: boolean, value: Uint8Array): Bytes =>
  sequence(oid(id), ...(critical ? [yes] : []), der(tags.octets, value));

const general = (name: string): Bytes =>
  isAddress(name) ? contextSimple(ipAddress, addressBytes(name)) : contextSimple(dnsName, text.encode(name));

/** An address and its mask. */
const range = (...bytes: readonly Uint8Array[]): Bytes =>
  sequence(contextSimple(ipAddress, joinBytes(bytes)));
const anyV4 = range(new Uint8Array(8));
const anyV6 = range(new Uint8Array(32));
const onlyThis = Uint8Array.of(255, 255, 255, 255);

/** Without a permitted DNS name all would be: an empty one permits everything, and is excluded. */
function constraintsOf({ dns, ips }: Permitted): Bytes {
  const permitted = [
    ...dns.map((name) => sequence(contextSimple(dnsName, text.encode(name)))),
    ...ips.map((address) => range(addressBytes(address), onlyThis)),
    ...kindsOfNobody.map((kind) => sequence(contextSimple(kind, nobody))),
  ];
  const excluded = [
    ...(dns.length === 0 ? [sequence(contextSimple(dnsName, new Uint8Array()))] : []),
    ...(ips.length === 0 ? [anyV4] : []),
    anyV6,
  ];
  return sequence(context(0, ...permitted), context(1, ...excluded));
}

/** `digitalSignature`; `keyCertSign` and `cRLSign`. */
const endUsage = bitString(Uint8Array.of(0x80), 7);
const caUsage = bitString(Uint8Array.of(0x06), 1);

function extensionsOf(draft: CertificateDraft): Bytes[] {
  const isEnd = draft.kind === 'server' || draft.kind === 'client';
  const own = extension(ids.keyId, false, der(tags.octets, draft.keyId));
  const above =
    draft.kind === 'root'
      ? []
      : [extension(ids.issuerKeyId, false, sequence(contextSimple(0, draft.issuer.keyId)))];
  const common = [extension(ids.usage, true, isEnd ? endUsage : caUsage), own, ...above];
  switch (draft.kind) {
    case 'root':
      return [extension(ids.constraints, true, sequence(yes, integer(Uint8Array.of(1)))), ...common];
    case 'intermediate':
      return [
        extension(ids.constraints, true, sequence(yes, integer(Uint8Array.of(0)))),
        ...common,
        extension(ids.nameConstraints, true, constraintsOf(draft.permitted)),
      ];
    case 'server':
    case 'client':
      return [
        extension(ids.constraints, true, sequence()),
        ...common,
        extension(ids.purposes, false, sequence(oid(ids[draft.kind]))),
        ...(draft.names.length === 0
          ? []
          : [extension(ids.names, false, sequence(...draft.names.map(general)))]),
      ];
  }
}

/** What is signed of a certificate (TBSCertificate, RFC 5280, 4.1), in DER. */
export function certificateToSign(draft: CertificateDraft): Bytes {
  const subject = nameOf(draft.subject);
  return sequence(
    context(0, integer(Uint8Array.of(2))),
    // Never negative, never zero.
    integer(Uint8Array.from([0x40, ...draft.serial])),
    algorithm,
    draft.kind === 'root' ? subject : draft.issuer.subject,
    sequence(timeOf(draft.notBefore), timeOf(draft.notAfter)),
    subject,
    draft.spki,
    context(3, sequence(...extensionsOf(draft))),
  );
}

/** The certificate, from what was signed and the ECDSA signature by SHA-256, in DER both. */
export const signedCertificate = (toSign: Uint8Array, signature: Uint8Array): Bytes =>
  sequence(toSign, algorithm, bitString(signature));
