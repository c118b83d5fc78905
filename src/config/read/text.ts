import type { Finding } from '../finding.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const loose = new TextDecoder('utf-8', { ignoreBOM: true });

/** The text of a file, or where it stops being UTF-8. */
export function readText(
  file: string,
  bytes: Uint8Array,
): { ok: true; text: string } | { ok: false; finding: Finding } {
  try {
    return { ok: true, text: strict.decode(bytes) };
  } catch {
    const before = loose.decode(bytes).split('�')[0]!;
    const lines = before.split('\n');
    return {
      ok: false,
      finding: {
        file,
        line: lines.length,
        column: lines.at(-1)!.length + 1,
        severity: 'error',
        code: 'not_utf8',
        message: 'the bytes from here on are not UTF-8',
        suggestion: 'Save the file as UTF-8.',
      },
    };
  }
}

/** The text, or null for bytes that are no text. */
export function textOrNull(bytes: Uint8Array): string | null {
  try {
    const text = strict.decode(bytes);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}
