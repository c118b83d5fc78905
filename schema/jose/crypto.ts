/** Whether a signature is by the key over the bytes: 64 bytes of Ed25519 (RFC 8032), or of RSA. Never throws. */
export type Verify = (bytes: Uint8Array, signature: Uint8Array) => boolean | Promise<boolean>;

/** The key's signature over the bytes, 64 bytes. */
export type Sign = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/**
 * What the profile needs of a runtime. `#crypto` names the file that has it, by package.json: the schema itself imports
 * nothing of a runtime. Node answers at once, in a fraction of the time that it takes to hand the work to another thread
 * and to hear of it; WebCrypto answers later. Keys are functions, so that nobody who holds one can write it down.
 */
export type Crypto = {
  readonly sha256: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array | Promise<Uint8Array>;
  /** Of a public key's 32 bytes, which `acceptKey` has found to be good. */
  readonly verifierOf: (x: Uint8Array<ArrayBuffer>) => Verify | Promise<Verify>;
  /** Of an RSA key's modulus and exponent as in its JWK, for RS256 (RFC 7518 section 3.3); null when they are none. */
  readonly rsaVerifierOf: (halves: {
    readonly n: string;
    readonly e: string;
  }) => Verify | null | Promise<Verify | null>;
  /** Of a key's halves as in its JWK (RFC 8037). Throws or rejects when they are none. */
  readonly signerOf: (halves: { readonly x: string; readonly d: string }) => Sign | Promise<Sign>;
  /** The halves of a new key. */
  readonly generate: () => Promise<{ readonly x: string; readonly d: string }>;
  /** RFC 4648 section 5, without padding. */
  readonly toBase64url: (bytes: Uint8Array | string) => string;
  /** Of any text; what is no base64url of it is lost, in part or whole, so that `toBase64url` gives another text. */
  readonly fromBase64url: (text: string) => Uint8Array<ArrayBuffer>;
};
