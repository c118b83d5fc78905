import { createHash } from 'node:crypto';
import { ok, type Result, refuse } from '../../schema/result.ts';

/** Crockford's base32: nothing in it is mistaken for something else when it is read from paper. */
const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The 32 bytes of a private key as 52 characters in groups of four, and a group that checks them. */
export function toPaper(secret: Uint8Array): string {
  if (secret.length !== 32) throw new Error('a root has 32 bytes');
  const text = encode(secret) + checkOf(secret);
  return text.match(/.{4}/g)!.join('-');
}

/** The key as it is shown, to be copied by hand. */
export function paperLines(paper: string): string[] {
  const groups = paper.split('-');
  return [groups.slice(0, 7), groups.slice(7)].map((line) => `    ${line.join('  ')}`);
}

/** Reads what `toPaper` wrote, forgiving case, spaces, and O, I, L for 0, 1, 1. */
export function fromPaper(text: string): Result<Uint8Array<ArrayBuffer>, 'paper_unreadable'> {
  const clean = text.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
  if (clean.length !== 56)
    return refuse('paper_unreadable', `It has ${clean.length} characters instead of 56.`);
  let bits = 0n;
  for (const char of clean.slice(0, 52)) {
    const digit = digits.indexOf(char);
    if (digit < 0) return refuse('paper_unreadable', `${char} cannot stand on the paper.`);
    bits = (bits << 5n) | BigInt(digit);
  }
  // 52 characters hold 260 bits; the last four are not used.
  if ((bits & 15n) !== 0n) return refuse('paper_unreadable', 'A character was misread.');
  bits >>= 4n;
  const bytes = new Uint8Array(32);
  for (let i = 31; i >= 0; i -= 1) {
    bytes[i] = Number(bits & 255n);
    bits >>= 8n;
  }
  return checkOf(bytes) === clean.slice(52)
    ? ok(bytes)
    : refuse('paper_unreadable', 'A character was misread.');
}

function encode(bytes: Uint8Array): string {
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  bits <<= 4n;
  let out = '';
  for (let i = 51; i >= 0; i -= 1) out += digits[Number((bits >> BigInt(i * 5)) & 31n)];
  return out;
}

/** 20 bits: one misread character is always noticed, as good as all others are. */
function checkOf(secret: Uint8Array): string {
  const hash = createHash('sha256').update('writ/1/paper\0').update(secret).digest();
  const bits = hash.readUIntBE(0, 3) >> 4;
  return [15, 10, 5, 0].map((shift) => digits[(bits >> shift) & 31]).join('');
}
