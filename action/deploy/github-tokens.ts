import * as v from 'valibot';
import { parsePayload } from '../../schema/jose/jws.ts';
import { maxGithubTokenBytes } from '../../schema/wire/limits.ts';
import { createHttpClient } from '../../src/cli/https.ts';
import { exits, type Failure, fail } from '../../src/cli/outcome.ts';
import { pause } from '../../src/cli/pause.ts';
import type { Job } from '../runner/run-main.ts';

const answerSchema = v.object({ value: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]+$/)) });
const maxAnswerBytes = 2 * maxGithubTokenBytes;
const askMs = 15_000;
const mostTries = 4;

/** Gives ID tokens of GitHub's for an audience. */
export type GithubTokens = (audience: string) => Promise<{ ok: true; value: string } | Failure>;

/**
 * The endpoint that a job with `id-token: write` asks for ID tokens (docs.github.com: "OpenID Connect reference"). Each
 * token is hidden in the log before anything else is done with it.
 */
export function githubTokens({ runner, signal }: Pick<Job, 'runner' | 'signal'>): GithubTokens {
  const address = runner.variable('ACTIONS_ID_TOKEN_REQUEST_URL');
  const bearer = runner.variable('ACTIONS_ID_TOKEN_REQUEST_TOKEN');
  const nothing = 'Nothing was submitted with it.';
  return async (audience) => {
    if (!URL.canParse(address) || bearer === '') {
      return fail(
        exits.refused,
        'id_token_none',
        'GitHub gives this job no ID token. It needs `permissions: id-token: write`, which jobs of pull requests from forks never have. Nothing was submitted.',
      );
    }
    const url = new URL(address);
    url.searchParams.set('audience', audience);
    const http = createHttpClient({ origin: url.origin, spki: null });
    let why = '';
    for (let attempt = 1; attempt <= mostTries && !signal.aborted; attempt += 1) {
      if (attempt > 1) await pause(500 * attempt, signal);
      const answer = await http.request({
        method: 'GET',
        url: `${url.pathname}${url.search}`,
        headers: { authorization: `Bearer ${bearer}`, accept: 'application/json' },
        timeoutMs: askMs,
        maxBytes: maxAnswerBytes,
        signal,
      });
      if (!answer.ok) {
        why = answer.detail;
        if (answer.reason === 'too_large') break;
        continue;
      }
      const parsed = answer.status === 200 ? parsePayload(answer.body, answerSchema, maxAnswerBytes) : null;
      if (parsed?.ok === true && looksLikeToken(parsed.value.value)) {
        runner.mask(parsed.value.value);
        return { ok: true, value: parsed.value.value };
      }
      why = parsed === null ? `status ${answer.status}` : 'an answer that is no token';
      // What it refuses, it refuses again.
      if (answer.status < 500 && answer.status !== 429) break;
    }
    return fail(
      exits.unreachable,
      'id_token_unreachable',
      `GitHub’s endpoint gave no ID token: ${why}. ${nothing}`,
    );
  };
}

const looksLikeToken = (token: string): boolean =>
  token.length <= maxGithubTokenBytes && token.split('.').length === 3;
