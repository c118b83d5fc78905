import type { ConfigCode } from '../codes.ts';
import { readAddressed } from './addressees.ts';
import { maxSecretBytes, readAgeHeader } from './age-header.ts';

/** How a secret's file stands to the recipients that it should have. */
export type SecretState =
  /** It names just those. */
  | 'current'
  /** It names others. */
  | 'changed'
  /** It does not say to whom it is encrypted, or there is nothing to compare with. */
  | 'unknown'
  /** No machine can make a secret of it. */
  | 'broken';

export type FileFault = { readonly code: ConfigCode; readonly message: string; readonly suggestion?: string };

export type JudgedFile = { readonly state: SecretState; readonly faults: readonly FileFault[] };

const again = 'writ secrets rotate --recipients encrypts it again.';
const anew = 'Set it again: writ secrets set.';

const broken = (code: ConfigCode, message: string, suggestion: string): JudgedFile => ({
  state: 'broken',
  faults: [{ code, message, suggestion }],
});

/**
 * Judges a secret's file without a key, from its header alone.
 *
 * @param expected the addressees that it should have; null where they are not known, which is told elsewhere
 */
export function judgeSecretFile(bytes: Uint8Array, expected: readonly string[] | null): JudgedFile {
  const header = readAgeHeader(bytes);
  if (!header.ok) {
    const { reason, detail } = header;
    if (reason === 'age_armored')
      return broken('secret_not_age', `${detail}, and machines read the binary form`, again);
    if (reason === 'age_header_large') return broken('secret_header_large', detail!, anew);
    return broken('secret_not_age', `it is no file of age: ${detail}`, anew);
  }
  const { plainBytes } = header.value;
  if (plainBytes === null)
    return broken('secret_not_age', 'its end is missing: age writes no file of that length', anew);
  if (plainBytes === 0 || plainBytes > maxSecretBytes) {
    return broken(
      'secret_size',
      `it holds ${plainBytes} bytes; Podman takes 1 to ${maxSecretBytes} as a secret`,
      anew,
    );
  }
  const addressed = readAddressed(header.value);
  switch (addressed.kind) {
    case 'passphrase':
      return broken('secret_unreadable', 'it is encrypted under a passphrase, which no machine has', anew);
    case 'foreign':
      return broken(
        'secret_unreadable',
        `it is encrypted to a key of another kind (${addressed.type})`,
        again,
      );
    case 'mixed': {
      const message =
        'it is encrypted to post-quantum and to classic recipients, and so no better than to the classic ones';
      return { state: 'changed', faults: [{ code: 'secret_mixed', message, suggestion: again }] };
    }
    case 'unnamed': {
      const recipients = addressed.count === 1 ? 'a recipient' : `${addressed.count} recipients`;
      const message = `another program encrypted it to ${recipients}, and to whom cannot be told`;
      return {
        state: 'unknown',
        faults: [{ code: 'secret_recipients_unknown', message, suggestion: again }],
      };
    }
    case 'miscounted': {
      const message = `it names ${addressed.named} recipients and is encrypted to ${addressed.count}`;
      return {
        state: 'changed',
        faults: [{ code: 'secret_recipients_changed', message, suggestion: again }],
      };
    }
    case 'named':
      return expected === null ? { state: 'unknown', faults: [] } : compare(addressed.to, expected);
  }
}

function compare(named: readonly string[], wanted: readonly string[]): JudgedFile {
  const there = new Set(named);
  const missing = wanted.filter((one) => !there.has(one)).length;
  const strangers = [...there].filter((one) => !wanted.includes(one)).length;
  if (missing === 0 && strangers === 0 && named.length === wanted.length)
    return { state: 'current', faults: [] };
  const parts = [
    ...(missing > 0 ? [`${missing} of those that it should have cannot read it`] : []),
    ...(strangers > 0 ? [`${strangers} that it should not have can`] : []),
  ];
  const message = `its recipients are no longer those of secrets/recipients.yaml: ${parts.join(', and ') || 'one stands twice'}`;
  return { state: 'changed', faults: [{ code: 'secret_recipients_changed', message, suggestion: again }] };
}
