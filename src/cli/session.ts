import type { SigningKey } from '../../schema/jose/keys.ts';
import { operatorName } from '../../schema/trust/document.ts';
import { nameOfKey } from '../../schema/trust/evaluate.ts';
import { acceptNextTrust, followTrustChain, type Trust } from '../../schema/trust/read.ts';
import { maxTrustChainBytes } from '../../schema/wire/limits.ts';
import { trustChainSchema } from '../../schema/wire/relay-api.ts';
import { type Api, createApi } from './api.ts';
import type { Context } from './command.ts';
import { type Home, readHome } from './home.ts';
import {
  applyWaiting,
  dropWaiting,
  keepTrust,
  operatorOf,
  readChain,
  readWaiting,
  recallRefused,
  type Waiting,
} from './kept-trust.ts';
import { exits, type Failure, fail } from './outcome.ts';
import { sendTrust } from './upload-trust.ts';

/** A home and the API that serves it. */
export type Session = { readonly home: Home; readonly api: Api };

/** By what name trust knows the key of this computer: the operator, or a second computer's; to it orders are granted. */
export const signerOf = (trust: Trust, { operator }: Pick<Home, 'operator'>): string =>
  nameOfKey(trust, operator.kid) ?? operatorName;

/** The API of a home, asked with its operator key or another. */
export const apiOf = (context: Context, { file, operator }: Home, proving: SigningKey = operator): Api =>
  createApi({
    origin: file.origin,
    spki: file.spki,
    home: file.home,
    operator: proving,
    now: context.now,
    random: context.random,
    signal: context.signal,
  });

/**
 * Opens the home of the configuration directory. Nothing is sent yet, but for a trust version that an earlier command
 * signed and could not hand over. `offline`: that one is put into force here, and nothing is sent at all.
 */
export async function openSession(
  context: Context,
  options: { readonly offline?: boolean } = {},
): Promise<{ ok: true; value: Session } | Failure> {
  const home = await readHome(context.configDir);
  if (!home.ok) return home;
  const waiting = readWaiting(context.configDir);
  if (!waiting.ok) return waiting;
  if (waiting.value !== null) {
    const settled = await settle(context, home.value, waiting.value, options.offline === true);
    if (!settled.ok) return settled;
    return openSession(context, options);
  }
  if (options.offline !== true) context.progress.say('Asking the control plane');
  return { ok: true, value: { home: home.value, api: apiOf(context, home.value) } };
}

/** Has a waiting version taken, here and by the control plane, or drops it because it never can be. */
async function settle(
  context: Context,
  home: Home,
  waiting: Waiting,
  offline: boolean,
): Promise<{ ok: true } | Failure> {
  const isNewest = waiting.jws.payload === home.trust.jws.payload;
  const next = isNewest
    ? ({ ok: true, value: home.trust } as const)
    : await acceptNextTrust(home.trust, waiting.jws);
  if (!next.ok) {
    await dropWaiting(home.directory, waiting);
    return fail(
      exits.refused,
      next.reason,
      `A trust version that was signed here, and waited, does not follow version ${home.trust.document.version}: another has come since. It was dropped. Run the command again.`,
    );
  }
  if (!offline) {
    const handed = await handOver(context, home, next.value, waiting);
    if (!handed.ok) return handed;
  }
  return applyWaiting(home, next.value, waiting);
}

/**
 * Hands the control plane a version that waits, after those that it may lack. One that it refuses waits no longer;
 * keys that were made for it are set aside, because its word alone destroys none.
 */
export async function handOver(
  context: Context,
  home: Home,
  next: Trust,
  waiting: Waiting,
): Promise<{ ok: true } | Failure> {
  const operator = await operatorOf(home, waiting);
  if (!operator.ok) return operator;
  const chain = readChain(home);
  if (!chain.ok) return chain;
  const versions = next.digest === home.trust.digest ? chain.value : [...chain.value, waiting.jws];
  const sent = await sendTrust(apiOf(context, home, operator.value), versions, next.digest);
  if (sent.ok) return sent;
  const { version } = next.document;
  if (sent.problem === undefined || sent.ambiguous) {
    return {
      ...sent,
      detail: `${sent.detail}\nTrust version ${version} is signed, and waits here: the next command sends it again.`,
    };
  }
  const aside = await dropWaiting(home.directory, waiting);
  return {
    ...sent,
    detail: [
      sent.detail,
      `Trust version ${version} was refused: by the control plane’s word, the one before stays in force.`,
      ...(aside === null ? [] : [`The keys that were made for it are in ${aside}.`]),
    ].join('\n'),
  };
}

/** The version that a change is made from: the newest of the control plane, or what is known here alone. */
export const trustToChange = (
  session: Session,
  offline: boolean,
): Promise<{ ok: true; value: Trust } | Failure> =>
  offline ? Promise.resolve({ ok: true, value: session.home.trust }) : refreshTrust(session);

/**
 * The newest trust that the control plane has, followed link by link from the newest known here, and kept.
 * A control plane that only has older versions changes nothing; one whose versions do not follow is refused.
 */
export async function refreshTrust({ home, api }: Session): Promise<{ ok: true; value: Trust } | Failure> {
  const chain = await api.call({
    method: 'GET',
    url: `/v1/trust?after=${home.trust.document.version}`,
    answer: trustChainSchema,
    maxBytes: maxTrustChainBytes,
  });
  if (!chain.ok) return chain;
  const { trust, accepted, refusal } = await followTrustChain(home.trust, chain.value.versions);
  if (refusal !== null) {
    return fail(
      exits.refused,
      refusal.reason,
      `The control plane offered a trust document that does not follow version ${trust.document.version}, which this computer knows: ${refusal.detail ?? refusal.reason}. It was not believed. If you did not sign it elsewhere, the control plane may be taken.`,
    );
  }
  if (accepted.length > 0) {
    // First: with the new trust and the old keys there would be no way on.
    const recalled = recallRefused(home.directory, accepted);
    if (!recalled.ok) return recalled;
    const kept = keepTrust(home, trust, accepted);
    if (!kept.ok) return kept;
    if (recalled.value) {
      return fail(
        exits.refused,
        'trust_recalled',
        `The control plane has put a trust version into force that it said it refused: it may be taken. That version is signed by you; version ${trust.document.version} is known here now, with the keys that were made for it. Nothing else was done.`,
      );
    }
  }
  return { ok: true, value: trust };
}
