import type { GithubKeys } from '../../schema/github/keys.ts';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import { ulidOf } from '../../schema/wire/ids.ts';
import type { Clock, Doorbell, Log, Random, Store } from '../domain/ports.ts';

/** What control is built from. */
export type ControlDeps = {
  readonly store: Store;
  readonly doorbell: Doorbell;
  readonly clock: Clock;
  readonly random: Random;
  /** The controller's own key: signs jobs, heartbeats, tokens, and intents within its grants. */
  readonly key: SigningKey;
  /** The secret of this run's setup code (43 characters of base64url); null where setup is not offered. */
  readonly setupSecret: string | null;
  readonly log: Log;
  /** With what tokens of GitHub's are verified. */
  readonly github: GithubKeys;
};

/** The bells that are rung once something was written. */
export const bells = {
  /** There may be something for a relay. */
  relay: (name: string): string => `relay:${name}`,
  /** A command may have ended. */
  command: (id: string): string => `command:${id}`,
  /** Something happened to a deployment. */
  deployment: (id: string): string => `deployment:${id}`,
  /** The audit log grew. */
  audit: 'audit',
  /** Something may be due earlier than it was. */
  timer: 'timer',
  /** Rung by nobody: to wait for it is to pause. */
  nobody: 'nobody',
} as const;

type Prefix = 'cmd' | 'tok' | 'dep';

/** A new id: the time in ms and 80 random bits. */
export const newId = (deps: Pick<ControlDeps, 'random'>, prefix: Prefix, now: number): string =>
  `${prefix}_${ulidOf(now, deps.random(10))}`;

/** A new nonce of 16 random bytes. */
export const newNonce = (deps: Pick<ControlDeps, 'random'>): string => encodeBase64url(deps.random(16));
