/**
 * What libSQL's client takes of the package js-base64, which has ways for every runtime there ever was; wrangler.toml
 * puts this into its place. Base64 with padding is written, and read as the server writes it: without.
 */
export const Base64 = {
  fromUint8Array: (bytes: Uint8Array): string => {
    let binary = '';
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      binary += String.fromCharCode(...bytes.subarray(at, at + chunkBytes));
    }
    return btoa(binary);
  },
  toUint8Array: (text: string): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(atob(text), (character) => character.charCodeAt(0)),
};

/** Far below the number of arguments that a call may have. */
const chunkBytes = 8_192;
