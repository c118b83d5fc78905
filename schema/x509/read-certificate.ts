import { ok, type Result, refuse } from '../result.ts';
import { extensionIds, isNobodys } from './certificate.ts';
import { type DerValue, oid, readDer, tags } from './der.ts';
import type { Permitted } from './names.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** What is looked at of a certificate of the private CA. Its signature is another matter. */
export type ReadCertificate = {
  /** DER of both names and of the key. */
  readonly issuer: Bytes;
  readonly subject: Bytes;
  readonly spki: Bytes;
  readonly keyId: Bytes | null;
  /** Unix milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly isAuthority: boolean;
  /** Null where it has no name constraints, so that it speaks for everybody. */
  readonly permitted: Permitted | null;
};

const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);

/** Thrown and caught here: a certificate is read all the way down, or not at all. */
class Malformed extends Error {}

function read(bytes: Bytes): readonly DerValue[] {
  const values = readDer(bytes);
  if (!values.ok) throw new Malformed();
  return values.value;
}

function one(value: DerValue | undefined, tag: number): DerValue {
  if (value?.tag !== tag) throw new Malformed();
  return value;
}

function timeOf(value: DerValue | undefined): number {
  if (value === undefined) throw new Malformed();
  const said = latin(value.content);
  const digits = value.tag === tags.utcTime ? `${Number(said.slice(0, 2)) < 50 ? '20' : '19'}${said}` : said;
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits) ?? [];
  if (second === undefined || (value.tag !== tags.utcTime && value.tag !== tags.time)) throw new Malformed();
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}

/** What is permitted of DNS names and single IPv4 addresses. Others are none that the private CA makes. */
function permittedOf(bytes: Bytes): Permitted {
  const [constraints] = read(bytes);
  const trees = read(one(constraints, tags.sequence).content).find(({ tag }) => tag === 0xa0);
  const dns: string[] = [];
  const ips: string[] = [];
  for (const tree of trees === undefined ? [] : read(trees.content)) {
    const [base] = read(one(tree, tags.sequence).content);
    if (base?.tag === 0x82) dns.push(latin(base.content));
    else if (base?.tag === 0x87 && base.content.length === 8 && base.content.slice(4).every((b) => b === 255))
      ips.push([...base.content.slice(0, 4)].join('.'));
    else if (base === undefined || !isNobodys(base.tag, base.content)) throw new Malformed();
  }
  return { dns, ips };
}

function readAll(bytes: Bytes): ReadCertificate {
  const [outer, ...rest] = read(bytes);
  if (rest.length > 0) throw new Malformed();
  const [toSign] = read(one(outer, tags.sequence).content);
  const [version, , , issuer, validity, subject, spki, ...others] = read(one(toSign, tags.sequence).content);
  one(version, 0xa0);
  const [from, until] = read(one(validity, tags.sequence).content);
  const holder = others.find(({ tag }) => tag === 0xa3);
  const [list] = holder === undefined ? [] : read(holder.content);
  const extensions = list === undefined ? [] : read(one(list, tags.sequence).content);
  const extensionOf = (id: string): Bytes | null => {
    for (const extension of extensions) {
      const parts = read(one(extension, tags.sequence).content);
      if (parts[0] !== undefined && same(parts[0].whole, oid(id)))
        return one(parts.at(-1), tags.octets).content;
    }
    return null;
  };
  const constraints = extensionOf(extensionIds.constraints);
  const names = extensionOf(extensionIds.nameConstraints);
  const keyId = extensionOf(extensionIds.keyId);
  const [basic] = constraints === null ? [] : read(constraints);
  const [authority] = basic === undefined ? [] : read(basic.content);
  return {
    issuer: one(issuer, tags.sequence).whole,
    subject: one(subject, tags.sequence).whole,
    spki: one(spki, tags.sequence).whole,
    keyId: keyId === null ? null : one(read(keyId)[0], tags.octets).content,
    notBefore: timeOf(from),
    notAfter: timeOf(until),
    isAuthority: authority?.tag === tags.boolean && authority.content[0] === 0xff,
    permitted: names === null ? null : permittedOf(names),
  };
}

/** Reads a certificate from its DER. */
export function readCertificate(bytes: Bytes): Result<ReadCertificate, 'certificate_malformed'> {
  try {
    return ok(readAll(bytes));
  } catch (error) {
    if (error instanceof Malformed) return refuse('certificate_malformed');
    throw error;
  }
}
