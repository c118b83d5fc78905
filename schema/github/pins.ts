import * as v from 'valibot';
import { ok, type Result, refuse } from '../result.ts';
import { webUrlSchema } from '../trust/web-url.ts';
import { countSchema } from '../wire/ids.ts';
import type { GithubClaims } from './claims.ts';

/** Of GitHub itself. An Enterprise Server's is https://HOST/_services/token. */
export const githubIssuer = 'https://token.actions.githubusercontent.com';

/** GitHub's numbers for repositories and owners: names change hands, these never do. */
const numberTextSchema = v.pipe(
  v.string(),
  v.regex(/^[1-9][0-9]{0,18}$/, 'must be a number of GitHub’s, such as 1296269'),
);
const plainSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_][A-Za-z0-9_. -]{0,99}$/, 'must be plain letters and digits'),
);

/** What an ID token must say of itself to be of a workflow that trust names. There are no wildcards. */
export const githubPins = {
  /** Whose keys verify it; absent: GitHub's own. */
  issuer: v.optional(v.pipe(webUrlSchema, v.regex(/[^/]$/, 'must not end in a slash'))),
  repository_id: numberTextSchema,
  repository_owner_id: numberTextSchema,
  /** The file, in the repository. */
  workflow: v.pipe(
    v.string(),
    v.regex(
      /^\.github\/workflows\/[A-Za-z0-9_.-]{1,100}\.ya?ml$/,
      'must be such as .github/workflows/writ.yml',
    ),
  ),
  /** A branch, in full. */
  ref: v.pipe(
    v.string(),
    v.regex(/^refs\/heads\/[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$/, 'must be such as refs/heads/main'),
  ),
  event_name: v.pipe(
    v.array(v.picklist(['push', 'workflow_dispatch', 'schedule'])),
    v.minLength(1),
    v.maxLength(3),
  ),
  environment: plainSchema,
  /** Absent: GitHub's own machines alone. */
  runner_environment: v.optional(v.literal('self-hosted')),
  /** Runs with a lower number are of before this was trusted. */
  min_run: countSchema,
} as const;

const pinsSchema = v.object(githubPins);
export type GithubPins = v.InferOutput<typeof pinsSchema>;

/** The issuer whose tokens an identity's are. */
export const issuerOf = ({ issuer }: Pick<GithubPins, 'issuer'>): string => issuer ?? githubIssuer;

/**
 * Whether a verified token is of the workflow that these pins mean; else which of its claims is another. Names of
 * repositories and `sub` are looked at nowhere. A reusable workflow is another one: its `job_workflow_ref` differs.
 */
export function judgePins(pins: GithubPins, claims: GithubClaims): Result<true, 'github_stranger'> {
  // The file is what comes after `<owner>/<repository>/`, and all of it: one deeper in the tree is another.
  const file = /^[\w.-]+\/[\w.-]+\/(.+)$/.exec(claims.workflow_ref)?.[1];
  const other = Object.entries({
    iss: claims.iss === issuerOf(pins),
    repository_id: claims.repository_id === pins.repository_id,
    repository_owner_id: claims.repository_owner_id === pins.repository_owner_id,
    workflow_ref: file === `${pins.workflow}@${pins.ref}`,
    job_workflow_ref: claims.job_workflow_ref === claims.workflow_ref,
    ref: claims.ref === pins.ref,
    ref_type: claims.ref_type === 'branch',
    event_name: pins.event_name.some((name) => name === claims.event_name),
    environment: claims.environment === pins.environment,
    runner_environment: claims.runner_environment === (pins.runner_environment ?? 'github-hosted'),
    run_id: claims.run_id >= pins.min_run,
  }).find(([, fits]) => !fits);
  return other === undefined
    ? ok(true)
    : refuse('github_stranger', `its ${other[0]} is not the one that trust names`);
}
