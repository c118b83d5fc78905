import type { TrustDocument } from '../../schema/trust/document.ts';
import type { Context } from './command.ts';
import { nextVersion } from './make-trust.ts';
import { type Done, done, exits, type Failure, fail } from './outcome.ts';
import { isSame } from './same.ts';
import { openSession, type Session, trustToChange } from './session.ts';
import { type SigningValues, signNext } from './sign-trust.ts';

/** A change of trust that cannot be made as it was asked. */
export const unsigned = (detail: string, reason = 'usage'): Failure =>
  fail(reason === 'usage' ? exits.usage : exits.refused, reason, `${detail} Nothing was signed.`);

/** A change that somebody orders by a command of its own. */
export type TrustChange = {
  change(document: TrustDocument): { ok: true; value: TrustDocument } | Failure;
  /** What is said once it is signed. */
  readonly said: (version: number) => string;
  /** Said after it: what is left to do. */
  readonly left?: (session: Session, digest: string) => readonly string[];
  readonly json: Readonly<Record<string, unknown>>;
};

/** Makes the next version by one change of the newest, and has it signed; says so where nothing changes. */
export async function changeTrust(
  context: Context,
  values: SigningValues,
  { change, said, left, json }: TrustChange,
): Promise<Done | Failure> {
  const session = await openSession(context, values);
  if (!session.ok) return session;
  const trust = await trustToChange(session.value, values.offline);
  if (!trust.ok) return trust;
  const current = trust.value;
  const changed = change(current.document);
  if (!changed.ok) return changed;
  if (isSame(changed.value, current.document)) {
    const { version } = current.document;
    return done(`Nothing changes: trust stays version ${version}.`, { version, ...json });
  }
  const document = nextVersion(changed.value, current.digest, context.now());
  const signed = await signNext(context, session.value, current, { document, notes: [] }, values);
  if (!signed.ok) return signed;
  const { digest } = signed.value.trust;
  const lines = [
    ...(values.yes ? signed.value.told : []),
    said(document.version),
    ...signed.value.next,
    ...(left?.(session.value, digest) ?? []),
  ];
  return done(lines.join('\n'), { version: document.version, digest, ...json });
}
