import { lifetimeOf } from '../../schema/actions/lifetime.ts';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { digestOf, toBytes } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import { controllerName } from '../../schema/trust/document.ts';
import type { Intent, Step } from '../../schema/wire/intent.ts';
import { maxIntentLifetimeMs } from '../../schema/wire/limits.ts';
import type { StepRecord } from '../domain/command.ts';
import type { SignedIntent } from '../domain/ports.ts';
import { type ControlDeps, newNonce } from './deps.ts';

/** An intent's bytes, as base64url, and their digest. */
export type IntentBytes = { readonly intent: Intent; readonly bytes: string; readonly digest: string };

/** Fixes the bytes of an intent of these steps, issued now. */
export async function writeIntent(
  deps: Pick<ControlDeps, 'random'>,
  home: string,
  steps: readonly Step[],
  now: number,
  /** How long it may wait before it is signed. */
  waitMs = 0,
): Promise<IntentBytes> {
  const intent: Intent = {
    home,
    steps: [...steps],
    nonce: newNonce(deps),
    issued_at: now,
    expires: now + Math.min(waitMs + lifetimeOf(steps), maxIntentLifetimeMs),
  };
  const bytes = toBytes(JSON.stringify(intent));
  return { intent, bytes: encodeBase64url(bytes), digest: await digestOf('intent', bytes) };
}

/** Authorises an intent's bytes by the controller's own key. */
export async function signIntent(
  deps: Pick<ControlDeps, 'key'>,
  written: IntentBytes,
  attempt: number,
): Promise<SignedIntent> {
  const { intent, bytes, digest } = written;
  const authorisation = await signJws('intent', { home: intent.home, kind: 'intent', digest }, deps.key);
  return {
    digest,
    attempt,
    bytes,
    authorisation,
    signer: controllerName,
    issuedAt: intent.issued_at,
    expires: intent.expires,
  };
}

/** The records of an attempt's steps: those that come after none are queued at once. */
export const newSteps = (
  digest: string,
  attempt: number,
  steps: readonly Step[],
  now: number,
): StepRecord[] =>
  steps.map((step, index) => ({
    intent: digest,
    attempt,
    step: index,
    relay: step.relay,
    action: step.action,
    target: step.target,
    params: step.params,
    after: step.after,
    state: step.after.length === 0 ? 'queued' : 'waiting',
    code: null,
    result: null,
    receipted: false,
    queuedAt: step.after.length === 0 ? now : null,
    sentAt: null,
    startedAt: null,
    endedAt: null,
  }));
