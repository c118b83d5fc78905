import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import type { Runner } from '../runner/runner.ts';

const shaSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/));
/** docs.github.com: "Webhook events and payloads", pull_request. What else there is, strangers wrote. */
const eventSchema = v.object({
  pull_request: v.object({
    number: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
    head: v.object({ sha: shaSchema }),
    base: v.object({ sha: shaSchema }),
  }),
});

export type PullRequest = { readonly number: number; readonly head: string; readonly base: string };

/** The pull request that a job is about; null at other events, or where the payload does not tell. */
export function pullRequestOf(runner: Pick<Runner, 'variable'>): PullRequest | null {
  if (runner.variable('GITHUB_EVENT_NAME') !== 'pull_request') return null;
  let payload: unknown;
  try {
    // GitHub's own file. What strangers wrote into it may be any text.
    payload = JSON.parse(readFileSync(runner.variable('GITHUB_EVENT_PATH'), 'utf8'));
  } catch {
    return null;
  }
  const parsed = v.safeParse(eventSchema, payload);
  if (!parsed.success) return null;
  const { number, head, base } = parsed.output.pull_request;
  return { number, head: head.sha, base: base.sha };
}
