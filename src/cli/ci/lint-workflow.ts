import { LineCounter, parseDocument } from 'yaml';
import type { Finding } from '../../config/finding.ts';
import { judgeDeployJob, judgeJob, mayAskForTokens, type Tell } from './lint-job.ts';
import { isRecord, recordsIn, type Yaml } from './workflow-yaml.ts';

/** Events at which somebody else's words run with the rights of the branch. */
const foreignEvents: Readonly<Record<string, string>> = {
  pull_request_target: 'a stranger’s pull request would run with the rights of the branch',
  workflow_run: 'what another workflow left would run with the rights of the branch',
  issue_comment: 'whoever comments would run it with the rights of the branch',
  issues: 'whoever opens an issue would run it with the rights of the branch',
  discussion: 'whoever opens a discussion would run it with the rights of the branch',
  discussion_comment: 'whoever comments would run it with the rights of the branch',
};

/**
 * Says what in a workflow would let somebody else release: actions by names that move, rights that no job needs, ID tokens
 * for jobs that run more than what hands an order over.
 */
export function lintWorkflow(file: string, text: string): Finding[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const findings: Finding[] = [];
  const tell: Tell = (path, code, message) => {
    const { line, col } = placeOf(path);
    findings.push({ file, line, column: col, severity: 'error', code, message });
  };
  function placeOf(path: readonly (string | number)[]): { line: number; col: number } {
    for (let depth = path.length; depth > 0; depth -= 1) {
      const node = document.getIn(path.slice(0, depth), true) as
        | { range?: [number, number, number] }
        | undefined;
      if (node?.range) return lines.linePos(node.range[0]);
    }
    return { line: 1, col: 1 };
  }
  const [fault] = document.errors;
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0]);
    const message = fault.message.split('\n')[0]!;
    return [{ file, line, column: col, severity: 'error', code: 'workflow_malformed', message }];
  }
  let root: Yaml;
  try {
    root = document.toJS({ maxAliasCount: 0 }) as Yaml;
  } catch {
    return [
      {
        file,
        line: 1,
        column: 1,
        severity: 'error',
        code: 'workflow_malformed',
        message: 'aliases hide what a job may',
      },
    ];
  }
  if (!isRecord(root) || !isRecord(root.jobs)) {
    tell([], 'workflow_malformed', 'it has no jobs');
    return findings;
  }
  const events = eventsOf(root.on);
  if (events.length === 0) tell([], 'workflow_malformed', 'it does not say at which events it runs');
  for (const event of events) {
    const why = foreignEvents[event];
    if (why !== undefined) tell(['on'], 'event_foreign', `it runs at ${event}: ${why}`);
  }
  if (root.permissions === undefined) {
    tell(
      ['jobs'],
      'permissions_missing',
      'it does not say `permissions: {}`: jobs would have what the repository gives',
    );
  } else if (
    !isRecord(root.permissions) ||
    Object.values(root.permissions).some((right) => right === 'write')
  ) {
    tell(['permissions'], 'permissions_wide', 'rights to write belong to the job that needs them');
  }
  const jobs = recordsIn(root.jobs);
  const asking = jobs.filter(([, job]) => mayAskForTokens(job));
  for (const [name, job] of jobs) judgeJob(['jobs', name], job, events, tell);
  for (const [name, job] of asking) judgeDeployJob(['jobs', name], job, tell);
  for (const [name] of asking.slice(1)) {
    tell(['jobs', name], 'id_token_twice', 'one job deploys, and it alone may ask for ID tokens');
  }
  return findings;
}

/** The names of the events that start it: a text, a list, or the members of a record. */
const eventsOf = (on: Yaml): string[] =>
  typeof on === 'string'
    ? [on]
    : Array.isArray(on)
      ? on.filter((one) => typeof one === 'string')
      : isRecord(on)
        ? Object.keys(on)
        : [];
