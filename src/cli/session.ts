import type { Trust } from '../../schema/trust/read.ts';
import { followTrustChain } from '../../schema/trust/read.ts';
import { maxTrustChainBytes } from '../../schema/wire/limits.ts';
import { trustChainSchema } from '../../schema/wire/relay-api.ts';
import { type Api, createApi } from './api.ts';
import type { Context } from './command.ts';
import { type Home, readHome, writeTrust } from './home.ts';
import { exits, type Failure, fail } from './outcome.ts';

/** A home and the API that serves it. */
export type Session = { readonly home: Home; readonly api: Api };

/** Opens the home of the configuration directory. Nothing is sent yet. */
export async function openSession(context: Context): Promise<{ ok: true; value: Session } | Failure> {
  const home = await readHome(context.configDir);
  if (!home.ok) return home;
  context.progress.say('Asking the control plane');
  const { file, operator } = home.value;
  const api = createApi({
    origin: file.origin,
    spki: file.spki,
    home: file.home,
    operator,
    now: context.now,
    random: context.random,
    signal: context.signal,
  });
  return { ok: true, value: { home: home.value, api } };
}

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
  const { trust, refusal } = await followTrustChain(home.trust, chain.value.versions);
  if (refusal !== null) {
    return fail(
      exits.refused,
      refusal.reason,
      `The control plane offered a trust document that does not follow version ${trust.document.version}, which this computer knows: ${refusal.detail ?? refusal.reason}. It was not believed. If you did not sign it elsewhere, the control plane may be taken.`,
    );
  }
  if (trust.document.version > home.trust.document.version) writeTrust(home.directory, trust);
  return { ok: true, value: trust };
}
