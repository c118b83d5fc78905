import { IncomingMessage } from 'node:http';
import type { TestContext } from 'node:test';

/** Every body that this process takes by HTTP, in either direction and before or behind TLS, until the test ends. */
export function tapHttp(t: TestContext): { readonly bodies: readonly Buffer[] } {
  const bodies: Buffer[] = [];
  const { push } = IncomingMessage.prototype;
  IncomingMessage.prototype.push = function tapped(chunk: unknown, encoding) {
    if (chunk instanceof Uint8Array) bodies.push(Buffer.from(chunk));
    return push.call(this, chunk, encoding);
  };
  t.after(() => {
    IncomingMessage.prototype.push = push;
  });
  return { bodies };
}

/** A text as it may stand somewhere: in clear, in hex, in base64, and in base64 within base64, as in a JWS. */
export function formsOf(text: string): readonly Buffer[] {
  const once = codedForms(Buffer.from(text));
  return [...once, ...once.flatMap(codedForms)];
}

/** Of base64 both kinds, at each of the three places where it may begin. */
function codedForms(bytes: Buffer): Buffer[] {
  const coded = [0, 1, 2].flatMap((before) => {
    // What the neighbours of the text have a part in is left out.
    const shifted = Buffer.concat([Buffer.alloc(before), bytes]);
    const inner = (base64: string): string => base64.slice(before === 0 ? 0 : before + 1, -4);
    return [inner(shifted.toString('base64')), inner(shifted.toString('base64url'))];
  });
  return [bytes, ...[...coded, bytes.toString('hex')].map((one) => Buffer.from(one))];
}
