import type { ReleaseRequest } from '../../schema/api/deployments.ts';
import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { evaluateOrder } from '../../schema/trust/evaluate.ts';
import { type Trust, trustExpired } from '../../schema/trust/read.ts';
import { type GithubView, type VerifiedOrder, verifyOrder } from '../../schema/trust/verify-order.ts';
import { clockSkewMs, maxIntentBytes } from '../../schema/wire/limits.ts';
import { namesOfPart } from '../../schema/wire/part-names.ts';
import type { ReleaseOrder } from '../../schema/wire/release-order.ts';
import { applyNewer, type Deployment } from '../domain/deployment.ts';
import { type Answer, type ReleaseReason, refused } from '../domain/errors.ts';
import { notariesOf } from '../domain/notaries.ts';
import type { Store } from '../domain/ports.ts';
import { type Grant, principalText } from '../domain/principal.ts';
import type { DeploymentUpdate } from '../domain/release-ports.ts';
import { relayKid } from '../domain/world.ts';
import type { AuditLog } from './audit-log.ts';
import { maxTries } from './changes.ts';
import { ringForDeployment, toDeploymentUpdate } from './deployment-changes.ts';
import { deploymentViews } from './deployment-views.ts';
import { bells, type ControlDeps, newId } from './deps.ts';
import type { ReleaseControl, Released } from './release-control.ts';
import type { ReleaseDispatch } from './release-dispatch.ts';
import { readNames } from './scene.ts';
import { readTargets } from './targets.ts';
import type { TrustKeeper } from './trust-keeper.ts';

const maxListed = 200;
const usuallyListed = 50;

export function createReleases(
  deps: ControlDeps,
  keeper: TrustKeeper,
  log: AuditLog,
  dispatch: Pick<ReleaseDispatch, 'brought'>,
): ReleaseControl {
  const { store, clock, doorbell } = deps;

  const view = async (deployment: Deployment | null) =>
    deployment === null
      ? null
      : (await deploymentViews(deps, [deployment], await readNames(deps, keeper)))[0]!;
  const released = async (deployment: Deployment, replayed: boolean) => ({
    ok: true as const,
    value: { deployment: (await view(deployment))!, replayed },
  });

  const release = async (grant: Grant, request: ReleaseRequest): Promise<Answer<Released, ReleaseReason>> => {
    if (grant.permission !== 'release') {
      return refused('forbidden', 'What was authorised is no release.');
    }
    const trust = await keeper.current();
    if (trust === null)
      return refused('not_set_up', 'Nobody has claimed this control plane yet: run writ init.');
    const github = { keys: deps.github, now: clock.now(), seenAt: () => undefined };
    const read = await readOrder(trust, request, github);
    if (!read.ok) return read;
    const { order, digest, identity, token } = read.value;
    const { principal } = grant;
    if ((principal.kind === 'key' || principal.kind === 'github') && principal.name !== identity) {
      return refused('forbidden', `${principal.name} brings what it signed itself, and nothing else.`);
    }
    const known = await store.deployments.loadByDigest(digest);
    if (known !== null) return released(known, true);
    const fault = judgeOrder(trust, order, identity, clock.now());
    if (fault !== null) return fault;
    const names = await readParts(store, order, clock.now());
    if (!names.ok) return names;

    const targets = new Set(order.parts.map(({ target }) => target));
    for (let tries = 0; tries < maxTries; tries += 1) {
      const now = clock.now();
      const deployment: Omit<Deployment, 'revision'> = {
        id: newId(deps, 'dep', now),
        digest,
        order,
        signer: identity,
        principal: principalText(grant.principal),
        createdAt: now,
        endedAt: null,
        parts: order.parts.map((part, index) => ({
          part: index,
          relay: part.relay,
          target: part.target,
          digest: part.digest,
          state: 'pending',
          code: null,
          result: null,
          receipted: false,
          startedAt: null,
          endedAt: null,
        })),
      };
      const updates: DeploymentUpdate[] = [];
      for (const before of await store.deployments.open()) {
        const change = applyNewer(before, targets, now);
        if (change !== null) updates.push(toDeploymentUpdate(before, change, now));
      }
      const outcome = await store.deployments.accept({
        deployment,
        signed: { bytes: request.order, authorisation: request.authorisation },
        token,
        names: names.value,
        updates,
        note: {
          time: now,
          event: 'release.accepted',
          principal: deployment.principal,
          facts: {
            deployment: deployment.id,
            order: digest,
            release: order.release,
            commit: order.commit,
            signer: deployment.signer,
            targets: deployment.parts.length,
            ...order.order,
          },
        },
      });
      switch (outcome) {
        case 'accepted': {
          dispatch.brought(deployment.parts.map(({ relay }) => relay));
          if (token !== null) for (const name of notariesOf(trust)) doorbell.ring(bells.relay(name));
          for (const update of updates) ringForDeployment(deps, log, update);
          ringForDeployment(deps, log, {
            deployment: { ...deployment, revision: 1 },
            parts: deployment.parts,
          });
          return released({ ...deployment, revision: 1 }, false);
        }
        case 'known': {
          const same = await store.deployments.loadByDigest(digest);
          if (same !== null) return released(same, true);
          break;
        }
        case 'order_below':
          return refused(
            'release_stale',
            'For one of its targets a release of the same or a higher number came before: ask for the next number, and sign anew.',
          );
        case 'blob_missing':
          return refused(
            'blobs_missing',
            'Something that the release names is not here any more: upload it again.',
          );
        case 'stale':
          break;
      }
    }
    throw new Error('deployments were changed by others too often');
  };

  return {
    missing: (digests) => store.blobs.missing(digests, clock.now()),
    putBlob: (_, digest, bytes) => store.blobs.put(digest, bytes, clock.now()),
    blob: store.blobs.read,
    blobFor: (relay, digest) => store.blobs.readFor(relay, digest),
    release,
    deployment: async (id) => view(await store.deployments.load(id)),
    deployments: async ({ target, limit, before }) => {
      const found = await store.deployments.list({
        target: target ?? null,
        before: before ?? null,
        limit: Math.min(Math.max(limit ?? usuallyListed, 1), maxListed),
      });
      return deploymentViews(deps, found, await readNames(deps, keeper));
    },
    wait: async (id, ms, signal) => {
      const until = clock.now() + ms;
      for (;;) {
        const ticket = await doorbell.ticket(bells.deployment(id));
        const deployment = await store.deployments.load(id);
        const left = until - clock.now();
        if (deployment === null || deployment.endedAt !== null || left <= 0) return view(deployment);
        if ((await doorbell.wait(ticket, left, signal)) !== 'rung') {
          return view(await store.deployments.load(id));
        }
      }
    },
    targets: () => readTargets(deps, keeper),
  };
}

/** Reads an order once its authorisation verified, over these very bytes. */
async function readOrder(
  trust: Trust,
  request: ReleaseRequest,
  github: GithubView,
): Promise<Answer<VerifiedOrder, ReleaseReason>> {
  const bytes = decodeBase64url(request.order);
  if (!bytes.ok || bytes.value.length > maxIntentBytes) {
    return refused('release_malformed', 'The order is not canonical base64url, or is too long.');
  }
  const { authorisation } = request;
  const verified = await verifyOrder(trust, { bytes: bytes.value, authorisation }, github);
  if (verified.ok) {
    return verified.value.order.home === trust.document.home
      ? verified
      : refused('home_wrong', 'The order is of another home.');
  }
  switch (verified.reason) {
    case 'release_malformed':
      return refused('release_malformed', `The order does not fit: ${verified.detail}.`);
    case 'authorisation_home':
      return refused('home_wrong', 'It was signed for another home.');
    case 'authorisation_digest':
      return refused('authorisation_of_another_intent', 'The signature is of other bytes than these.');
    case 'authorisation_invalid':
      return refused('authorisation_invalid', 'The signature is not by a key of the trust document.');
    default:
      return refused(
        'authorisation_invalid',
        `GitHub's token is not taken: ${verified.detail ?? verified.reason}.`,
      );
  }
}

/** Judges an order as a whole, as every relay will; null where it holds. */
function judgeOrder(trust: Trust, order: ReleaseOrder, signer: string, now: number) {
  if (trustExpired(trust, now)) {
    return refused('trust_expired', 'The trust document has expired: sign a new version with writ trust.');
  }
  if (order.issued_at > now + clockSkewMs) {
    return refused(
      'intent_from_the_future',
      "The order was issued in the future: check this computer's clock.",
    );
  }
  const allowed = evaluateOrder(trust, signer, order);
  if (!allowed.ok) return refused(allowed.reason, `It is not allowed: ${allowed.detail ?? allowed.reason}.`);
  const stranger = order.parts.find(({ relay }) => relayKid(trust, relay) === undefined);
  return stranger === undefined
    ? null
    : refused('relay_not_admitted', `No relay is admitted on ${stranger.relay} yet.`);
}

/** What each part names, itself among it, once all of that and the manifest are here. */
async function readParts(
  { blobs }: Pick<Store, 'blobs'>,
  order: ReleaseOrder,
  now: number,
): Promise<Answer<ReadonlyMap<string, readonly string[]>, 'blobs_missing' | 'release_malformed'>> {
  const names = new Map<string, readonly string[]>();
  for (const { target, relay, digest } of order.parts) {
    const bytes = await blobs.read(digest);
    if (bytes === null) {
      return refused('blobs_missing', `The part for ${target} is not here: upload it, and order again.`);
    }
    const named = namesOfPart(bytes);
    if (!named.ok)
      return refused('release_malformed', `The part for ${target} is malformed: ${named.detail}.`);
    if (named.value.target !== target || named.value.relay !== relay) {
      return refused('release_malformed', `The part for ${target} is one for another target or relay.`);
    }
    names.set(digest, [digest, ...named.value.digests]);
  }
  const missing = await blobs.missing([order.release, ...new Set([...names.values()].flat())], now);
  return missing.length === 0
    ? { ok: true, value: names }
    : refused(
        'blobs_missing',
        `${missing.length} of what the release names is not here: upload it, and order again.`,
      );
}
