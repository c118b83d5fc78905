import * as v from 'valibot';
import { githubPins } from '../../../schema/github/pins.ts';
import { type Identity, identitySchema, type TrustDocument } from '../../../schema/trust/document.ts';
import { own } from '../../../schema/wire/record.ts';
import { releaseAction } from '../../../schema/wire/release-order.ts';
import { changeTrust, unsigned } from '../change-trust.ts';
import { defineCommand, type Values } from '../command.ts';
import { judgeName, judgeVirtual, pathsOf } from '../name-identity.ts';
import type { Failure } from '../outcome.ts';
import { signingOptions } from '../sign-trust.ts';

const options = {
  'repository-id': { type: 'text', value: 'N', about: 'GitHub’s number of the repository' },
  'owner-id': { type: 'text', value: 'N', about: 'GitHub’s number of its owner' },
  workflow: { type: 'text', value: 'FILE', about: 'the workflow’s file, .github/workflows/writ.yml' },
  ref: { type: 'text', value: 'REF', about: 'the branch in full, refs/heads/main' },
  environment: { type: 'text', value: 'NAME', about: 'the environment that its job names' },
  on: { type: 'list', value: 'GUEST', about: 'a virtual machine that it may release to; may be repeated' },
  path: {
    type: 'list',
    value: 'GLOB',
    about:
      'what its releases may touch, such as /etc/opt/**; may be repeated; without it where apps keep theirs',
  },
  event: {
    type: 'list',
    value: 'EVENT',
    about: 'push, workflow_dispatch or schedule; may be repeated; without it the first two',
  },
  'min-run': { type: 'text', value: 'N', about: 'no run with a lower number than this' },
  issuer: {
    type: 'text',
    value: 'URL',
    about: 'of a GitHub Enterprise Server: https://HOST/_services/token',
  },
  'self-hosted': { type: 'flag', about: 'it runs on a runner of yours, not on one of GitHub’s' },
  replace: { type: 'flag', about: 'in place of the workflow that has this name' },
  ...signingOptions,
} as const;

type Github = Extract<Identity, { kind: 'github' }>;

export const trustAddGithub = defineCommand({
  name: 'trust add-github',
  summary: 'Let a workflow of GitHub Actions release to virtual machines',
  usage: 'NAME',
  more: [
    'Relays then take a release that comes with a token of GitHub’s for its very bytes, of this workflow alone: no secret is kept at GitHub. NAME is how trust calls it. There are no wildcards. Names of repositories change hands, so trust takes GitHub’s numbers; gh api repos/OWNER/REPO --jq ".id, .owner.id" tells both.',
    'Whoever may change that branch, or the workflow’s file on it, may then change these machines. Protect the branch, and have the environment ask you.',
    'Hosts and containers (LXC) go through their host’s root helper, which has no network and cannot ask GitHub for its keys: release to them from your desk.',
  ],
  examples: [
    {
      line: 'writ trust add-github deploy --repository-id 1296269 --owner-id 583231 --workflow .github/workflows/writ.yml --ref refs/heads/main --environment home --on websvcs',
      about: 'the workflow of one repository, on main, to one machine',
    },
  ],
  options,
  async run(context, [name = ''], values) {
    const read = readPins(values);
    if (!read.ok) return read;
    const paths = pathsOf(values.path);
    if (!paths.ok) return paths;
    const on = [...new Set(values.on)];
    if (on.length === 0) return unsigned('It needs a machine that it may release to: --on GUEST.');
    return changeTrust(context, values, {
      change: (document) => withWorkflow(document, name, read.value, { on, paths: paths.value }, values),
      said: (version) => `Trust version ${version} is signed: ${name} may release.`,
      json: { name },
    });
  },
});

/** In the order in which somebody types them. */
const needed = ['repository-id', 'owner-id', 'workflow', 'ref', 'environment'] as const;

type Pins = Omit<Github, 'kind' | 'may'>;

/** What tokens must say, of what was typed; each fault says how to mend it. */
function readPins(values: Values<typeof options>): { ok: true; value: Pins } | Failure {
  const missing = needed.filter((option) => values[option] === undefined);
  if (missing.length > 0) {
    return unsigned(`It also needs ${missing.map((option) => `--${option}`).join(', ')}.`);
  }
  const run = values['min-run'];
  if (run !== undefined && !/^\d{1,15}$/.test(run))
    return unsigned(`--min-run ${run} is no number of a run.`);
  const events = values.event.length > 0 ? values.event : ['push', 'workflow_dispatch'];
  const pins = {
    ...(values.issuer !== undefined && { issuer: values.issuer }),
    repository_id: values['repository-id'],
    repository_owner_id: values['owner-id'],
    workflow: values.workflow,
    ref: values.ref,
    event_name: [...new Set(events)],
    environment: values.environment,
    ...(values['self-hosted'] && { runner_environment: 'self-hosted' }),
    min_run: Number(run ?? 0),
  };
  const read = v.safeParse(v.strictObject(githubPins), pins);
  if (read.success) return { ok: true, value: read.output };
  const [issue] = read.issues;
  const member = String(issue.path?.[0]?.key ?? '');
  const said = String(issue.path?.at(-1)?.value ?? '');
  const hint = hints[member] ?? '';
  return unsigned(`--${optionOf[member] ?? member} ${said} ${sentenceOf(member, issue.message)}${hint}`);
}

const optionOf: Readonly<Record<string, string>> = {
  repository_id: 'repository-id',
  repository_owner_id: 'owner-id',
  event_name: 'event',
};

const sentenceOf = (member: string, message: string): string =>
  member === 'event_name' ? 'is none of push, workflow_dispatch and schedule.' : `${message}.`;

const numbers =
  ' Names change hands, GitHub’s numbers never do. Both of them: gh api repos/OWNER/REPO --jq ".id, .owner.id"';
const hints: Readonly<Record<string, string>> = {
  repository_id: numbers,
  repository_owner_id: numbers,
  ref: ' Tags and wildcards are not taken.',
};

function withWorkflow(
  document: TrustDocument,
  name: string,
  pins: Pins,
  grant: { readonly on: readonly string[]; readonly paths: readonly string[] },
  { replace, 'min-run': run }: { readonly replace: boolean; readonly 'min-run': string | undefined },
): { ok: true; value: TrustDocument } | Failure {
  const named = judgeName(document, name, 'github', replace);
  if (!named.ok) return named;
  for (const target of grant.on) {
    const fault = judgeVirtual(document, target);
    if (fault !== null) return fault;
  }
  const before = own(document.identities, name);
  // Whoever says nothing of it does not mean to let older runs in again.
  const least = run === undefined && before?.kind === 'github' ? before.min_run : pins.min_run;
  const identity = {
    kind: 'github',
    ...pins,
    min_run: least,
    may: [{ action: releaseAction, on: [...grant.on], paths: [...grant.paths] }],
  };
  const read = v.safeParse(identitySchema, identity);
  if (!read.success) return unsigned(`That is too much for one workflow: ${read.issues[0].message}.`);
  const identities = { ...document.identities, [name]: read.output };
  return { ok: true, value: { ...document, identities } };
}
