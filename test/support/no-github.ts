import type { GithubTokens } from '../../relay/agent/github-tokens.ts';
import { refuse } from '../../schema/result.ts';

/** For relays that never meet a token of GitHub's. */
export const noGithub: Pick<GithubTokens, 'keys' | 'seenAt' | 'noteText'> = {
  keys: { find: async () => refuse('github_keys_unreachable') },
  seenAt: () => undefined,
  noteText: async () => {},
};
