import { relative, resolve } from 'node:path';
import * as v from 'valibot';
import { digestBytes } from '../../schema/jose/digest.ts';
import { homeIdSchema } from '../../schema/wire/ids.ts';
import { type Both, buildBoth } from '../../src/cli/build-both.ts';
import { buildRepos, readRepoFrom } from '../../src/cli/build-folder.ts';
import { makeOrder, readRun, strangerToRun } from '../../src/cli/ci/make-order.ts';
import { writeOrderFile } from '../../src/cli/ci/order-file.ts';
import { findingLine, findingsText } from '../../src/cli/findings.ts';
import { commitOfRevision } from '../../src/cli/git.ts';
import { exits, type Failure, fail } from '../../src/cli/outcome.ts';
import { replaceOutput } from '../../src/cli/output.ts';
import type { Built } from '../../src/config/build/build.ts';
import type { Finding } from '../../src/config/finding.ts';
import { planMarkdown } from '../../src/config/plan/markdown.ts';
import { makePlan } from '../../src/config/plan/plan.ts';
import type { Repo } from '../../src/config/repo.ts';
import type { Job } from '../runner/run-main.ts';
import { markdownBlock } from '../runner/workflow-command.ts';
import { keepComment } from './comment.ts';
import { type PullRequest, pullRequestOf } from './event.ts';

/** GitHub shows ten annotations of a kind a step. */
const mostAnnotated = 10;

/**
 * Checks and builds a repo. A pull request is compared with what it would be merged into, in the job's summary and a comment;
 * where the step names an order's file, that is written for the job that deploys. Nothing of the repo is run.
 */
export async function check(job: Job): Promise<number> {
  const { runner } = job;
  const event = runner.variable('GITHUB_EVENT_NAME');
  if (event === 'pull_request_target') {
    return end(
      job,
      fail(
        exits.refused,
        'event_refused',
        'At pull_request_target a stranger’s repo would be read with the rights of the branch: use pull_request. Nothing was built.',
      ),
    );
  }
  const directory = resolve(runner.variable('GITHUB_WORKSPACE') || '.', runner.input('repo') || '.');
  const read = readRepoFrom(directory);
  if (!read.ok) return end(job, read);
  const pull = pullRequestOf(runner);
  if (event === 'pull_request' && pull === null) {
    return end(
      job,
      fail(exits.usage, 'event_unknown', 'The runner does not tell which pull request this is.'),
    );
  }
  const base = await baseOf(directory, pull);
  const both = await buildAgainst(directory, read.value, base);
  annotate(job, directory, both.head.findings);
  if (pull !== null) await showPlan(job, pull, both, base);
  else runner.summarise(checkedText(both.head));
  if (both.head.release === undefined) return exits.failed;
  return runner.input('order') === '' ? exits.ok : writeOrder(job, directory, read.value, both);
}

function end({ runner }: Job, { exit, reason, detail }: Failure): number {
  runner.annotate('error', `${detail} (${reason})`, { title: 'Writ' });
  runner.summarise(`### Writ: not checked\n\n${markdownBlock(detail)}`);
  return exit;
}

/**
 * What the repo is compared with: of the commit that a merge would make, the one before; where the pull request's own
 * commit was checked out, what it is to be merged into.
 */
async function baseOf(directory: string, pull: PullRequest | null): Promise<string> {
  const isOwn = pull !== null && (await commitOfRevision(directory, 'HEAD')) === pull.head;
  return isOwn ? pull.base : 'HEAD^1';
}

type Against = Pick<Both, 'head' | 'base'> & {
  /** Why there is nothing to compare with. */ readonly why: string | null;
};

async function buildAgainst(directory: string, repo: Repo, revision: string): Promise<Against> {
  const both = await buildBoth(directory, repo, revision);
  if (!both.ok) return { head: (await buildRepos([repo]))[0]!, base: null, why: both.detail };
  const isBroken = both.value.base !== null && both.value.base.release === undefined;
  return {
    ...both.value,
    why: isBroken ? `What it would be merged into (${revision}) does not build.` : null,
  };
}

/** Shows each finding at its file and line, errors first. */
function annotate({ runner }: Job, directory: string, findings: readonly Finding[]): void {
  const folder = relative(runner.variable('GITHUB_WORKSPACE') || '.', directory);
  for (const level of ['error', 'warning'] as const) {
    for (const finding of findings.filter(({ severity }) => severity === level).slice(0, mostAnnotated)) {
      const { file, line, column, code } = finding;
      const text = findingLine(finding).slice(`${file}:${line}:${column}: `.length);
      const path = folder === '' ? file : `${folder}/${file}`;
      runner.annotate(level, `${text} [${code}]`, { title: 'Writ', place: { file: path, line, column } });
    }
  }
  if (findings.length > 0) runner.log(findingsText(findings).join('\n'));
}

/** Findings and digest in Markdown. */
function checkedText({ findings, release }: Built): string {
  const found = findings.length === 0 ? [] : ['', markdownBlock(findingsText(findings).join('\n'))];
  const head = release === undefined ? '### Writ: the repo does not build' : '### Writ: the repo builds';
  return [head, ...(release === undefined ? [] : ['', `\`${release.digest}\``]), ...found].join('\n');
}

async function showPlan(job: Job, pull: PullRequest, both: Against, base: string): Promise<void> {
  const { runner } = job;
  const { head, base: before, why } = both;
  const parts = ['## Writ: what a merge would change'];
  if (head.release === undefined) parts.push('**The repo does not build**, so there is no plan.');
  else if (why !== null) parts.push(`**There is no plan.**\n\n${markdownBlock(why)}`);
  else parts.push(planMarkdown(makePlan(before?.release ?? null, head.release)).trimEnd());
  if (head.findings.length > 0) parts.push(markdownBlock(findingsText(head.findings).join('\n')));
  parts.push(`<sub>Commit \`${pull.head}\`, compared with \`${base}\`. Nothing was asked of the home.</sub>`);
  const markdown = parts.join('\n\n');
  runner.summarise(markdown);
  const commented = await keepComment(job, pull.number, markdown);
  if (commented === 'denied') {
    runner.annotate(
      'notice',
      'This job may write no comments, as those of forks may not: the plan is in its summary.',
      {
        title: 'Writ',
      },
    );
    runner.summarise(
      'This job may write no comments, as those of forks may not: the plan stands here alone.',
    );
  } else if (typeof commented === 'object') {
    runner.annotate(
      'warning',
      `The comment could not be written: ${commented.failed}. The plan is in the summary.`,
      {
        title: 'Writ',
      },
    );
  } else runner.log(`The comment was ${commented}.`);
}

/** Writes the order of this run, and says its file's digest to the job that deploys. */
async function writeOrder(job: Job, directory: string, repo: Repo, { head, base }: Against): Promise<number> {
  const { runner, now } = job;
  const home = runner.input('home');
  const targets = runner
    .input('targets')
    .split(/\s+/)
    .filter((name) => name !== '');
  const run = readRun({
    GITHUB_RUN_ID: runner.variable('GITHUB_RUN_ID'),
    GITHUB_RUN_ATTEMPT: runner.variable('GITHUB_RUN_ATTEMPT'),
    GITHUB_SHA: runner.variable('GITHUB_SHA'),
  });
  const usage = (detail: string): number =>
    end(job, fail(exits.usage, 'usage', `${detail} No order was written.`));
  if (!v.is(homeIdSchema, home)) return usage('The input home is no id of a home.');
  if (targets.length === 0) return usage('The input targets names no target.');
  if (run === null) return usage('The runner does not tell which run of which commit this is.');
  const stranger = await strangerToRun(directory, repo, run);
  if (stranger !== null) return usage(`What was built is not what the run is of: ${stranger}.`);
  const made = await makeOrder(head.release!, base?.release ?? null, { home, targets, run, now: now() });
  if (!made.ok) return usage(`There is no order: ${made.detail ?? made.reason}.`);
  const bytes = writeOrderFile(made.value);
  replaceOutput(resolve(runner.variable('GITHUB_WORKSPACE') || '.', runner.input('order')), bytes);
  const digest = await digestBytes(bytes);
  runner.output('digest', digest);
  runner.log(`The order for ${targets.join(', ')} is ${made.value.digest}, its file ${digest}.`);
  return exits.ok;
}
