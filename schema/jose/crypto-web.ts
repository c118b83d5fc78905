import { base64url } from 'jose';
import type { Crypto } from './crypto.ts';

const ed25519 = { name: 'Ed25519' } as const;
const rs256 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;
/** WebCrypto takes no bytes whose memory is shared with another thread, which no bytes here are. */
const owned = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => bytes as Uint8Array<ArrayBuffer>;

/** WebCrypto, as Workers have it. */
export const runtime: Crypto = {
  sha256: async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)),
  async verifierOf(x) {
    const key = await crypto.subtle.importKey('raw', x, ed25519, false, ['verify']);
    return (bytes, signature) => crypto.subtle.verify(ed25519, key, owned(signature), owned(bytes));
  },
  async rsaVerifierOf({ n, e }) {
    try {
      const key = await crypto.subtle.importKey('jwk', { kty: 'RSA', n, e }, rs256, false, ['verify']);
      return (bytes, signature) => crypto.subtle.verify(rs256, key, owned(signature), owned(bytes));
    } catch {
      return null;
    }
  },
  async signerOf({ x, d }) {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x, d };
    const key = await crypto.subtle.importKey('jwk', jwk, ed25519, false, ['sign']);
    return async (bytes) => new Uint8Array(await crypto.subtle.sign(ed25519, key, owned(bytes)));
  },
  async generate() {
    const made = await crypto.subtle.generateKey(ed25519, true, ['sign', 'verify']);
    if (!('privateKey' in made)) throw new Error('a key of two halves was asked for');
    const { x, d } = await crypto.subtle.exportKey('jwk', made.privateKey);
    return { x: x!, d: d! };
  },
  toBase64url: (bytes) => base64url.encode(bytes),
  fromBase64url(text) {
    try {
      return new Uint8Array(base64url.decode(text));
    } catch {
      return new Uint8Array(0);
    }
  },
};
