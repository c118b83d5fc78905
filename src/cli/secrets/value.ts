import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { toBytes } from '../../../schema/jose/digest.ts';
import { maxSecretBytes } from '../../config/secrets/age-header.ts';
import type { Context } from '../command.ts';
import { exits, type Failure, fail } from '../outcome.ts';

type Value = { ok: true; value: Uint8Array<ArrayBuffer> };

const refused = (reason: string, detail: string): Failure =>
  fail(exits.usage, reason, `${detail} Nothing was written.`);

/** The bytes of a file, or of standard input for `-`, as they are. */
export async function readInput(context: Context, from: string, maxBytes: number): Promise<Value | Failure> {
  const large = refused(
    'input_too_large',
    `${from === '-' ? 'Standard input' : from} has more than ${maxBytes} bytes.`,
  );
  if (from === '-') {
    const bytes = await context.terminal.inputBytes(maxBytes);
    return bytes === null ? large : { ok: true, value: bytes };
  }
  if (statSync(from, { throwIfNoEntry: false }) === undefined)
    return refused('input_missing', `There is no file ${from}.`);
  const bytes = readAtMost(from, maxBytes);
  return bytes === null ? large : { ok: true, value: bytes };
}

/** Also of what tells no size, such as the pipe of a shell's `<(…)`; null when there is more. */
function readAtMost(path: string, maxBytes: number): Uint8Array<ArrayBuffer> | null {
  const handle = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(maxBytes + 1);
    let length = 0;
    for (;;) {
      const read = readSync(handle, bytes, length, bytes.length - length, null);
      if (read === 0) return bytes.slice(0, length);
      length += read;
      if (length > maxBytes) return null;
    }
  } finally {
    closeSync(handle);
  }
}

/**
 * The value of a secret: from a file, from standard input (`-`), or asked for twice. It is never an argument, which
 * other users of the computer and the shell's history would see.
 *
 * @param what the secret, and for whom it is
 * @param trim takes the line end off that most programs write behind a value
 */
export async function readValue(
  context: Context,
  { what, from, trim }: { readonly what: string; readonly from: string | undefined; readonly trim: boolean },
): Promise<Value | Failure> {
  const read =
    from === undefined ? await askValue(context, what) : await readInput(context, from, maxSecretBytes + 2);
  if (!read.ok) return read;
  const value = trim ? withoutLineEnd(read.value) : read.value;
  if (value.length === 0) return refused('secret_size', 'The value is empty.');
  if (value.length > maxSecretBytes) {
    return refused(
      'secret_size',
      `The value has ${value.length} bytes; Podman takes at most ${maxSecretBytes} as a secret.`,
    );
  }
  return { ok: true, value };
}

async function askValue(context: Context, what: string): Promise<Value | Failure> {
  const { terminal } = context;
  if (!terminal.asks) {
    return fail(
      exits.usage,
      'no_terminal',
      'There is no terminal to ask for the value: give it with --from FILE, or --from - on standard input.',
    );
  }
  context.progress.end();
  const ask = (question: string) =>
    terminal.ask(question, { hidden: true, maxLength: maxSecretBytes + 1, several: true });
  const first = await ask(`Value of ${what}: `);
  if (first === null) return refused('given_up', 'Given up.');
  if (/[\r\n]/.test(first)) {
    return refused('value_of_lines', 'That was more than one line. Give it with --from FILE, or --from - .');
  }
  const second = await ask('Once more: ');
  if (second === null) return refused('given_up', 'Given up.');
  return first === second
    ? { ok: true, value: toBytes(first) }
    : refused('value_differs', 'The two were not the same.');
}

/** Without one line end, which is `\n` or `\r\n`. */
export function withoutLineEnd(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}
