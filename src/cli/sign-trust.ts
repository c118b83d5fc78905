import type { SecretJwk, SigningKey } from '../../schema/jose/keys.ts';
import type { TrustDocument } from '../../schema/trust/document.ts';
import { acceptNextTrust, signTrust, type Trust } from '../../schema/trust/read.ts';
import type { Context } from './command.ts';
import { applyWaiting, type Waiting, writeWaiting } from './kept-trust.ts';
import { exits, type Failure, fail } from './outcome.ts';
import { confirm } from './passphrase.ts';
import { type RootValues, rootKeys, rootOptions } from './root-key.ts';
import type { RootFile } from './seal.ts';
import { handOver, type Session } from './session.ts';
import { changesInWords } from './trust-changes.ts';

/** Options of the commands that make the next version of trust. */
export const signingOptions = {
  yes: { type: 'flag', about: 'do not ask' },
  offline: {
    type: 'flag',
    about: 'ask and tell the control plane nothing; writ trust publish hands the version over later',
  },
  ...rootOptions,
} as const;

export type SigningValues = RootValues & { readonly yes: boolean; readonly offline: boolean };

/** A version that is to be signed. */
export type NextVersion = {
  readonly document: TrustDocument;
  /** Told after what changes, right before the question. */
  readonly notes: readonly string[];
  /** What the owner is asked; by default whether to sign this version. */
  readonly question?: string;
  /** Root keys that were made for it: they sign too, which shows that they work. */
  readonly roots?: readonly SigningKey[];
  /** Secrets to be kept once it is in force. */
  readonly root?: RootFile;
  readonly operator?: SecretJwk;
};

export type Signed = {
  readonly trust: Trust;
  /** What was told of it: already shown to a person, to be repeated where nobody was asked. */
  readonly told: readonly string[];
  /** What is left to do for its owner. */
  readonly next: readonly string[];
};

/**
 * The one way by which trust changes here: says in words what the next version changes, asks, has the roots sign
 * it, judges it as relays will, keeps it, and hands it to the control plane.
 */
export async function signNext(
  context: Context,
  session: Session,
  current: Trust,
  next: NextVersion,
  values: SigningValues,
): Promise<{ ok: true; value: Signed } | Failure> {
  const { document } = next;
  const told = [...(await changesInWords(current.document, document)), ...next.notes];
  if (!values.yes) context.terminal.err(`${told.join('\n')}\n`);
  const question = next.question ?? `Sign trust version ${document.version}?`;
  const agreed = await confirm(context, question, values.yes);
  if (agreed !== true) return agreed;

  const roots = await rootKeys(context, values, current.document, document, next.roots ?? []);
  if (!roots.ok) return roots;
  const trust = await acceptNextTrust(current, await signTrust(document, roots.value));
  if (!trust.ok) {
    return fail(
      exits.failed,
      trust.reason,
      `The new trust version would not be valid: ${trust.detail ?? trust.reason}. Nothing was sent.`,
    );
  }
  const home = { ...session.home, trust: current };
  const waiting: Waiting = {
    jws: trust.value.jws,
    root: next.root ?? null,
    operator: next.operator ?? null,
  };
  // Before it is sent: once it is in force, its keys must not be lost with an answer.
  writeWaiting(home.directory, waiting);
  if (!values.offline) {
    const handed = await handOver(context, home, trust.value, waiting);
    if (!handed.ok) return handed;
  }
  const applied = applyWaiting(home, trust.value, waiting);
  if (!applied.ok) return applied;
  return { ok: true, value: { trust: trust.value, told, next: leftToDo(trust.value, values.offline) } };
}

function leftToDo({ document }: Trust, offline: boolean): string[] {
  const { mirror } = document;
  if (mirror !== null) {
    return [`Relays also look at ${mirror}: writ trust publish trust.jws, and put the file there.`];
  }
  return offline ? ['The control plane and the relays know nothing of it yet: writ trust publish'] : [];
}
