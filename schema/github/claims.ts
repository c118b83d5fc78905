import * as v from 'valibot';

const textSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(1000));
const secondsSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(1e11));
/** GitHub writes its numbers as text. */
const numberSchema = v.pipe(
  v.string(),
  v.regex(/^[1-9][0-9]{0,15}$/),
  v.transform(Number),
  v.number(),
  v.safeInteger(),
);

/**
 * What Writ reads of an ID token of GitHub Actions
 * (docs.github.com: "OpenID Connect reference", claims of the token). Others may be there: GitHub adds to them.
 */
export const githubClaimsSchema = v.object({
  iss: textSchema,
  aud: textSchema,
  iat: secondsSchema,
  nbf: secondsSchema,
  exp: secondsSchema,
  /** It must be there, and nothing is made of it: an order is consumed by its digest, by which replays are known. */
  jti: textSchema,
  repository_id: textSchema,
  repository_owner_id: textSchema,
  workflow_ref: textSchema,
  job_workflow_ref: textSchema,
  ref: textSchema,
  ref_type: textSchema,
  sha: v.pipe(v.string(), v.regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/)),
  event_name: textSchema,
  environment: textSchema,
  runner_environment: textSchema,
  run_id: numberSchema,
  run_attempt: numberSchema,
});
export type GithubClaims = v.InferOutput<typeof githubClaimsSchema>;
