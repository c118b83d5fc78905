import { clockSkewMs } from '../../schema/wire/limits.ts';
import type { ReleaseOrder } from '../../schema/wire/release-order.ts';
import type { GithubClaims } from '../support/github-issuer.ts';

/** Who can sign tokens: GitHub for whoever has a repository there, and the owner of the other server as he likes. */
export type TokenSigner = 'github' | 'enterprise' | 'nobody';

/** A workflow that the owner lets release, written down by hand; trust's identities are made from it. */
export type WorkflowLaw = {
  readonly signer: Exclude<TokenSigner, 'nobody'>;
  readonly repository: string;
  readonly owner: string;
  readonly environment: string;
  readonly minRun: number;
  readonly on: readonly string[];
};

export const issuers: Readonly<Record<Exclude<TokenSigner, 'nobody'>, string>> = {
  github: 'https://token.actions.githubusercontent.com',
  enterprise: 'https://github.example.net/_services/token',
};
export const workflowFile = '.github/workflows/deploy.yml';
export const workflowRef = 'refs/heads/main';

const ofGithub = (environment: string, minRun: number, on: readonly string[]): WorkflowLaw => ({
  ...{ signer: 'github', repository: '1296269', owner: '583231' },
  ...{ environment, minRun, on },
});
const ofEnterprise: WorkflowLaw = {
  ...{ signer: 'enterprise', repository: '77', owner: '7', environment: 'lab', minRun: 0, on: ['devtop'] },
};

/** By version of trust, from 1. */
export const workflowLaws: readonly (readonly WorkflowLaw[])[] = [
  [ofGithub('home', 40, ['websvcs', 'files']), ofEnterprise],
  [ofGithub('home', 101, ['websvcs']), ofEnterprise],
  [ofGithub('other', 40, ['websvcs', 'files']), ofEnterprise],
  [ofEnterprise],
];
/** Whether pve1 says since when tokens are known. */
export const notaryLaws: readonly boolean[] = [true, true, false, true];

/** A token, with what is true of it. */
export type Token = {
  readonly text: string;
  readonly signer: TokenSigner;
  readonly claims: GithubClaims;
};
/** A word on when a token was there, with what is true of it. */
export type Attestation = {
  readonly text: string;
  /** Whether the notary itself said so, of this home. */
  readonly isGenuine: boolean;
  /** The text of the token that it is of. */
  readonly token: string;
  readonly seenMs: number;
};

const fits = (law: WorkflowLaw, { signer, claims }: Token): boolean => {
  const [owner, repository, ...file] = String(claims.workflow_ref).split('/');
  return (
    signer === law.signer &&
    claims.iss === issuers[law.signer] &&
    claims.repository_id === law.repository &&
    claims.repository_owner_id === law.owner &&
    owner !== '' &&
    repository !== '' &&
    file.join('/') === `${workflowFile}@${workflowRef}` &&
    claims.job_workflow_ref === claims.workflow_ref &&
    claims.ref === workflowRef &&
    claims.ref_type === 'branch' &&
    (claims.event_name === 'push' || claims.event_name === 'workflow_dispatch') &&
    claims.environment === law.environment &&
    claims.runner_environment === 'github-hosted' &&
    Number(claims.run_id) >= law.minRun
  );
};

/** Until when, exclusively, and since when a token may count, in ms. */
export const lifeOf = ({ iat, nbf, exp }: GithubClaims): readonly [number, number] => [
  Math.max(Number(iat), Number(nbf)) * 1000 - clockSkewMs,
  Math.min(Number(exp), Number(iat) + 300) * 1000 + clockSkewMs,
];

/** Why a token does not authorise an order now; null when it does. What holds for every release is apart. */
export function objectionToToken(
  laws: readonly WorkflowLaw[],
  token: Token,
  order: ReleaseOrder,
  known: { readonly audience: string; readonly now: number; readonly seen: readonly number[] },
): string | null {
  const { claims } = token;
  if (claims.aud !== known.audience) return 'its audience is another';
  if (Number(claims.exp) <= Number(claims.iat)) return 'it never lives';
  if (Number(claims.exp) - Number(claims.iat) > 600) return 'it lives too long';
  const [from, to] = lifeOf(claims);
  if (known.now < from) return 'it is of the future';
  if (![known.now, ...known.seen].some((at) => at >= from && at < to)) return 'it was not there in time';
  const law = laws.find((one) => fits(one, token));
  if (law === undefined) return 'no workflow of the law made it';
  if (order.commit !== claims.sha) return 'of another commit';
  const { run_id, run_attempt, desk } = order.order;
  if (String(run_id) !== claims.run_id || String(run_attempt) !== claims.run_attempt || desk !== 0)
    return 'of another run';
  const stray = order.parts.find(({ target }) => !law.on.includes(target));
  return stray === undefined ? null : `the workflow may not release to ${stray.target}`;
}
