import { createGithubKeys, type GithubKeys, type KeysFault, maxJwksBytes } from '../../schema/github/keys.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';

const loadMs = 10_000;

/**
 * Keys of GitHub's issuers, as the runtime's own fetch brings them. Whom they are asked of, trust alone says.
 *
 * @param timeoutMs how long an issuer has for its whole answer
 */
export const githubKeys = (deps: {
  uptimeMs(): number;
  warn(code: KeysFault, fields: { readonly url: string; readonly reason: string }): void;
  readonly timeoutMs?: number;
}): GithubKeys => createGithubKeys({ ...deps, load: (url) => load(url, deps.timeoutMs ?? loadMs) });

async function load(
  url: string,
  timeoutMs: number,
): Promise<Result<Uint8Array<ArrayBuffer>, 'github_keys_unreachable'>> {
  const not = (why: string) => refuse('github_keys_unreachable', why);
  try {
    // Where the keys are is what trust says; an answer sends nobody elsewhere. Workers know no 'error' here.
    const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
    if (answer.status !== 200 || answer.body === null) {
      await answer.body?.cancel();
      return not(`status ${answer.status}`);
    }
    const bytes = new Uint8Array(maxJwksBytes);
    let length = 0;
    for await (const piece of answer.body) {
      if (length + piece.length > maxJwksBytes) return not('too_large');
      bytes.set(piece, length);
      length += piece.length;
    }
    return ok(bytes.subarray(0, length));
  } catch (error) {
    return not(error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'unreachable');
  }
}
