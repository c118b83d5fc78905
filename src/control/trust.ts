import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { type Digest, digestOf, toBytes } from '../../schema/jose/digest.ts';
import type { AcceptedKey } from '../../schema/jose/keys.ts';
import { houseOf } from '../../schema/manifest/house.ts';
import { ok, type Refusal, type Result, refuse } from '../../schema/result.ts';
import { operatorName } from '../../schema/trust/document.ts';
import {
  acceptFirstTrust,
  acceptGenesisTrust,
  acceptNextTrust,
  followTrustChain,
  type Trust,
  type TrustRefusal,
} from '../../schema/trust/read.ts';
import { enrolmentMac, sameMac } from '../../schema/wire/enrolment.ts';
import type { TrustChain, TrustJws } from '../../schema/wire/relay-api.ts';
import { type Refused, refused } from '../domain/errors.ts';
import { applyTrustChange } from '../domain/settle.ts';
import { reviewWaiting } from './approvals.ts';
import type { AuditLog } from './audit-log.ts';
import { changeCommand, stillAllowed } from './changes.ts';
import type { Proved, SetupControl, SetupRequest, TrustControl } from './control.ts';
import { reviewDeployments } from './deployment-changes.ts';
import { bells, type ControlDeps } from './deps.ts';
import { namesController, type TrustKeeper } from './trust-keeper.ts';

/** All versions above a number, oldest first. */
export const readChain = async (deps: Pick<ControlDeps, 'store'>, after: number): Promise<TrustChain> => ({
  versions: (await deps.store.trust.after(after)).map((row) => row.jws),
});

const wrongController = (): Refused<'controller_key_wrong'> =>
  refused('controller_key_wrong', "The document's controller is not this control plane's key.");

const operatorKey = (trust: Trust): AcceptedKey | undefined =>
  [...trust.identities.values()].find(({ name }) => name === operatorName)?.key;

/** Whether the operator key of a document itself proves the request; null when it does. */
async function judgeOperator(
  trust: Trust,
  proves: (operator: AcceptedKey) => Promise<Proved>,
): Promise<Refused<'operator_key_wrong' | 'proof_stale'> | null> {
  const operator = operatorKey(trust);
  const proved = operator === undefined ? refuse('proof_invalid') : await proves(operator);
  if (proved.ok) return null;
  return proved.reason === 'proof_stale'
    ? refused('proof_stale', proved.detail ?? 'The clocks disagree.')
    : refused('operator_key_wrong', "The request is not proved by the document's operator key.");
}

/** Ends what no relay has begun and trust does not allow any more, of all commands that run or wait. */
export async function reviewCommands(deps: ControlDeps, log: AuditLog, trust: Trust): Promise<void> {
  await reviewWaiting(deps, log, trust);
  const running = await deps.store.commands.list({ states: ['running'], before: null, limit: 10_000 });
  for (const { id, intents, steps } of running) {
    const last = intents.at(-1);
    if (last === undefined) continue;
    const attempt = steps.filter((step) => step.intent === last.digest);
    if (stillAllowed(trust, last.signer, attempt)) continue;
    const load = () => deps.store.commands.load(id);
    await changeCommand(deps, log, trust.document.home, load, (command) =>
      applyTrustChange(command, deps.clock.now()),
    );
  }
}

const rowOf = ({ document, digest, jws }: Trust, acceptedAt: number) => ({
  version: document.version,
  digest,
  jws,
  acceptedAt,
});

/**
 * The versions that an owner brings to an unclaimed instance, up to the first that does not hold: version 1 alone, or
 * a chain from wherever it begins. The setup code's MAC, which is over the last, binds those before it.
 */
async function acceptBrought({ before, trust }: SetupRequest): Promise<Result<Trust, TrustRefusal>[]> {
  if (before === undefined) return [await acceptGenesisTrust(trust)];
  const accepted: Result<Trust, TrustRefusal>[] = [];
  for (const jws of [...before, trust]) {
    const last = accepted.at(-1);
    if (last?.ok === false) break;
    accepted.push(await (last === undefined ? acceptBeginning(jws) : acceptNextTrust(last.value, jws)));
  }
  return accepted;
}

async function acceptBeginning(jws: TrustJws): Promise<Result<Trust, TrustRefusal>> {
  const digest = await digestOfPayload(jws);
  return digest.ok ? acceptFirstTrust(jws, { digest: digest.value }) : digest;
}

async function digestOfPayload({ payload }: TrustJws): Promise<Result<Digest, 'trust_malformed'>> {
  const bytes = decodeBase64url(payload);
  return bytes.ok
    ? ok(await digestOf('trust', bytes.value))
    : refuse('trust_malformed', 'the payload is not canonical base64url');
}

/** A home came here whose controller was another: it is told, and what only that one could use ends. */
async function revokeTokens({ store }: ControlDeps, to: Trust, now: number): Promise<void> {
  const { home, version } = to.document;
  await store.tokens.revokeAll(now, {
    time: now,
    event: 'home.moved',
    principal: 'operator',
    facts: { home, version, digest: to.digest },
  });
}

export function createTrust(deps: ControlDeps, keeper: TrustKeeper, log: AuditLog): TrustControl {
  const { store, clock, doorbell } = deps;

  /** Has everybody look at what is in force now. */
  const spread = async (trust: Trust, before: Trust): Promise<void> => {
    await reviewCommands(deps, log, trust);
    await reviewDeployments(deps, log, trust);
    const hosts = new Set([before, trust].flatMap(({ document }) => Object.keys(document.house.hosts)));
    for (const host of hosts) doorbell.ring(bells.relay(host));
  };

  return {
    current: keeper.current,
    chain: (after) => readChain(deps, after),
    upload: async (versions, proves) => {
      const current = await keeper.current();
      if (current === null) return refused('not_set_up', 'Nobody has claimed this control plane yet.');
      const { trust: newest, accepted, refusal } = await followTrustChain(current, versions);
      if (refusal !== null) {
        return refused(
          refusal.reason,
          `This trust document is not taken: ${refusal.detail ?? refusal.reason}.`,
        );
      }
      if (versions.at(-1)?.payload !== newest.jws.payload) {
        return refused('trust_version', `Version ${current.document.version} is in force here already.`);
      }
      if (!namesController(newest, deps.key.kid)) return wrongController();
      const unproved = await judgeOperator(newest, proves);
      if (unproved !== null) return unproved;

      const now = clock.now();
      // Phones' tokens are signed by the controller: what another one signed is good for nothing here.
      if (!namesController(current, deps.key.kid)) await revokeTokens(deps, newest, now);
      let before = current;
      for (const version of accepted) {
        const next = await acceptNextTrust(before, version);
        if (!next.ok) throw new Error(`it was accepted a moment ago: ${next.reason}`);
        const facts = { version: next.value.document.version, digest: next.value.digest };
        const added = await store.trust.add(
          { ...facts, jws: version, acceptedAt: now },
          { time: now, event: 'trust.accepted', principal: 'operator', facts },
        );
        if (!added) return refused('trust_exists', 'Another version was put into force at the same time.');
        before = next.value;
      }
      if (accepted.length > 0) log.grew();
      // Also where nothing is new: it may come again because its first coming was cut short.
      await spread(newest, current);
      return { ok: true, value: { version: newest.document.version, digest: newest.digest } };
    },
  };
}

export function createSetup(deps: ControlDeps, keeper: TrustKeeper, log: AuditLog): SetupControl {
  const { store, clock } = deps;
  const claimed = async (): Promise<boolean> => (await keeper.current()) !== null;
  return {
    claimed,
    claim: async (request, proves) => {
      if (await claimed()) return refused('already_set_up', 'This control plane has an owner already.');
      const notTaken = (refusal: Refusal<TrustRefusal>) =>
        refused(refusal.reason, `This trust document is not taken: ${refusal.detail ?? refusal.reason}.`);
      const claimedDigest = await digestOfPayload(request.trust);
      if (!claimedDigest.ok) return notTaken(claimedDigest);
      // Before any signature is looked at: a stranger's documents would be work for seconds.
      const secret = deps.setupSecret;
      const mac = secret === null ? null : await enrolmentMac(secret, toBytes(claimedDigest.value));
      if (mac === null || !sameMac(mac, request.mac)) {
        return refused('setup_code_wrong', 'The setup code is not the one that writ serve printed last.');
      }
      const chain = await acceptBrought(request);
      const trust = chain.at(-1)!;
      if (!trust.ok) return notTaken(trust);
      const { document, digest } = trust.value;
      if (!namesController(trust.value, deps.key.kid)) return wrongController();
      const unproved = await judgeOperator(trust.value, proves);
      if (unproved !== null) return unproved;
      const house = houseOf(request.house);
      if (!house.ok) return refused('house_invalid', `The house file does not fit: ${house.detail}.`);
      const now = clock.now();
      const { home, version } = document;
      const added = await store.trust.claim(
        chain.flatMap((one) => (one.ok ? [rowOf(one.value, now)] : [])),
        {
          time: now,
          event: request.before === undefined ? 'home.claimed' : 'home.moved',
          principal: 'operator',
          facts: { home, version, digest },
        },
        request.house,
      );
      if (!added) return refused('already_set_up', 'This control plane has an owner already.');
      log.grew();
      return { ok: true, value: { home, version } };
    },
  };
}
