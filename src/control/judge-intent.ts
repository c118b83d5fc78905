import type { SubmitRequest } from '../../schema/api/orders.ts';
import { isPlanOf } from '../../schema/api/plan-of.ts';
import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { digestOf } from '../../schema/jose/digest.ts';
import { verifyJws } from '../../schema/jose/jws.ts';
import { evaluateIntent, keyOf, nameOfKey } from '../../schema/trust/evaluate.ts';
import { authorisationSchema, type Intent, parseIntent } from '../../schema/wire/intent.ts';
import { clockSkewMs, maxAuthorisationBytes, maxIntentBytes } from '../../schema/wire/limits.ts';
import { type Answer, refused, type SubmitReason } from '../domain/errors.ts';
import { itemsOf } from '../domain/planning.ts';
import { relayKid } from '../domain/world.ts';
import type { Scene } from './scene.ts';

/** Judges bytes that somebody signed: who, whether that one may, and whether they are a plan of the order. */
export async function judgeIntent(
  scene: Scene,
  request: SubmitRequest,
): Promise<Answer<{ intent: Intent; digest: string; signer: string }, SubmitReason>> {
  const { trust, now, runbooks } = scene;
  const bytes = decodeBase64url(request.intent);
  if (!bytes.ok || bytes.value.length > maxIntentBytes) {
    return refused('intent_malformed', 'The intent is not canonical base64url, or is too long.');
  }
  const digest = await digestOf('intent', bytes.value);
  const authorisation = await verifyJws('intent', request.authorisation, {
    maxBytes: maxAuthorisationBytes,
    findKey: keyOf(trust, 'key'),
    schema: authorisationSchema,
  });
  if (!authorisation.ok) {
    return refused('authorisation_invalid', 'The signature is not by a key that the trust document names.');
  }
  const said = authorisation.value.payload;
  if (said.home !== trust.document.home) return refused('home_wrong', 'It was signed for another home.');
  if (said.digest !== digest) {
    return refused('authorisation_of_another_intent', 'The signature is of other bytes than these.');
  }
  const parsed = parseIntent(bytes.value);
  if (!parsed.ok) return refused('intent_malformed', parsed.detail ?? 'The intent is malformed.');
  const intent = parsed.value;
  if (intent.home !== trust.document.home) return refused('home_wrong', 'The intent is of another home.');
  if (intent.expires <= now) return refused('intent_expired', 'The intent has expired: plan and sign anew.');
  if (intent.issued_at > now + clockSkewMs) {
    return refused(
      'intent_from_the_future',
      "The intent was issued in the future: check this computer's clock.",
    );
  }
  const signer = nameOfKey(trust, authorisation.value.key.kid)!;
  const allowed = evaluateIntent(trust, signer, intent);
  if (!allowed.ok) return refused(allowed.reason, `It is not allowed: ${allowed.detail ?? allowed.reason}.`);
  const stranger = intent.steps.find((step) => relayKid(trust, step.relay) === undefined);
  if (stranger !== undefined) {
    return refused('relay_not_admitted', `No relay is admitted on ${stranger.relay} yet.`);
  }
  const items = itemsOf(request.order, runbooks);
  if (!items.ok) return items;
  if (!isPlanOf(intent.steps, items.value)) {
    return refused('intent_not_of_order', 'The signed steps are not a plan of the order beside them.');
  }
  return { ok: true, value: { intent, digest, signer } };
}
