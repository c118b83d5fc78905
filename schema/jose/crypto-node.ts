import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import type { Crypto } from './crypto.ts';

const ed25519 = { kty: 'OKP', crv: 'Ed25519' } as const;

const halvesOf = (key: KeyObject): { x: string; d: string } => {
  const { x, d } = key.export({ format: 'jwk' });
  return { x: x!, d: d! };
};

/** Node's own, in the calling thread. */
export const runtime: Crypto = {
  sha256: (bytes) => createHash('sha256').update(bytes).digest(),
  verifierOf(x) {
    const jwk = { ...ed25519, x: runtime.toBase64url(x) };
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    return (bytes, signature) => verify(null, bytes, key, signature);
  },
  rsaVerifierOf({ n, e }) {
    try {
      const key = createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' });
      return (bytes, signature) => verify('sha256', bytes, key, signature);
    } catch {
      return null;
    }
  },
  signerOf({ x, d }) {
    const key = createPrivateKey({ key: { ...ed25519, x, d }, format: 'jwk' });
    return (bytes) => sign(null, bytes, key);
  },
  generate: async () => halvesOf(generateKeyPairSync('ed25519').privateKey),
  toBase64url: (bytes) => Buffer.from(bytes).toString('base64url'),
  fromBase64url: (text) => new Uint8Array(Buffer.from(text, 'base64url')),
};
