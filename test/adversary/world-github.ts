import { statusAudience } from '../../schema/github/audience.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import type { Identity, TrustDocument } from '../../schema/trust/document.ts';
import type { TestHome } from '../support/relay-home.ts';
import { dawn, type Law, laws } from './law.ts';
import {
  type Attestation,
  issuers,
  notaryLaws,
  type Token,
  workflowFile,
  workflowLaws,
  workflowRef,
} from './law-github.ts';
import { type Paper, type RunDraft, writeRun } from './papers.ts';
import { claimsOf, makeAttestation, makeToken } from './tokens.ts';

const minute = 60_000;

/** pve1 as trust has it: a notary under some versions. */
export function notaryOf(document: TrustDocument, law: Law): Identity {
  const { pve1 } = document.identities;
  if (pve1?.kind !== 'relay') throw new Error('pve1 is a relay');
  const { attests: _, ...plain } = pve1;
  return notaryLaws[laws.indexOf(law)] ? { ...plain, attests: ['time'] } : plain;
}

/** The workflows as trust has them. */
export const workflowsOf = (law: Law): Record<string, Identity> =>
  Object.fromEntries(
    workflowLaws[laws.indexOf(law)]!.map(({ signer, repository, owner, environment, minRun, on }) => [
      `deploys-${signer}`,
      {
        kind: 'github',
        ...(signer === 'enterprise' && { issuer: issuers.enterprise }),
        repository_id: repository,
        repository_owner_id: owner,
        workflow: workflowFile,
        ref: workflowRef,
        event_name: ['push', 'workflow_dispatch'],
        environment,
        min_run: minRun,
        may: [{ action: 'release.apply', on: [...on], paths: ['/etc/opt/**'] }],
      },
    ]),
  );

export const shaOf = (run: number): string => String(run).padStart(40, 'c');

/** Runs of the owner's workflows before the trace begins: some good, some of which one thing is wrong. */
const drafts = (): (RunDraft & { readonly seenAt?: number })[] => {
  const at = dawn + minute;
  const run = (id: number, attempt = 1) => ({ id, attempt, sha: shaOf(id) });
  const early = dawn - 30 * minute;
  return [
    { targets: ['websvcs'], run: run(100), at },
    { targets: ['files', 'websvcs'], run: run(101), at },
    { targets: ['websvcs'], run: run(102), at: at + 12 * minute },
    { targets: ['websvcs'], run: run(102, 2), at },
    { targets: ['websvcs'], run: run(30), at },
    { targets: ['gaming', 'websvcs'], run: run(103), at },
    { targets: ['websvcs'], run: run(104), at, claims: { environment: 'other' } },
    // They had ended before the relay met them: one was seen in time by the notary, one too late, one never.
    { targets: ['websvcs'], run: run(105), at: early, issued: at, seenAt: early + minute },
    { targets: ['websvcs'], run: run(106), at: early, issued: at, seenAt: early + 10 * minute },
    { targets: ['files'], run: run(107), at: early, issued: at },
    { targets: ['devtop'], run: run(108), at, signer: 'enterprise' },
    {
      targets: ['devtop'],
      run: run(109),
      at: early,
      issued: at,
      signer: 'enterprise',
      seenAt: early + minute,
    },
    { targets: ['websvcs'], run: run(110), at, claims: { sha: shaOf(111) } },
    { targets: ['websvcs'], run: run(112), at, claims: { run_id: '113' } },
    { targets: ['websvcs'], run: run(114), at, claims: { run_attempt: '2' } },
    { targets: ['websvcs'], run: run(115), at, claims: { exp: Math.floor(at / 1000) + 3600 } },
    { targets: ['websvcs'], run: run(116), at, claims: { event_name: 'pull_request' } },
    {
      targets: ['websvcs'],
      run: run(117),
      at,
      claims: { ref: 'refs/heads/other', workflow_ref: `octocat/homelab/${workflowFile}@refs/heads/other` },
    },
  ];
};

/** What was recorded of workflows: their orders, their tokens, and what the notary said of some. */
export async function recordRuns(
  home: TestHome,
  stranger: SigningKey,
): Promise<{ papers: Paper[]; tokens: Token[]; attestations: Attestation[] }> {
  const papers: Paper[] = [];
  const tokens: Token[] = [];
  const attestations: Attestation[] = [];
  for (const { seenAt, ...draft } of drafts()) {
    const { paper, token } = await writeRun(home.id, draft, stranger);
    papers.push(paper);
    tokens.push(token);
    const notary = home.relays.pve1!.signing;
    if (seenAt !== undefined)
      attestations.push(await makeAttestation(home.id, token.text, seenAt, notary, true));
  }
  for (const id of [100, 105]) {
    const claims = { aud: statusAudience(home.id), run_id: String(id), sha: shaOf(id) };
    tokens.push(makeToken('github', claimsOf('github', dawn + minute, claims)));
  }
  return { papers, tokens, attestations };
}
