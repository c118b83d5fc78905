import { readJws, verifyJws, verifyReadJws } from '../../schema/jose/jws.ts';
import type { AcceptedKey } from '../../schema/jose/keys.ts';
import { ok, refuse } from '../../schema/result.ts';
import { controllerName, operatorName } from '../../schema/trust/document.ts';
import { keyOf, nameOfKey } from '../../schema/trust/evaluate.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { clockSkewMs, maxProofBytes } from '../../schema/wire/limits.ts';
import { type Proof, proofSchema } from '../../schema/wire/proof.ts';
import { releaseAction } from '../../schema/wire/release-order.ts';
import type { EnrolmentControl, Proved, UpkeepControl } from '../control/control.ts';
import type { Principal } from '../domain/principal.ts';
import type { Nonces } from './nonces.ts';
import { type AuthRefused, unauthorised } from './reasons.ts';

/** The request as it came: `target` is path and query as they stand in the request line. */
export type ProvedRequest = { readonly method: string; readonly target: string };

export type VerifiedProof = {
  readonly ok: true;
  readonly principal: Principal;
  /** The digest that the body must have: judged once the body was read. */
  readonly body: string;
};

const invalid = (cause: string): AuthRefused =>
  unauthorised('credentials_invalid', 'The proof is not valid here.', cause);

type Deps = {
  readonly trust: Trust;
  readonly enrolment: Pick<EnrolmentControl, 'pending'>;
  readonly upkeep: Pick<UpkeepControl, 'rememberProofNonce'>;
  readonly nonces: Nonces;
  readonly nowMs: number;
};

/** What trust grants a key, as a token's scope has it; whoever may release anything may also bring releases. */
function scopeOf({ document }: Trust, name: string): string[] {
  const identity = document.identities[name];
  const may = identity?.kind === 'key' ? identity.may : [];
  const rights = may.flatMap(({ action, on }) => on.map((target) => `${action}@${target}`));
  return may.some(({ action }) => action === releaseAction) ? [...rights, 'release'] : rights;
}

/** Finds whose key a thumbprint names: the operator, another key or a relay of trust, or a pending relay. */
async function findSigner(
  deps: Deps,
  kid: string,
): Promise<{ key: AcceptedKey; principal: Principal } | null> {
  const operator = keyOf(deps.trust, 'key', operatorName)(kid);
  if (operator !== undefined) return { key: operator, principal: { kind: 'operator', kid } };
  const other = keyOf(deps.trust, 'key')(kid);
  const name = nameOfKey(deps.trust, kid)!;
  // The controller's own key is on this machine: it asks nothing of itself.
  if (other !== undefined && name !== controllerName) {
    return { key: other, principal: { kind: 'key', name, kid, scope: scopeOf(deps.trust, name) } };
  }
  const relay = keyOf(deps.trust, 'relay')(kid);
  if (relay !== undefined) {
    return { key: relay, principal: { kind: 'relay', name, kid } };
  }
  const pending = await deps.enrolment.pending(kid);
  return pending === null
    ? null
    : { key: pending.key, principal: { kind: 'pending', name: pending.name, kid } };
}

/**
 * Verifies all of a proof but the body's digest: signature by a key that has a name here, home, method,
 * address, time within the skew of clocks, and that its nonce was never seen. Nonces of people's keys for calls
 * that change something are remembered in the store, so that a restart opens no window.
 */
export async function verifyProof(
  deps: Deps,
  text: string,
  request: ProvedRequest,
): Promise<VerifiedProof | AuthRefused> {
  const read = readJws('proof', text, maxProofBytes);
  if (!read.ok) return invalid(read.reason);
  const signer = await findSigner(deps, read.value.kid);
  if (signer === null) return invalid('jws_key_unknown');
  const verified = await verifyReadJws(read.value, signer.key, {
    maxBytes: maxProofBytes,
    schema: proofSchema,
  });
  if (!verified.ok) return invalid(verified.reason);
  const proof = verified.value.payload;
  const fault = judgeProof(proof, { home: deps.trust.document.home, ...request, nowMs: deps.nowMs });
  if (fault !== null) return fault;

  const until = proof.time + 2 * clockSkewMs;
  const { kind } = signer.principal;
  const durable = (kind === 'operator' || kind === 'key') && request.method !== 'GET';
  const fresh =
    deps.nonces.remember(signer.key.kid, proof.nonce, until, deps.nowMs) &&
    (!durable || (await deps.upkeep.rememberProofNonce(signer.key.kid, proof.nonce, until)));
  if (!fresh) return unauthorised('proof_replayed', 'This proof was used before.', 'nonce');
  return { ok: true, principal: signer.principal, body: proof.body };
}

/** Judges what a proof says against the request that carries it; null when it fits. `home` null: any. */
export function judgeProof(
  proof: Proof,
  request: ProvedRequest & { home: string | null; nowMs: number },
): AuthRefused | null {
  const misfit = (cause: string): AuthRefused =>
    unauthorised('proof_invalid', 'The proof is of another request.', cause);
  if (request.home !== null && proof.home !== request.home) return misfit('home');
  if (proof.method !== request.method) return misfit('method');
  if (proof.url !== request.target) return misfit('url');
  const ahead = proof.time - request.nowMs;
  if (Math.abs(ahead) > clockSkewMs) return unauthorised('proof_stale', clocksDisagree(ahead), 'time');
  return null;
}

const clocksDisagree = (aheadMs: number): string => {
  const way = aheadMs > 0 ? 'ahead of' : 'behind';
  const apart = Math.round(Math.abs(aheadMs) / 1000);
  return `The asking computer's clock is ${apart} s ${way} the control plane's, and ${clockSkewMs / 1000} s are allowed.`;
};

/**
 * Verifies a proof by a key that only becomes known while the request is judged: the operator's at setup, a
 * new relay's at enrolment. What the request itself carries (a MAC by a single-use secret) makes it fresh.
 */
export async function provedBy(
  key: AcceptedKey,
  text: string,
  request: ProvedRequest & { home: string | null; nowMs: number; bodyDigest: string },
): Promise<Proved> {
  const verified = await verifyJws('proof', text, {
    maxBytes: maxProofBytes,
    findKey: (kid) => (kid === key.kid ? key : undefined),
    schema: proofSchema,
  });
  if (!verified.ok) return refuse('proof_invalid');
  const proof = verified.value.payload;
  if (proof.body !== request.bodyDigest) return refuse('proof_invalid');
  const fault = judgeProof(proof, request);
  if (fault === null) return ok(true);
  return fault.reason === 'proof_stale' ? refuse('proof_stale', fault.detail) : refuse('proof_invalid');
}
