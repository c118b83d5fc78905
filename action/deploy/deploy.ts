import { releaseAudience } from '../../schema/github/audience.ts';
import type { UnsignedOrder } from '../../src/cli/ci/order-file.ts';
import { uploadBlobs } from '../../src/cli/deploy/blobs.ts';
import { followDeployment, submitOrder } from '../../src/cli/deploy/follow.ts';
import { exitOf, type TargetOutcome } from '../../src/cli/deploy/outcome.ts';
import { proveViews } from '../../src/cli/deploy/prove.ts';
import type { Failure } from '../../src/cli/outcome.ts';
import { pause } from '../../src/cli/pause.ts';
import type { Job } from '../runner/run-main.ts';
import { type GithubTokens, githubTokens } from './github-tokens.ts';
import { openApi } from './open-api.ts';
import { readOrder, readSettings, type Settings } from './settings.ts';
import { tellFailure, tellOutcomes } from './tell.ts';
import { fetchTrust } from './trust.ts';

const lookAgainMs = 1_000;
const longestWaitS = 50;

/** What came of an order, as relays signed it. */
type Ended = { readonly id: string; readonly outcomes: readonly TargetOutcome[] };

/**
 * Deploys what an earlier job built: hands the order's bytes over with a token for just these, follows it with tokens
 * that say who asks and nothing else, and succeeds on receipts that verify against the trust document alone.
 */
export async function deploy(job: Job): Promise<number> {
  const settings = readSettings(job.runner);
  if (!settings.ok) return tellFailure(job.runner, settings);
  const order = await readOrder(job.runner, settings.value);
  if (!order.ok) return tellFailure(job.runner, order);
  const ended = await deployOrder(job, settings.value, order.value, githubTokens(job));
  if (!ended.ok) return tellFailure(job.runner, ended);
  tellOutcomes(job.runner, ended.value, order.value);
  return exitOf(ended.value.outcomes);
}

async function deployOrder(
  job: Job,
  settings: Settings,
  made: UnsignedOrder,
  tokens: GithubTokens,
): Promise<{ ok: true; value: Ended } | Failure> {
  const { runner, now, random, signal } = job;
  const { home, trust: pin } = settings;
  const api = openApi(job, settings, tokens);
  const deadline = now() + settings.waitMs;
  const known = await fetchTrust(api, { pin, home, now: now() });
  if (!known.ok) return known;
  const progress = { say: () => {}, note: (line: string) => runner.log(line), end: () => {} };
  const follower = { progress, terminal: { watched: false }, now, random, signal };
  const uploaded = await uploadBlobs(follower, api, made.blobs);
  if (!uploaded.ok) return uploaded;
  const token = await tokens(releaseAudience(home, made.digest));
  if (!token.ok) return token;
  const accepted = await submitOrder(follower, { api }, { ...made, authorisation: token.value });
  if (!accepted.ok) return accepted;
  const { id } = accepted.value;
  runner.log(`${id} is accepted: ${made.order.parts.map(({ target }) => target).join(', ')}`);
  const followed = await followDeployment(follower, { api }, accepted.value, {
    async isLeft() {
      if (now() >= deadline || signal.aborted) return true;
      // One who answers at once although nothing has come is not asked without a pause.
      await pause(lookAgainMs, signal);
      return false;
    },
    waitS: () => Math.min(longestWaitS, Math.max(1, Math.ceil((deadline - now()) / 1000))),
  });
  if (!followed.ok) return followed;
  // A relay may have been admitted anew meanwhile.
  const trust = await fetchTrust(api, { pin, home, now: now() });
  if (!trust.ok) return trust;
  const proven = await proveViews(trust.value, { signed: [made.digest] }, [followed.value]);
  return proven.ok ? { ok: true, value: { id, outcomes: proven.value } } : proven;
}
