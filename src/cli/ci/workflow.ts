import type { Digest } from '../../../schema/jose/digest.ts';

/** What a workflow says of the home that it releases to. None of it is secret. */
export type WorkflowFacts = {
  /** The repository with the Action, and the commit that it is pinned to: OWNER/REPO@40 hex digits. */
  readonly action: { readonly repository: string; readonly commit: string };
  readonly home: string;
  readonly origin: string;
  readonly spki: string | null;
  /** Of the version of the trust document that was the newest when it was written. */
  readonly trust: Digest;
  readonly branch: string;
  readonly environment: string;
  readonly events: readonly string[];
  /** Whether the job that deploys runs on a runner of the owner's, which trust must say as well. */
  readonly selfHosted: boolean;
  readonly targets: readonly string[];
};

/** GitHub's own actions, by commits that were released. */
const pinned = {
  checkout: 'actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0',
  upload: 'actions/upload-artifact@b7c566a772e6b6bfb58ed0dc250532a479d7789f # v6.0.0',
  download: 'actions/download-artifact@37930b1c2abaa49bbe596cd826c3c89aef350131 # v7.0.0',
} as const;

/** By this line a file is known as one that `writ ci init` wrote, which it may replace. */
export const workflowMark =
  '# Written by writ ci init. It comes from the trust document: writ ci init --check compares.';

/** What GitHub puts in when it reads the workflow. */
const expression = (text: string): string => `\${{ ${text} }}`;
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/**
 * The workflow of a homelab's repo. No job has a secret. What a pull request says is compared in a job that may write
 * comments and nothing else; what the branch says is built without any right but to read, and handed to a job that checks
 * out nothing and may ask for ID tokens.
 */
export function workflowText(facts: WorkflowFacts): string {
  const { action, home, origin, spki, trust, branch, environment, events, selfHosted, targets } = facts;
  const own = (name: string): string => `${action.repository}/action/${name}@${action.commit}`;
  const on = (event: string): string[] =>
    event === 'push'
      ? ['  push:', `    branches: [${quoted(branch)}]`]
      : event === 'schedule'
        ? ['  schedule:', "    - cron: '17 4 * * *'"]
        : [`  ${event}:`];
  return [
    workflowMark,
    'name: writ',
    '',
    'on:',
    '  pull_request:',
    ...events.flatMap(on),
    '',
    'permissions: {}',
    '',
    'jobs:',
    '  plan:',
    "    if: github.event_name == 'pull_request'",
    '    runs-on: ubuntu-24.04',
    '    timeout-minutes: 10',
    '    permissions:',
    '      contents: read',
    '      pull-requests: write',
    '    concurrency:',
    `      group: writ-plan-${expression('github.ref')}`,
    '      cancel-in-progress: true',
    '    steps:',
    `      - uses: ${pinned.checkout}`,
    '        with:',
    '          # The commit that a merge would make, and the one before it.',
    '          fetch-depth: 2',
    '          persist-credentials: false',
    `      - uses: ${own('check')}`,
    '',
    '  build:',
    `    if: github.event_name != 'pull_request' && github.ref == ${quoted(`refs/heads/${branch}`)}`,
    '    runs-on: ubuntu-24.04',
    '    timeout-minutes: 10',
    '    permissions:',
    '      contents: read',
    '    outputs:',
    `      digest: ${expression('steps.order.outputs.digest')}`,
    '    steps:',
    `      - uses: ${pinned.checkout}`,
    '        with:',
    '          fetch-depth: 2',
    '          persist-credentials: false',
    `      - uses: ${own('check')}`,
    '        id: order',
    '        with:',
    '          order: home.order',
    `          home: ${home}`,
    `          targets: ${targets.join(' ')}`,
    `      - uses: ${pinned.upload}`,
    '        with:',
    '          name: writ-order',
    '          path: home.order',
    '          if-no-files-found: error',
    '          overwrite: true',
    '          # Whoever is asked may take some days.',
    '          retention-days: 7',
    '',
    '  deploy:',
    '    needs: build',
    `    runs-on: ${selfHosted ? 'self-hosted' : 'ubuntu-24.04'}`,
    '    timeout-minutes: 60',
    `    environment: ${quoted(environment)}`,
    '    permissions:',
    '      id-token: write',
    '    concurrency:',
    '      group: writ-deploy',
    '      cancel-in-progress: false',
    '    steps:',
    `      - uses: ${pinned.download}`,
    '        with:',
    '          name: writ-order',
    `      - uses: ${own('deploy')}`,
    '        with:',
    `          origin: ${origin}`,
    ...(spki === null ? [] : [`          spki: ${spki}`]),
    `          home: ${home}`,
    `          trust: ${trust}`,
    '          file: home.order',
    `          digest: ${expression('needs.build.outputs.digest')}`,
    '',
  ].join('\n');
}

/** The pins that a workflow was written with, as far as they can be read. */
export function pinsIn(text: string): {
  readonly trust: string | null;
  readonly action: string | null;
} {
  const action = /^ +- uses: (\S+)\/action\/deploy@([0-9a-f]{40})$/m.exec(text);
  return {
    trust: /^ +trust: (sha256:[0-9a-f]{64})$/m.exec(text)?.[1] ?? null,
    action: action === null ? null : `${action[1]}@${action[2]}`,
  };
}

/** An action's repository and commit, such as OWNER/REPO@SHA; null for a tag, a branch or anything else. */
export function readAction(text: string): WorkflowFacts['action'] | null {
  const found = /^([A-Za-z0-9][A-Za-z0-9-]{0,38}\/[A-Za-z0-9_.-]{1,100})@([0-9a-f]{40})$/.exec(text);
  return found === null ? null : { repository: found[1]!, commit: found[2]! };
}
