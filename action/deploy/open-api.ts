import { statusAudience } from '../../schema/github/audience.ts';
import { type Api, createApiFor } from '../../src/cli/api.ts';
import type { Job } from '../runner/run-main.ts';
import type { GithubTokens } from './github-tokens.ts';
import type { Settings } from './settings.ts';

/** A token lives for five minutes; one that is older than this is not begun with. */
const tokenGoodMs = 3 * 60_000;

/** Asks the control plane with a status token that is made anew before it grows old. */
export function openApi(
  job: Pick<Job, 'now' | 'random' | 'signal'>,
  { origin, spki, home }: Pick<Settings, 'origin' | 'spki' | 'home'>,
  tokens: GithubTokens,
): Api {
  let kept: { readonly text: string; readonly at: number } | null = null;
  return createApiFor({ origin, spki, random: job.random, signal: job.signal }, async () => {
    if (kept === null || job.now() - kept.at > tokenGoodMs) {
      const token = await tokens(statusAudience(home));
      if (!token.ok) return { ...token, ambiguous: false };
      kept = { text: token.value, at: job.now() };
    }
    return { ok: true, value: `Bearer ${kept.text}` };
  });
}
