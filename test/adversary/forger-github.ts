import type { GithubClaims } from '../support/github-issuer.ts';
import { type Token, workflowFile } from './law-github.ts';
import type { timeWays, tokenWays } from './moves.ts';
import type { Paper } from './papers.ts';
import type { Scene } from './scene.ts';
import { claimsOf, makeAttestation, makeToken } from './tokens.ts';

const parts = (text: string): string[] => text.split('.');
const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Makes tokens and words of notaries such as a thief may have, who holds neither GitHub's keys nor the notary's. */
export function createGithubForger(scene: Scene) {
  const { world, clock, tokens, attestations } = scene;
  const home = world.home.id;

  /** The claims that a token of the owner's workflow would have for this very paper, now. */
  const rightClaims = ({ digest, kind, body }: Paper, overrides: GithubClaims = {}): GithubClaims => {
    const order = kind === 'release' ? body.order : { run_id: 100, run_attempt: 1 };
    return claimsOf('github', clock.now(), {
      aud: `writ:${home}:release:${digest}`,
      run_id: String(order.run_id || 100),
      run_attempt: String(order.run_attempt || 1),
      ...(kind === 'release' && body.commit !== null && { sha: body.commit }),
      ...overrides,
    });
  };

  /** What GitHub signs for whoever runs something there: whatever the audience, it is of another workflow than the owner's. */
  const strangeClaims: Readonly<Record<string, GithubClaims>> = {
    foreign_repository: { repository_id: '666', repository_owner_id: '66' },
    other_workflow: {
      workflow_ref: 'octocat/homelab/.github/workflows/evil.yml@refs/heads/main',
      job_workflow_ref: 'octocat/homelab/.github/workflows/evil.yml@refs/heads/main',
    },
    other_ref: {
      ref: 'refs/heads/evil',
      workflow_ref: `octocat/homelab/${workflowFile}@refs/heads/evil`,
      job_workflow_ref: `octocat/homelab/${workflowFile}@refs/heads/evil`,
    },
    pull_request: { event_name: 'pull_request' },
    reusable: { job_workflow_ref: `evil/tools/${workflowFile}@refs/heads/main` },
    other_environment: { environment: 'staging' },
    self_hosted: { runner_environment: 'self-hosted' },
  };

  const gained = (token: Token): string => {
    scene.gainToken(token);
    return token.text;
  };

  const headers: readonly object[] = [
    { alg: 'none' },
    { alg: 'HS256' },
    { alg: 'RS512' },
    { kid: 'another' },
    { jku: 'https://evil.example/jwks' },
    { crit: ['exp'] },
    { typ: 'at+jwt' },
  ];

  return {
    /** A token in the place of what authorises a paper. */
    tokenFor(paper: Paper, how: (typeof tokenWays)[number], choice: number): string {
      const recorded = tokens[choice % tokens.length]!;
      switch (how) {
        case 'recorded':
          return recorded.text;
        case 'status':
          return gained(makeToken('github', rightClaims(paper, { aud: `writ:${home}:status` })));
        case 'forged':
          // By the thief's key, under the name of GitHub's.
          return gained(makeToken('nobody', rightClaims(paper), headerOf(tokens[0]!.text)));
        case 'enterprise':
          return gained(makeToken('enterprise', enterpriseClaims(rightClaims(paper))));
        case 'enterprise_as_github':
          return gained(
            makeToken('enterprise', rightClaims(paper), choice % 2 === 0 ? headerOf(tokens[0]!.text) : {}),
          );
        case 'rebound': {
          const [header, , signature] = parts(recorded.text);
          return `${header}.${encoded(rightClaims(paper))}.${signature}`;
        }
        case 'header': {
          const [, payload, signature] = parts(
            paper.kind === 'release' ? paper.authorisation : recorded.text,
          );
          const header = { ...headerOf(recorded.text), ...headers[choice % headers.length] };
          return `${encoded(header)}.${payload}.${signature}`;
        }
        default:
          return gained(makeToken('github', rightClaims(paper, strangeClaims[how])));
      }
    },
    /** A word on when what authorises a paper was there, as a member of a job. */
    async timeFor(authorisation: string, how: (typeof timeWays)[number] | null): Promise<{ time?: string }> {
      if (how === null) return {};
      const known = attestations.filter(({ token }) => token === authorisation);
      const any = known.at(-1) ?? attestations.at(-1)!;
      if (how === 'own') return known.length === 0 ? {} : { time: known.at(-1)!.text };
      if (how === 'other') return { time: attestations[authorisation.length % attestations.length]!.text };
      if (how === 'bent') return { time: `${any.text.slice(0, -8)}AAAA${any.text.slice(-4)}` };
      const claims = tokens.find(({ text }) => text === authorisation)?.claims;
      const good = claims === undefined ? clock.now() : Number(claims.iat) * 1000 + 60_000;
      const keys = { controller: world.controller, relay: world.relayKeys.pve2, stranger: world.stranger };
      if (how === 'home') {
        const elsewhere = 'h_01HZZZZZZZZZZZZZZZZZZZZZZZ';
        const word = await makeAttestation(elsewhere, authorisation, good, world.relayKeys.pve1, false);
        return { time: word.text };
      }
      return { time: (await makeAttestation(home, authorisation, good, keys[how], false)).text };
    },
  };
}

const headerOf = (text: string): object =>
  JSON.parse(Buffer.from(parts(text)[0]!, 'base64url').toString()) as object;

/** Whoever has the other server says what he likes: it is his own to say. */
const enterpriseClaims = (claims: GithubClaims): GithubClaims => {
  const { iss, repository_id, repository_owner_id, environment } = claimsOf('enterprise', 0);
  return { ...claims, iss, repository_id, repository_owner_id, environment };
};
