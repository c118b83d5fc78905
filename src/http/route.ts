import * as v from 'valibot';
import type { AcceptedKey } from '../../schema/jose/keys.ts';
import type { Authority } from '../auth/authorise.ts';
import type { Control, Proved } from '../control/control.ts';
import type { Idempotency } from '../domain/errors.ts';
import type { Grant } from '../domain/principal.ts';
import type { HttpDeps } from './deps.ts';
import type { ProblemCause } from './problem.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** What a handler answers. `sentence` is what a caller hears who asked for text/plain. */
export type Reply =
  | {
      readonly kind: 'json';
      readonly status: 200 | 202;
      readonly body: unknown;
      readonly sentence?: string;
      /** The status of the sentence, where it is another one. */
      readonly spokenStatus?: 200 | 202;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'bytes'; readonly type: string; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'text'; readonly status: 200 | 503; readonly type: string; readonly text: string }
  | {
      readonly kind: 'stream';
      readonly type: string;
      readonly stream: ReadableStream<Uint8Array>;
      /** Fires when the stream is over, whoever ended it. */
      readonly ended: AbortSignal;
    }
  | { readonly kind: 'problem'; readonly cause: ProblemCause };

export const json = (body: unknown, status: 200 | 202 = 200): Reply => ({ kind: 'json', status, body });
export const problem = (cause: ProblemCause): Reply => ({ kind: 'problem', cause });
/** The value of an answer of src/control, or its refusal. */
export const answer = <T>(
  result: { readonly ok: true; readonly value: T } | ({ readonly ok: false } & ProblemCause),
  reply: (value: T) => Reply = json,
): Reply => (result.ok ? reply(result.value) : problem(result));

/** What a handler gets of a body that is bytes; of a route that `takes` them. */
export const bytesBody = v.strictObject({ bytes: v.instance(Uint8Array<ArrayBuffer>), digest: v.string() });

/** A request whose parts have the shapes that its route states. */
export type Input<P, Q, B> = {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Of the caller, for the route's permission. Absent on routes for callers without a name. */
  readonly grant: Grant;
  /** When the caller's credentials end by themselves. */
  readonly expires: number | null;
  readonly idempotency: Idempotency | undefined;
  readonly lastEventId: string | null;
  /** Whether the caller would rather have a sentence. */
  readonly asText: boolean;
  /** Fires when the caller leaves or the server closes. */
  readonly signal: AbortSignal;
  /** Whether the request carries a proof of itself by a key that becomes known only now. */
  proves(key: AcceptedKey): Promise<Proved>;
};

export type AnswerCard = {
  readonly description: string;
  readonly schema?: v.GenericSchema;
  /** Beside application/json, which is what a schema means. */
  readonly types?: readonly string[];
};

type Shape = v.GenericSchema;
type Of<S extends Shape | undefined> = S extends Shape ? v.InferOutput<S> : Record<string, never>;

/** What every route states, whatever its shapes. */
type Facts = {
  readonly method: Method;
  /** Parameters in braces, as OpenAPI has them. */
  readonly path: `/${string}`;
  readonly tag: string;
  readonly summary: string;
  /** What the summary leaves open, for the reference. */
  readonly description?: string;
  readonly authority: Authority;
  /** No body at all counts as `{}`. */
  readonly bodyOptional?: boolean;
  readonly maxBodyBytes?: number;
  /** `bytes`: an application/octet-stream as it is, whose body has the shape `bytesBody`. */
  readonly takes?: 'bytes';
  /** Answered before a body is read. */
  readonly before?: (control: Control) => Promise<ProblemCause | null>;
  /** Takes an Idempotency-Key. */
  readonly idempotent?: boolean;
  readonly answers: Readonly<Record<number, AnswerCard>>;
  /** Replies have a sentence, so text/plain is offered. */
  readonly speaks?: boolean;
};

type Card<P extends Shape | undefined, Q extends Shape | undefined, B extends Shape | undefined> = Facts & {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** What the caller must be allowed: action and object in one. */
  readonly permission: (
    input: { readonly params: Of<P>; readonly body: Of<B> },
    control: Control,
  ) => string | Promise<string>;
  readonly handle: (input: Input<Of<P>, Of<Q>, Of<B>>, deps: HttpDeps) => Promise<Reply>;
};

/** A route as the table holds it: one declarative value, its handler's types behind its shapes. */
export type Route = Facts & {
  readonly params?: Shape | undefined;
  readonly query?: Shape | undefined;
  readonly body?: Shape | undefined;
  readonly permission: (
    input: { readonly params: never; readonly body: never },
    control: Control,
  ) => string | Promise<string>;
  readonly handle: (input: Input<never, never, never>, deps: HttpDeps) => Promise<Reply>;
};

/** Checks a route's handler against its shapes. */
export const defineRoute = <
  P extends Shape | undefined = undefined,
  Q extends Shape | undefined = undefined,
  B extends Shape | undefined = undefined,
>(
  card: Card<P, Q, B>,
): Route => card;

/** The path as Hono has it. */
export const honoPath = (path: string): string => path.replace(/\{([a-z0-9]+)\}/g, ':$1');
