/** A compact JWS (its header begins with `{"`) with a signature of 64 bytes. */
const tokenText = /eyJ[A-Za-z0-9_-]{10,1000}\.[A-Za-z0-9_-]{2,22000}\.[A-Za-z0-9_-]{86}/g;

/** How many times a URL may be percent-encoded over and be seen through. */
const maxDecodings = 3;
/** More in one URL are not looked at: each costs a verification. */
const maxTokensInUrl = 4;

function decode(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}

/**
 * Finds what looks like a token anywhere in a request's target: path, query names and values, also
 * percent-encoded. Such a request is refused whoever makes it, because URLs end up in logs.
 */
export function findTokensInUrl(target: string): readonly string[] {
  const found = new Set<string>();
  let text = target;
  for (let round = 0; round <= maxDecodings; round += 1) {
    for (const [token] of text.matchAll(tokenText)) {
      found.add(token);
      if (found.size === maxTokensInUrl) return [...found];
    }
    const decoded = decode(text);
    if (decoded === text) break;
    text = decoded;
  }
  return [...found];
}
