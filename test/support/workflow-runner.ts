import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { parse } from 'yaml';
import { runStep, type StepRan } from './action-runner.ts';
import { git } from './git-repo.ts';
import type { GithubClaims, GithubIssuer } from './github-issuer.ts';
import type { GithubRest } from './github-rest.ts';

type Step = { uses: string; id?: string; with?: Record<string, string | number | boolean> };
type Job = {
  if?: string;
  needs?: string;
  environment?: string;
  permissions: Record<string, string>;
  outputs?: Record<string, string>;
  steps: Step[];
};

export type JobRan = {
  readonly result: 'success' | 'failure' | 'skipped';
  /** Of this repository's own actions. */
  readonly steps: readonly StepRan[];
  readonly outputs: Readonly<Record<string, string>>;
};

export type WorkflowRan = Readonly<Record<string, JobRan>>;

/** One attempt of a run, as GitHub starts it. */
export type Attempt = {
  readonly event: 'push' | 'pull_request' | 'pull_request_target';
  readonly run_id: string;
  readonly run_attempt: string;
  /** What is checked out, and what tokens say. */
  readonly sha: string;
  readonly ref: string;
  readonly payload?: object;
  /** A pull request of a fork: its token reads, and it gets no ID tokens. */
  readonly fork?: true;
  readonly repository?: string;
  /** Claims of tokens other than they would be. */
  readonly claims?: GithubClaims;
  /** Jobs that succeeded in an attempt before, and are not run again. */
  readonly kept?: WorkflowRan;
};

type Context = Readonly<Record<string, unknown>>;

const look = (context: Context, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], context);

const fill = (context: Context, text: string): string =>
  text.replace(/\$\{\{\s*([^}]+?)\s*\}\}/g, (_, path: string) => String(look(context, path) ?? ''));

/** `a == 'b' && c != 'd'`, which is all that these workflows say. */
const holds = (context: Context, condition: string): boolean =>
  condition.split('&&').every((one) => {
    const found = /^\s*([a-z_.]+) (==|!=) '([^']*)'\s*$/.exec(one);
    assert.ok(found, `a condition of another form: ${one}`);
    return (look(context, found[1]!) === found[3]) === (found[2] === '==');
  });

/**
 * Plays a workflow as GitHub does: jobs one after the other, each in a machine of its own, with what its permissions give it.
 * GitHub's own actions are played by hand, this repository's are run.
 */
export async function runWorkflow(
  t: TestContext,
  text: string,
  given: {
    readonly repo: string;
    readonly path: string;
    readonly issuer: GithubIssuer;
    readonly rest: GithubRest;
    readonly attempt: Attempt;
  },
): Promise<WorkflowRan> {
  const { jobs } = parse(text) as { jobs: Record<string, Job> };
  const { attempt, issuer, rest } = given;
  const folder = mkdtempSync(join(tmpdir(), 'writ-workflow-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const store = join(given.repo, '.git', `artifacts-${attempt.run_id}`);
  const repository = attempt.repository ?? 'octocat/homelab';
  const done: Record<string, JobRan> = {};

  for (const [name, job] of Object.entries(jobs)) {
    const needed = job.needs === undefined ? null : done[job.needs]!;
    const writes = job.permissions['pull-requests'] === 'write' && attempt.fork !== true;
    const context: Context = {
      github: {
        event_name: attempt.event,
        ref: attempt.ref,
        token: writes ? rest.tokens.writes : rest.tokens.reads,
      },
      needs: { [job.needs ?? '']: { outputs: needed?.outputs } },
    };
    const kept = attempt.kept?.[name];
    if (kept?.result === 'success') {
      done[name] = kept;
      continue;
    }
    const runs = (needed?.result ?? 'success') === 'success' && holds(context, job.if ?? "github.ref != ''");
    if (!runs) {
      done[name] = { result: 'skipped', steps: [], outputs: {} };
      continue;
    }
    const workspace = join(folder, name);
    mkdirSync(workspace);
    const workflow = `${repository}/${given.path}@${attempt.ref}`;
    issuer.job({
      repository,
      repository_owner: repository.split('/')[0],
      workflow_ref: workflow,
      job_workflow_ref: workflow,
      ref: attempt.ref,
      sha: attempt.sha,
      run_id: attempt.run_id,
      run_attempt: attempt.run_attempt,
      event_name: attempt.event,
      environment: job.environment,
      ...attempt.claims,
    });
    const asks = job.permissions['id-token'] === 'write' && attempt.fork !== true;
    const ran: StepRan[] = [];
    const steps: Record<string, { outputs: Readonly<Record<string, string>> }> = {};
    let result: JobRan['result'] = 'success';
    for (const step of job.steps) {
      if (result === 'failure') break;
      const inputs = Object.fromEntries(
        Object.entries(step.with ?? {}).map(([key, value]) => [key, fill(context, String(value))]),
      );
      const [action = ''] = step.uses.split('@');
      if (action === 'actions/checkout') {
        git(given.repo, 'config', 'uploadpack.allowAnySHA1InWant', 'true');
        git(workspace, 'init', '--quiet');
        const depth = `--depth=${inputs['fetch-depth'] ?? 1}`;
        git(workspace, 'fetch', '--quiet', depth, `file://${given.repo}`, attempt.sha);
        git(workspace, 'checkout', '--quiet', '--detach', 'FETCH_HEAD');
      } else if (action === 'actions/upload-artifact') {
        mkdirSync(join(store, inputs.name!), { recursive: true });
        copyFileSync(join(workspace, inputs.path!), join(store, inputs.name!, basename(inputs.path!)));
      } else if (action === 'actions/download-artifact') {
        assert.ok(existsSync(join(store, inputs.name!)));
        copyFileSync(join(store, inputs.name!, 'home.order'), join(workspace, 'home.order'));
      } else {
        const own = /^[^/]+\/[^/]+\/(action\/[a-z]+)$/.exec(action)?.[1];
        assert.ok(own, `an action that is not played here: ${step.uses}`);
        const outcome = await runStep(t, {
          action: own,
          with: inputs,
          fill: (value) => fill(context, value),
          workspace,
          event: attempt.payload ?? {},
          env: {
            GITHUB_EVENT_NAME: attempt.event,
            GITHUB_API_URL: rest.url,
            GITHUB_REPOSITORY: repository,
            GITHUB_REF: attempt.ref,
            GITHUB_SHA: attempt.sha,
            GITHUB_RUN_ID: attempt.run_id,
            GITHUB_RUN_ATTEMPT: attempt.run_attempt,
            GITHUB_JOB: name,
            ...(asks && issuer.env),
          },
        });
        ran.push(outcome);
        if (step.id !== undefined) steps[step.id] = outcome;
        if (outcome.exit !== 0) result = 'failure';
      }
    }
    const outputs = Object.fromEntries(
      Object.entries(job.outputs ?? {}).map(([key, value]) => [key, fill({ steps }, value)]),
    );
    done[name] = { result, steps: ran, outputs };
  }
  return done;
}
