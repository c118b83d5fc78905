import { createGithubKeys, type GithubKeys, maxJwksBytes } from '../../schema/github/keys.ts';

const loadMs = 10_000;

/** Keys of GitHub's issuers, as the runtime's own fetch brings them. Whom they are asked of, trust alone says. */
export const githubKeys = (uptimeMs: () => number): GithubKeys => createGithubKeys({ uptimeMs, load });

async function load(url: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(loadMs) });
    if (answer.status !== 200 || answer.body === null) return null;
    const bytes = new Uint8Array(maxJwksBytes);
    let length = 0;
    for await (const piece of answer.body) {
      if (length + piece.length > maxJwksBytes) return null;
      bytes.set(piece, length);
      length += piece.length;
    }
    return bytes.subarray(0, length);
  } catch {
    return null;
  }
}
