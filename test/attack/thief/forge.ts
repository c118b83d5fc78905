import { randomBytes } from 'node:crypto';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { digestOf, toBytes } from '../../../schema/jose/digest.ts';
import type { SigningKey } from '../../../schema/jose/keys.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import type { Loot, Paper } from './loot.ts';

export const nonce = (): string => encodeBase64url(randomBytes(16));

export type StepDraft = {
  readonly relay: string;
  readonly action: string;
  readonly target: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly after?: readonly { readonly step: number; readonly if: 'succeeded' | 'ended' }[];
};

/** Who stands under something: a key, or whatever a header says with whatever signature. */
export type Signer = Pick<SigningKey, 'kid' | 'sign'>;

export type JobDraft = {
  readonly step?: number;
  readonly receipts?: readonly string[];
  readonly time?: string;
  /** Members of the envelope that are other than an honest one's. */
  readonly envelope?: Readonly<Record<string, unknown>>;
  /** In place of the controller's key. */
  readonly by?: Signer;
};

/** Everything that can be made of the keys that were found. Nothing is checked: what is wrong is meant to be. */
export type Forge = ReturnType<typeof createForge>;

export function createForge(loot: Loot) {
  const { home, controller } = loot;

  /** A compact JWS of any header over any text. */
  const sealRaw = async (header: object, payload: string, by: Signer): Promise<string> => {
    const input = `${encodeBase64url(JSON.stringify(header))}.${encodeBase64url(payload)}`;
    return `${input}.${encodeBase64url(await by.sign(toBytes(input)))}`;
  };
  /** A JWS of one of Writ's kinds; `header` adds members to it, or replaces them. */
  const seal = (kind: string, payload: object | string, by: Signer = controller, header: object = {}) =>
    sealRaw(
      { alg: 'Ed25519', typ: `writ-${kind}+jws`, kid: by.kid, ...header },
      typeof payload === 'string' ? payload : JSON.stringify(payload),
      by,
    );

  /** An authorisation of bytes, as an authority gives it. */
  const authorise = (
    paper: Pick<Paper, 'kind' | 'digest'>,
    by: Signer = controller,
    { header = {}, ...payload }: { header?: object; [member: string]: unknown } = {},
  ): Promise<string> =>
    seal(paper.kind, { home, kind: paper.kind, digest: paper.digest, ...payload }, by, header);

  const paperOf = async (kind: Paper['kind'], bytes: string, by: Signer): Promise<Paper> => {
    const digest = await digestOf(kind, bytes);
    const unsigned = { kind, text: encodeBase64url(bytes), digest };
    return { ...unsigned, authorisation: await authorise(unsigned, by), signer: by.kid };
  };

  return {
    nonce,
    seal,
    sealRaw,
    authorise,
    paperOf,
    /** An intent of these steps, signed by the controller unless another key is given. */
    intent(
      steps: readonly StepDraft[],
      by: Signer = controller,
      more: Readonly<Record<string, unknown>> = {},
    ): Promise<Paper> {
      const issued = Date.now() - 1_000;
      const body = {
        home,
        steps: steps.map((step) => ({ params: {}, after: [], ...step })),
        nonce: nonce(),
        issued_at: issued,
        expires: issued + 15 * 60_000,
        ...more,
      };
      return paperOf('intent', JSON.stringify(body), by);
    },
    /** A release's order of these parts, signed by the controller unless another key is given. */
    release(
      parts: readonly { readonly relay: string; readonly target: string; readonly digest: string }[],
      by: Signer = controller,
      more: Readonly<Record<string, unknown>> = {},
    ): Promise<Paper> {
      const body = {
        v: 1,
        home,
        release: parts[0]!.digest,
        commit: null,
        order: { run_id: 0, run_attempt: 0, desk: 1_000 },
        issued_at: Date.now() - 1_000,
        parts,
        ...more,
      };
      return paperOf('release', canonicalJson(body), by);
    },
    /** An envelope for a relay's present run, by the controller's key unless it is told otherwise. */
    envelope(
      relay: string,
      at: { readonly session: string; readonly seq: number },
      paper: Paper,
      draft: JobDraft = {},
    ): Promise<string> {
      const job = {
        home,
        relay,
        session: at.session,
        seq: at.seq,
        exp: Date.now() + 4 * 60_000,
        ...(paper.kind === 'release' && { kind: 'release' }),
        intent: paper.text,
        authorisation: paper.authorisation,
        ...(draft.time !== undefined && { time: draft.time }),
        step: draft.step ?? 0,
        receipts: draft.receipts ?? [],
        ...draft.envelope,
      };
      return seal('job', job, draft.by ?? controller);
    },
    /** A receipt of a step of a paper, by a key that the thief has. */
    receipt(
      relay: string,
      paper: Paper,
      step: { readonly index: number; readonly action: string; readonly target: string },
      by: Signer,
      more: Readonly<Record<string, unknown>> = {},
    ): Promise<string> {
      return seal(
        'receipt',
        {
          ...{ home, relay, seq: 900, previous: paper.digest, intent: paper.digest, step: step.index },
          ...{ action: step.action, target: step.target, state: 'succeeded', code: null, result: {} },
          ...{ time: Date.now() - 500, boot: 'b', ...more },
        },
        by,
      );
    },
  };
}
