import { encode, renderUnicodeCompact } from 'uqr';

/** Light modules around a code, which scanners need (ISO/IEC 18004 section 6.3.8 asks for 4; phones take 2). */
const border = 2;

/** More does not fit into the largest code (ISO/IEC 18004, version 40-L, byte mode). */
const maxBytes = 2953;

/**
 * A QR code for a terminal, two modules a character high; null when it is wider than the terminal's columns, or there
 * is no code as large. What is light is drawn, as most terminals are dark; phones read it the other way round as well.
 */
export function qrOf(text: string, columns: number): string | null {
  if (Buffer.byteLength(text) > maxBytes) return null;
  if (encode(text, { ecc: 'L', border }).size > columns) return null;
  return renderUnicodeCompact(text, { ecc: 'L', border });
}
