import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { toBytes } from '../../schema/jose/digest.ts';
import { fingerprint, generateKey } from '../../schema/jose/keys.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { enrolmentKey, enrolmentMac, parseEnrolmentCode } from '../../schema/wire/enrolment.ts';
import { maxTrustChainBytes } from '../../schema/wire/limits.ts';
import {
  type EnrolmentCode,
  type EnrolmentStatement,
  type EnrolRequest,
  enrolAnswerSchema,
} from '../../schema/wire/relay-api.ts';
import type { HostFacts } from '../../schema/wire/report.ts';
import type { Proxmox } from '../drivers/proxmox.ts';
import type { Log } from '../log.ts';
import type { Clock } from './clock.ts';
import { type ProxmoxConfig, type RelayConfig, writeConfig } from './config.ts';
import { type Disk, diskFault } from './disk.ts';
import { gatherHostFacts } from './host-facts.ts';
import { journalFile } from './journal.ts';
import { createLink } from './link.ts';
import { createState, keyFile } from './state-files.ts';
import { acceptToldTrust } from './trust-store.ts';

export type EnrolRefusal =
  | 'code_malformed'
  | 'code_expired'
  /** This state folder has a relay already; `again` begins anew. */
  | 'already_enrolled'
  /** The host's Proxmox could not be asked. */
  | 'proxmox_failed'
  /** Nothing that has the pinned certificate answers at the code's origin. */
  | 'origin_certificate'
  | 'api_unreachable'
  /** The API's word; `detail` begins with its code. */
  | 'api_refused'
  /** The trust document that the code names was not among those that were given, or does not hold. */
  | 'trust_refused'
  | 'trust_home'
  | 'host_unknown'
  | 'state_unwritable';

export type Enrolled = {
  readonly home: string;
  readonly relay: string;
  readonly fingerprint: string;
  readonly trustVersion: number;
  /** Whether trust names this very key already. */
  readonly admitted: boolean;
};

export type EnrolDeps = {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  nonce(): string;
  /** How the relay will reach the host's Proxmox; null where it has none. */
  readonly config: ProxmoxConfig | null;
  /** The host's Proxmox, to be asked for its guests; null where it has none, or `facts` says it all. */
  readonly proxmox: Proxmox | null;
  /** What the host says of itself, where that was found out in another way. */
  readonly facts?: HostFacts;
};

/**
 * Enrols this host with a code from the owner's console. The API is reached only under the code's pin, and is
 * told nothing that a taken API could use: the owner's MAC is over the very key and trust digest that are meant,
 * and the trust that is obeyed from then on is the one whose digest the code holds.
 *
 * Everything is checked before anything is written; the key is written last.
 */
export async function enrol(
  deps: EnrolDeps,
  options: { readonly code: string; readonly again: boolean; readonly trial: boolean },
): Promise<Result<{ readonly enrolled: Enrolled; readonly trust: Trust }, EnrolRefusal>> {
  const { disk, clock } = deps;
  const parsed = parseEnrolmentCode(options.code);
  if (!parsed.ok) return parsed;
  const code = parsed.value;
  if (new URL(code.origin).origin !== code.origin) {
    return refuse('code_malformed', 'its origin is more than scheme, host and port');
  }
  if (code.expires <= clock.now()) {
    const [ended, now] = [code.expires, clock.now()].map((at) => new Date(at).toISOString());
    return refuse('code_expired', `it ended ${ended}, and this host's clock says ${now}`);
  }
  try {
    const exists = (await disk.read(keyFile)) !== null || (await disk.read(journalFile)) !== null;
    if (exists && !options.again) return refuse('already_enrolled');
  } catch (error) {
    return refuse('state_unwritable', diskFault(error));
  }

  const facts =
    deps.facts === undefined
      ? await gatherHostFacts(deps.proxmox, AbortSignal.timeout(60_000))
      : ok(deps.facts);
  if (!facts.ok) return refuse('proxmox_failed', `${facts.reason}: ${facts.detail ?? ''}`);

  const key = await generateKey();
  const statement: EnrolmentStatement = {
    home: code.home,
    relay: code.relay,
    code: code.code,
    trust: code.trust,
    jwk: key.signing.jwk,
    facts: facts.value,
  };
  const bytes = toBytes(JSON.stringify(statement));
  const request: EnrolRequest = {
    statement: encodeBase64url(bytes),
    controller_mac: await enrolmentMac(await enrolmentKey(code.secret, 'controller'), bytes),
    owner_mac: await enrolmentMac(await enrolmentKey(code.secret, 'owner'), bytes),
  };
  const link = createLink({
    home: code.home,
    key: key.signing,
    origins: () => [{ url: code.origin, ...(code.spki !== null && { spki: code.spki }) }],
    clock,
    nonce: deps.nonce,
    log: deps.log,
  });
  const answer = await link.call({
    method: 'POST',
    path: '/v1/relay/enroll',
    body: () => request,
    schema: enrolAnswerSchema,
    maxBytes: maxTrustChainBytes,
    timeoutMs: 60_000,
  });
  link.close();
  if (!answer.ok) {
    if (answer.reason === 'refused') return refuse('api_refused', `${answer.code}: ${answer.detail}`);
    const isOther = answer.detail.includes('pin_mismatch');
    return refuse(isOther ? 'origin_certificate' : 'api_unreachable', answer.detail);
  }

  const trust = await acceptToldTrust(answer.value.versions, code.trust);
  if (!trust.ok) return refuse('trust_refused', trust.detail ?? trust.reason);
  const fits = checkTrust(code, trust.value);
  if (!fits.ok) return fits;

  const config: RelayConfig = {
    v: 1,
    home: code.home,
    relay: code.relay,
    proxmox: deps.config,
    trial: options.trial,
  };
  try {
    // An earlier key must not be left beside a new configuration.
    await disk.remove(keyFile);
    await writeConfig(disk, config);
  } catch (error) {
    return refuse('state_unwritable', diskFault(error));
  }
  const made = await createState(deps, { relay: code.relay, secret: key.secret, trust: trust.value });
  if (!made.ok) return refuse('state_unwritable', made.detail ?? made.reason);
  await made.value.journal.close();
  const enrolled = {
    home: code.home,
    relay: code.relay,
    fingerprint: fingerprint(key.signing.kid),
    trustVersion: trust.value.document.version,
    admitted: trust.value.identities.get(key.signing.kid)?.name === code.relay,
  };
  return ok({ enrolled, trust: trust.value });
}

function checkTrust(code: EnrolmentCode, trust: Trust): Result<true, EnrolRefusal> {
  if (trust.document.home !== code.home) return refuse('trust_home', 'the trust document is of another home');
  return Object.hasOwn(trust.document.house.hosts, code.relay)
    ? ok(true)
    : refuse('host_unknown', `the trust document has no host ${code.relay}`);
}
