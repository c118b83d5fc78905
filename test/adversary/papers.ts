import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { type Digest, digestOf, toBytes } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import { canonicalJson } from '../../schema/wire/canonical.ts';
import type { Intent, Step } from '../../schema/wire/intent.ts';
import type { Receipt, ReceiptState } from '../../schema/wire/receipt.ts';
import type { ReleaseOrder } from '../../schema/wire/release-order.ts';
import type { GithubClaims } from '../support/github-issuer.ts';
import { testDigest, testNonce } from '../support/relay-home.ts';
import { type Author, dawn, doer, releaseOf } from './law.ts';
import type { Token } from './law-github.ts';
import { claimsOf, makeToken } from './tokens.ts';

type Signed = {
  readonly digest: Digest;
  /** Its bytes as a job carries them. */
  readonly text: string;
  readonly authorisation: string;
  readonly author: Author;
  readonly steps: readonly Step[];
  /** Receipts that the relay of another step truly signed: step → state. */
  readonly ended: ReadonlyMap<number, ReceiptState>;
  readonly receipts: readonly string[];
};

/** An intent, or a release's order, that the adversary has in hand, with who truly authorised it. */
export type Paper = Signed &
  (
    | { readonly kind: 'intent'; readonly body: Intent }
    | { readonly kind: 'release'; readonly body: ReleaseOrder }
  );

const minute = 60_000;

async function sign(
  paper: { kind: 'intent'; body: Intent } | { kind: 'release'; body: ReleaseOrder },
  key: SigningKey,
) {
  const { kind, body } = paper;
  const bytes = toBytes(kind === 'release' ? canonicalJson(body) : JSON.stringify(body));
  const digest = await digestOf(kind, bytes);
  const authorisation = await signJws(kind, { home: body.home, kind, digest }, key);
  return { digest, text: encodeBase64url(bytes), authorisation };
}

export type IntentDraft = {
  steps: readonly Partial<Step>[];
  issued?: number;
  lifeMs?: number;
  home?: string;
};

export async function writePaper(
  home: string,
  draft: IntentDraft,
  author: Author,
  key: SigningKey,
  relay: { key: SigningKey; ends: ReadonlyMap<number, ReceiptState> } | null = null,
): Promise<Paper> {
  const issued = draft.issued ?? dawn + minute;
  const body: Intent = {
    home: draft.home ?? home,
    steps: draft.steps.map((step) => {
      const { action = 'guest.start', target = 'gaming' } = step;
      return { relay: doer(action, target) ?? 'pve2', action, target, params: {}, after: [], ...step };
    }),
    nonce: testNonce(),
    issued_at: issued,
    expires: issued + (draft.lifeMs ?? 2 * 60 * minute),
  };
  const signed = await sign({ kind: 'intent', body }, key);
  const paper = { kind: 'intent', body, ...signed, author, steps: body.steps } as const;
  const receipts: string[] = [];
  for (const [index, state] of relay?.ends ?? []) {
    receipts.push(await signReceiptOf(home, paper, index, state, relay!.key));
  }
  return { ...paper, ended: relay?.ends ?? new Map(), receipts };
}

export type ReleaseDraft = {
  /** Sorted. */
  targets: readonly string[];
  number: number;
  /** Of a workflow: its run, and the commit that it built. Then the number is not looked at. */
  run?: { readonly id: number; readonly attempt: number; readonly sha: string };
  /** Relays that are not the house's. */
  relays?: Readonly<Record<string, string>>;
  issued?: number;
  home?: string;
};

/** Each order is of a part that no other one has. */
export async function writeRelease(
  home: string,
  draft: ReleaseDraft,
  author: Author,
  key: SigningKey,
): Promise<Paper> {
  const part = await digestOf('release', testNonce());
  const body: ReleaseOrder = {
    v: 1,
    home: draft.home ?? home,
    release: testDigest('e'),
    commit: draft.run?.sha ?? null,
    order:
      draft.run === undefined
        ? { run_id: 0, run_attempt: 0, desk: draft.number }
        : { run_id: draft.run.id, run_attempt: draft.run.attempt, desk: 0 },
    issued_at: draft.issued ?? dawn + minute,
    parts: draft.targets.map((target) => ({
      relay: draft.relays?.[target] ?? doer(releaseOf, target) ?? 'pve2',
      target,
      digest: part,
    })),
  };
  const steps = body.parts.map(({ relay, target, digest }) => ({
    ...{ relay, action: releaseOf, target },
    ...{ params: { part: digest }, after: [] },
  }));
  const signed = await sign({ kind: 'release', body }, key);
  return { kind: 'release', body, ...signed, author, steps, ended: new Map(), receipts: [] };
}

/** A receipt of a step, signed by whoever holds the key. */
export function signReceiptOf(
  home: string,
  paper: Pick<Paper, 'digest' | 'steps'>,
  index: number,
  state: ReceiptState,
  key: SigningKey,
): Promise<string> {
  const step = paper.steps[index]!;
  const receipt: Receipt = {
    home,
    relay: step.relay,
    seq: 7,
    previous: paper.digest,
    intent: paper.digest,
    step: index,
    action: step.action,
    target: step.target,
    state,
    code: state === 'succeeded' || state === 'started' ? null : 'told',
    result: state === 'succeeded' ? {} : null,
    time: dawn + 2 * minute,
    boot: 'boot-1',
  };
  return signJws('receipt', receipt, key);
}

export type RunDraft = {
  /** Sorted. */
  readonly targets: readonly string[];
  readonly run: { readonly id: number; readonly attempt: number; readonly sha: string };
  /** When its job asked for the token. */
  readonly at: number;
  readonly issued?: number;
  readonly signer?: 'github' | 'enterprise';
  readonly claims?: GithubClaims;
};

/** What a run of a workflow built, with the token that authorises it. No key stands behind it. */
export async function writeRun(
  home: string,
  draft: RunDraft,
  stranger: SigningKey,
): Promise<{ paper: Paper; token: Token }> {
  const { targets, run, at, signer = 'github' } = draft;
  const written = await writeRelease(
    home,
    { targets, run, number: 0, issued: draft.issued ?? at },
    'nobody',
    stranger,
  );
  const token = makeToken(
    signer,
    claimsOf(signer, at, {
      aud: `writ:${home}:release:${written.digest}`,
      run_id: String(run.id),
      run_attempt: String(run.attempt),
      sha: run.sha,
      ...draft.claims,
    }),
  );
  return { paper: { ...written, authorisation: token.text }, token };
}
