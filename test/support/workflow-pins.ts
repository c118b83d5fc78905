import type { Identity } from '../../schema/trust/document.ts';

/** A workflow as trust names it, which may release. */
export const deployWorkflow = (grant: {
  readonly on: readonly string[];
  readonly paths?: readonly string[];
}): Extract<Identity, { kind: 'github' }> => ({
  kind: 'github',
  repository_id: '1296269',
  repository_owner_id: '583231',
  workflow: '.github/workflows/writ.yml',
  ref: 'refs/heads/main',
  event_name: ['push', 'workflow_dispatch'],
  environment: 'home',
  min_run: 0,
  may: [{ action: 'release.apply', on: [...grant.on], paths: [...(grant.paths ?? ['/etc/opt/**'])] }],
});

/** What githubClaims of github-issuer.ts say of themselves. */
export const issuedPins = {
  repository_id: '1296269',
  repository_owner_id: '583231',
  workflow: '.github/workflows/deploy.yml',
  ref: 'refs/heads/main',
  event_name: ['push' as 'push' | 'workflow_dispatch' | 'schedule'],
  environment: 'home',
  min_run: 0,
};

/** The workflow of those claims, which may release to `websvcs`. */
export const issuedWorkflow = (
  paths: readonly string[] = ['/etc/opt/**'],
  issuer?: string,
): Extract<Identity, { kind: 'github' }> => ({
  kind: 'github',
  ...(issuer !== undefined && { issuer }),
  ...issuedPins,
  may: [{ action: 'release.apply', on: ['websvcs'], paths: [...paths] }],
});
