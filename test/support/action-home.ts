import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { TrustDocument } from '../../schema/trust/document.ts';
import type { Release } from '../../schema/wire/release.ts';
import { makeOrder } from '../../src/cli/ci/make-order.ts';
import { writeOrderFile } from '../../src/cli/ci/order-file.ts';
import { readWanted } from '../../src/cli/deploy/read-release.ts';
import { runStep, type StepRan } from './action-runner.ts';
import { type DeployHome, type DeployHomeOptions, startDeployHome } from './deploy-home.ts';
import { type GithubClaims, type GithubIssuer, startGithubIssuer } from './github-issuer.ts';
import { issuedWorkflow } from './workflow-pins.ts';

const paths = ['/etc/containers/systemd/**', '/etc/opt/**'];

/** A run of the workflow, as GitHub has it. */
export type WorkflowRun = { readonly run_id: string; readonly run_attempt: string; readonly sha: string };
export const firstRun: WorkflowRun = {
  run_id: '9000000001',
  run_attempt: '1',
  sha: 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00',
};

export type OrderFile = { readonly file: string; readonly digest: string };

export type ActionHome = {
  readonly home: DeployHome;
  readonly issuer: GithubIssuer;
  readonly id: string;
  /** The version of trust that the workflow pins. */
  readonly pin: string;
  /** What the job `build` of a run makes of the repo. */
  build(run?: WorkflowRun): Promise<OrderFile>;
  /** What the job `deploy` does, where its tokens say these claims, and its step has these inputs and variables. */
  deploy(
    made: OrderFile,
    about?: {
      readonly run?: WorkflowRun;
      readonly claims?: GithubClaims;
      readonly with?: Readonly<Record<string, string>>;
      readonly env?: Readonly<Record<string, string>>;
    },
  ): Promise<StepRan>;
  amend(change: (document: TrustDocument) => void): Promise<void>;
};

export const sha256Text = (bytes: Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A home whose trust lets a workflow release to websvcs, GitHub's issuer beside it, and the jobs of that workflow. */
export async function startActionHome(t: TestContext, options: DeployHomeOptions = {}): Promise<ActionHome> {
  const issuer = await startGithubIssuer();
  t.after(() => issuer.close());
  const home = await startDeployHome(t, options);
  const folder = mkdtempSync(join(tmpdir(), 'writ-artifact-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const shown = async (): Promise<{ document: TrustDocument; digest: string }> =>
    JSON.parse((await home.writ(['trust', 'show', '--json'])).out);
  const amend = async (change: (document: TrustDocument) => void): Promise<void> => {
    const { document } = await shown();
    change(document);
    const file = join(home.configDir, 'amended.json');
    writeFileSync(file, JSON.stringify(document));
    const signed = await home.writ(['trust', 'sign', '--document', file, '--yes']);
    assert.equal(signed.exit, 0, signed.err);
  };
  await amend((document) => {
    document.identities.deploys = issuedWorkflow(paths, issuer.url);
  });
  const { document, digest: pin } = await shown();
  let before: Release | null = null;
  return {
    home,
    issuer,
    id: document.home,
    pin,
    amend,
    async build(run = firstRun) {
      const wanted = await readWanted({ repo: home.repo });
      assert.ok(wanted.ok, JSON.stringify(wanted));
      const made = await makeOrder(wanted.value.release, before, {
        home: document.home,
        targets: ['websvcs'],
        run: { id: Number(run.run_id), attempt: Number(run.run_attempt), commit: run.sha },
        now: Date.now(),
      });
      assert.ok(made.ok, JSON.stringify(made));
      before = wanted.value.release;
      const bytes = writeOrderFile(made.value);
      const file = join(folder, `${run.run_id}-${run.run_attempt}.order`);
      writeFileSync(file, bytes);
      return { file, digest: sha256Text(bytes) };
    },
    deploy(made, { run = firstRun, claims = {}, with: inputs = {}, env = {} } = {}) {
      issuer.job({ ...run, ...claims });
      return runStep(t, {
        action: 'action/deploy',
        with: {
          origin: home.server.origin,
          ...(home.server.spki !== null && { spki: home.server.spki }),
          home: document.home,
          trust: pin,
          ...made,
          ...inputs,
        },
        env: {
          GITHUB_EVENT_NAME: 'push',
          GITHUB_REF: 'refs/heads/main',
          GITHUB_REPOSITORY: 'octocat/homelab',
          GITHUB_RUN_ID: run.run_id,
          GITHUB_RUN_ATTEMPT: run.run_attempt,
          GITHUB_SHA: run.sha,
          ...issuer.env,
          ...env,
        },
      });
    },
  };
}
