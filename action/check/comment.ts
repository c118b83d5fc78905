import * as v from 'valibot';
import { createHttpClient } from '../../src/cli/https.ts';
import type { Job } from '../runner/run-main.ts';

/** By its first line a comment is known as the one that is kept up to date. */
const marker = '<!-- writ: the plan of this pull request -->';
/** What GitHub takes. */
const maxCharacters = 65_000;
const askMs = 20_000;
const maxAnswerBytes = 8 * 1024 * 1024;
const perPage = 100;
const mostPages = 20;
/** Who a workflow's own token is. Others could write the marker, too. */
const ownLogin = 'github-actions[bot]';

const commentsSchema = v.array(
  v.object({
    id: v.pipe(v.number(), v.safeInteger()),
    body: v.nullish(v.string()),
    user: v.nullish(v.object({ login: v.string() })),
  }),
);

/** What became of the comment: `denied` is what a fork's token gets. */
export type Commented = 'written' | 'updated' | 'denied' | { readonly failed: string };

/** Writes the comment of a pull request, or brings it up to date (docs.github.com: REST, "Issue comments"). */
export async function keepComment(
  { runner, signal }: Pick<Job, 'runner' | 'signal'>,
  number: number,
  markdown: string,
): Promise<Commented> {
  const token = runner.input('token');
  const repository = runner.variable('GITHUB_REPOSITORY');
  const address = runner.variable('GITHUB_API_URL') || 'https://api.github.com';
  if (token === '') return 'denied';
  if (!URL.canParse(address) || !/^[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+$/.test(repository))
    return { failed: 'the runner does not say where GitHub’s API is' };
  const url = new URL(address);
  const http = createHttpClient({ origin: url.origin, spki: null });
  const issues = `${url.pathname.replace(/\/$/, '')}/repos/${repository}/issues`;
  const call = (method: string, path: string, body?: object) =>
    http.request({
      method,
      url: `${issues}${path}`,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/vnd.github+json',
        'user-agent': 'writ',
        'x-github-api-version': '2022-11-28',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      timeoutMs: askMs,
      maxBytes: maxAnswerBytes,
      signal,
    });

  let own: number | null = null;
  for (let page = 1; own === null && page <= mostPages; page += 1) {
    const answer = await call('GET', `/${number}/comments?per_page=${perPage}&page=${page}`);
    if (!answer.ok) return { failed: answer.detail };
    if (answer.status === 403 || answer.status === 404) return 'denied';
    const read = answer.status === 200 ? parseComments(answer.body) : null;
    if (read === null) return { failed: `GitHub answered with status ${answer.status}` };
    own =
      read.find(({ body, user }) => user?.login === ownLogin && body?.startsWith(marker) === true)?.id ??
      null;
    if (read.length < perPage) break;
  }
  const body = { body: `${marker}\n${fit(markdown)}` };
  const answer = await (own === null
    ? call('POST', `/${number}/comments`, body)
    : call('PATCH', `/comments/${own}`, body));
  if (!answer.ok) return { failed: answer.detail };
  if (answer.status === 403 || answer.status === 404) return 'denied';
  if (answer.status >= 300) return { failed: `GitHub answered with status ${answer.status}` };
  return own === null ? 'written' : 'updated';
}

function parseComments(body: Uint8Array): v.InferOutput<typeof commentsSchema> | null {
  try {
    const read = v.safeParse(commentsSchema, JSON.parse(new TextDecoder().decode(body)));
    return read.success ? read.output : null;
  } catch {
    return null;
  }
}

const fit = (markdown: string): string =>
  markdown.length <= maxCharacters
    ? markdown
    : `${markdown.slice(0, maxCharacters - 100)}\n\n… the rest is in the job’s summary.`;
