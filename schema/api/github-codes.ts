import type { CodeCard } from './code-card.ts';

const nothing = 'Nothing was done.';

/** Why what a workflow of GitHub Actions ordered was left alone: in a relay's log, and of parts that never began. */
export const githubCodes = {
  github_not_here: {
    title: 'Workflow for what root does',
    meaning: `What root brings to a host or a container is ordered by keys alone: its helper has no way to GitHub’s. ${nothing}`,
    todo: 'Deploy it from the owner’s computer: `writ deploy --only TARGET`.',
  },
  github_stranger: {
    title: 'Token of another workflow',
    meaning: `The token is GitHub’s, and not of a workflow, branch, event or environment that the trust document names. ${nothing}`,
    todo: 'The log names the claim that differs. If it is meant: `writ trust add-github`.',
  },
  github_other_commit: {
    title: 'Order of another commit or run',
    meaning: `The order names another commit, run or attempt than the workflow that asked for the token. ${nothing}`,
    todo: 'Run the workflow from its beginning, so that one run builds and deploys.',
  },
  github_token_malformed: {
    title: 'Token of GitHub malformed',
    meaning: `It is no ID token of GitHub Actions as they are. ${nothing}`,
    todo: 'The log says what is wrong. A job without an environment has no such token: see docs/github-actions.md.',
  },
  github_token_signature: {
    title: 'Token not signed by GitHub',
    meaning: `Its signature is not by a key of the issuer that the trust document names. ${nothing}`,
    todo: 'If it persists, somebody changes what the control plane sends; the relay did nothing.',
  },
  github_token_audience: {
    title: 'Token for other bytes',
    meaning: `The token was made for another release, home or purpose. ${nothing}`,
    todo: 'Run the workflow again.',
  },
  github_token_times: {
    title: 'Times of a token not right',
    meaning: `The token is of the future, or would live for longer than GitHub’s do. ${nothing}`,
    todo: 'Check the clock of the machine that says so: `timedatectl`.',
  },
  github_token_expired: {
    title: 'Token of GitHub expired',
    meaning:
      'The token lives for five minutes, and nobody who is trusted to say so saw it within that time. Nothing was done there.',
    todo: 'Run the workflow again while the host is awake, or name an always-on relay that attests the time: `writ trust add-notary`.',
  },
  github_keys_unreachable: {
    title: 'GitHub’s keys unreachable',
    meaning: `The keys of GitHub’s issuer could not be fetched. ${nothing}`,
    todo: 'Check the way from there to the internet, and run the workflow again.',
  },
  github_keys_malformed: {
    title: 'GitHub’s keys malformed',
    meaning: `What GitHub’s issuer answered is no set of keys, or holds none that verifies. ${nothing}`,
    todo: 'The log names the address. Look what it answers: a proxy in between may answer for it. It is asked again within a minute.',
  },
  github_key_unknown: {
    title: 'Key unknown to GitHub',
    meaning: `The issuer has no key of the token’s name, at least not any more. ${nothing}`,
    todo: 'Run the workflow again.',
  },
  time_attestation_invalid: {
    title: 'Attestation of time not valid',
    meaning: `What tells when the token was seen is not by a relay that the trust document makes a notary, or is of another token. ${nothing}`,
    todo: 'If it persists, somebody changes what the control plane sends; the relay did nothing.',
  },
  clock_unsynchronised: {
    title: 'No notary while its clock is not synchronised',
    meaning:
      'The relay is a notary, and does not know the time for sure. It attested nothing; a host that slept may refuse a release whose token has expired meanwhile.',
    todo: 'See `timedatectl` on the host.',
  },
} as const satisfies { readonly [code: string]: CodeCard };
