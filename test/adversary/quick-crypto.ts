import { runtime } from '#crypto';
import type { Crypto, Sign, Verify } from '../../schema/jose/crypto.ts';

/** How many signatures are known at once. */
const maxKnown = 20_000;
/** Every so many times, what is known is verified all the same. */
const sampleEvery = 64;

type Known = { readonly x: string; readonly bytes: Uint8Array };

/**
 * Makes Node's crypto of this thread remember which signatures are good: those that it made itself, and those that it
 * verified. A signature counts as known only for the very key and the very bytes; whatever else is asked is verified. So
 * an answer is never another than without it, which a sample holds it to; a trace takes about half the time.
 */
export function rememberSignatures(): void {
  const known = new Map<string, Known>();
  let asked = 0;

  const remember = (x: string, bytes: Uint8Array, signature: Uint8Array): void => {
    if (known.size >= maxKnown) for (const [oldest] of known) if (known.delete(oldest)) break;
    known.set(Buffer.from(signature).toString('latin1'), { x, bytes: bytes.slice() });
  };
  const knows = (x: string, bytes: Uint8Array, signature: Uint8Array): boolean => {
    const found = known.get(Buffer.from(signature).toString('latin1'));
    return found !== undefined && found.x === x && Buffer.compare(found.bytes, bytes) === 0;
  };
  const withMemory = (x: string, verify: Verify): Verify => {
    return async (bytes, signature) => {
      const isKnown = knows(x, bytes, signature);
      asked += 1;
      if (isKnown && asked % sampleEvery !== 0) return true;
      const isGood = await verify(bytes, signature);
      if (isKnown && !isGood) throw new Error('a signature that was taken for a good one is none');
      if (isGood) remember(x, bytes, signature);
      return isGood;
    };
  };

  const { verifierOf, rsaVerifierOf, signerOf } = runtime;
  const changed: Partial<Crypto> = {
    async verifierOf(x) {
      return withMemory(runtime.toBase64url(x), await verifierOf(x));
    },
    async rsaVerifierOf(halves) {
      const verify = await rsaVerifierOf(halves);
      return verify === null ? null : withMemory(halves.n, verify);
    },
    async signerOf(halves): Promise<Sign> {
      const sign = await signerOf(halves);
      return async (bytes) => {
        const signature = await sign(bytes);
        remember(halves.x, bytes, signature);
        return signature;
      };
    },
  };
  Object.assign(runtime, changed);
}
