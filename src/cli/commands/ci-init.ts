import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { decodeBase64url } from '../../../schema/jose/base64url.ts';
import { digestOf, toBytes } from '../../../schema/jose/digest.ts';
import type { Identity, Origin, TrustDocument } from '../../../schema/trust/document.ts';
import { releaseAction } from '../../../schema/wire/release-order.ts';
import { repoOption } from '../build-folder.ts';
import { pinsIn, readAction, type WorkflowFacts, workflowMark, workflowText } from '../ci/workflow.ts';
import { defineCommand } from '../command.ts';
import { type Home, readHome } from '../home.ts';
import { readChain } from '../kept-trust.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';
import { replaceOutput } from '../output.ts';
import { listed } from '../text.ts';

const refused = (reason: string, detail: string): Failure =>
  fail(exits.usage, reason, `${detail} Nothing was written.`);

export const ciInit = defineCommand({
  name: 'ci init',
  summary: 'Write the workflow by which GitHub Actions plans pull requests, and releases the branch',
  usage: '',
  more: [
    'What it says comes from the trust document on this computer: the file, the branch, the environment and the machines of the workflow that `writ trust add-github` named. It pins the trust document, so that a control plane that somebody took can invent none, and the control plane’s own certificate where that has one. None of it is secret.',
    '--action is needed the first time: where the Action is, and the commit that you trust. A later run without it keeps that commit.',
    'The trust document goes on without a new workflow, while its machines stay the same: what your roots sign after the pinned version is believed as well.',
  ],
  examples: [
    {
      line: 'writ ci init --action OWNER/REPO@0123456789abcdef0123456789abcdef01234567',
      about: 'writes .github/workflows/writ.yml',
    },
    {
      line: 'writ ci init --check',
      about: 'says whether it is as it would be written, and exits with 1 if not',
    },
  ],
  options: {
    ...repoOption,
    identity: { type: 'text', value: 'NAME', about: 'how trust calls the workflow, where it names several' },
    action: {
      type: 'text',
      value: 'OWNER/REPO@SHA',
      about: 'the repository with the Action, and its commit',
    },
    origin: { type: 'text', value: 'URL', about: 'where GitHub’s machines reach the control plane' },
    check: { type: 'flag', about: 'write nothing; compare' },
  },
  async run(context, _, { repo = '.', identity, action, origin, check }) {
    const home = await readHome(context.configDir);
    if (!home.ok) return home;
    const { document } = home.value.trust;
    const workflow = findWorkflow(document, identity);
    if (!workflow.ok) return workflow;
    const { pins } = workflow.value;
    const reached = findOrigin(document, origin);
    if (!reached.ok) return reached;
    const path = join(repo, pins.workflow);
    const before = existsSync(path) ? readFileSync(path, 'utf8') : null;
    const written = before === null ? { trust: null, action: null } : pinsIn(before);
    const where = action ?? written.action;
    if (where === null || where === undefined) {
      return refused('usage', 'It needs the Action and its commit: --action OWNER/REPO@SHA.');
    }
    const source = readAction(where);
    if (source === null) {
      return refused(
        'action_unpinned',
        `${where} is no commit of a repository, such as OWNER/REPO@ and 40 digits: what a tag or a branch names can change.`,
      );
    }
    const known = check ? await knownDigests(home.value) : [];
    const facts: WorkflowFacts = {
      action: source,
      home: document.home,
      origin: reached.value.url,
      spki: reached.value.spki ?? null,
      trust: known.find((digest) => digest === written.trust) ?? home.value.trust.digest,
      branch: pins.ref.slice('refs/heads/'.length),
      environment: pins.environment,
      events: pins.event_name,
      selfHosted: pins.runner_environment === 'self-hosted',
      targets: pins.may.flatMap((grant) => (grant.action === releaseAction ? grant.on : [])).sort(),
    };
    const text = workflowText(facts);
    const isSame = before === text;
    const json = { file: path, identity: workflow.value.name, same: isSame };
    if (check) {
      const says = isSame
        ? `${path} is as it would be written.`
        : before === null
          ? `There is no ${path}. Write it: writ ci init`
          : `${path} is not as it would be written now. Write it: writ ci init`;
      return done(says, json, isSame ? exits.ok : exits.failed);
    }
    if (isSame) return done(`${path} is as it would be written. Nothing was changed.`, json);
    if (before !== null && !before.startsWith(workflowMark)) {
      return refused('output_exists', `${path} is there, and writ ci init did not write it: move it away.`);
    }
    replaceOutput(path, toBytes(text));
    return done(
      [
        `${path} is written: it releases to ${listed(facts.targets)} from ${facts.branch}.`,
        `Next, at GitHub: make the environment ${pins.environment}, let only the branch ${facts.branch} deploy to it, and name who is asked. Then commit the file.`,
      ].join('\n'),
      json,
    );
  },
});

type Github = Extract<Identity, { kind: 'github' }>;

/** The workflow that is meant; of several, somebody must say which. */
function findWorkflow(
  { identities }: TrustDocument,
  wanted: string | undefined,
): { ok: true; value: { readonly name: string; readonly pins: Github } } | Failure {
  const all = Object.entries(identities).flatMap(([name, identity]) =>
    identity.kind === 'github' ? [{ name, pins: identity }] : [],
  );
  const named = wanted === undefined ? all : all.filter(({ name }) => name === wanted);
  const [one, another] = named;
  if (one === undefined) {
    return refused(
      'workflow_unnamed',
      `Trust names no workflow${wanted === undefined ? '' : ` ${wanted}`} that may release. Name it first: writ trust add-github`,
    );
  }
  if (another !== undefined) {
    const names = listed(named.map(({ name }) => name));
    return refused('workflow_unnamed', `Trust names ${names}: say which with --identity NAME.`);
  }
  return { ok: true, value: one };
}

/** Whether GitHub's machines could never reach a host: an address of a home or a tailnet, this computer, a bare name. */
function isPrivate(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) === 6) return /^(::1$|f[cde])/i.test(host);
  if (isIP(host) === 0) return !host.includes('.') || /\.(local|internal|lan|home\.arpa|ts\.net)$/.test(host);
  const [a = 0, b = 0] = host.split('.').map(Number);
  return (
    a === 10 ||
    a === 127 ||
    (a === 100 && b >= 64 && b <= 127) ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254)
  );
}

/** Where GitHub's machines reach the control plane: the origin that is named, or the first that is no private address. */
function findOrigin(
  { origins }: TrustDocument,
  wanted: string | undefined,
): { ok: true; value: Origin } | Failure {
  const found = origins.find(({ url }) => (wanted === undefined ? !isPrivate(url) : url === wanted));
  if (found !== undefined) return { ok: true, value: found };
  const all = listed(origins.map(({ url }) => url));
  return refused(
    'origin_private',
    wanted === undefined
      ? `GitHub’s machines reach none of the control plane’s addresses (${all}). If they do, say which with --origin URL; else name one that is public in the trust document: docs/change-trust.md.`
      : `The trust document does not name ${wanted}, but ${all}.`,
  );
}

/** Digests of every version of trust that is known here. */
async function knownDigests(home: Home): Promise<readonly string[]> {
  const chain = readChain(home);
  const payloads = (chain.ok ? chain.value : [home.trust.jws]).map(({ payload }) => decodeBase64url(payload));
  return Promise.all(payloads.flatMap((bytes) => (bytes.ok ? [digestOf('trust', bytes.value)] : [])));
}
