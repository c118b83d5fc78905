import type * as v from 'valibot';
import { safeParse } from 'valibot';
import { digestBytes } from '../../schema/jose/digest.ts';
import { describeIssue } from '../../schema/jose/jws.ts';
import { refuse as refuseProof } from '../../schema/result.ts';
import { maxBodyBytes } from '../../schema/wire/limits.ts';
import { proofScheme } from '../../schema/wire/proof.ts';
import { credentialsOf } from '../auth/authenticate.ts';
import { authorise, couldPass, isNameless } from '../auth/authorise.ts';
import { provedBy } from '../auth/proof.ts';
import type { AuthRefused } from '../auth/reasons.ts';
import type { Idempotency } from '../domain/errors.ts';
import { type Grant, type Principal, principalKey, principalText } from '../domain/principal.ts';
import { announcesBody, judgeBytes, parseBody, readBody } from './body.ts';
import { type Callers, tooManyFailures } from './caller.ts';
import { defaultLimits, type HttpDeps } from './deps.ts';
import type { ProblemCause } from './problem.ts';
import type { Input, Reply, Route } from './route.ts';

/** A request as the pipeline takes it. */
export type Arrival = {
  readonly request: Request;
  /** Path and query as in the request line. */
  readonly target: string;
  readonly source: string;
  /** Of the path, by name. */
  readonly params: Readonly<Record<string, string>>;
  readonly asText: boolean;
  readonly signal: AbortSignal;
  /** To be told who the caller is, once credentials have shown it. */
  readonly known?: ((who: string) => void) | undefined;
};

/** `leave` gives back the caller's place once the answer is through. */
export type Served = { readonly reply: Reply; readonly principal: string; readonly leave: () => void };

const idempotencyKey = /^[!-~]{8,128}$/;

/** Refusals that count as failed attempts of an address: guesses at what only its holder knows. */
const guesses: ReadonlySet<string> = new Set([
  'enrolment_mac',
  'code_unknown',
  'setup_code_wrong',
  'trust_threshold',
  'trust_signature',
  'operator_key_wrong',
]);

/**
 * What every request goes through, in this order: who calls; whether that caller may ever use this route; its
 * rate; the body, read whole under caps; shapes; the permission for this very object; the handler. A caller
 * without a name gets no further than the first step, except where a route's authority says so.
 */
export async function serveRoute(
  deps: HttpDeps,
  callers: Callers,
  route: Route,
  arrival: Arrival,
): Promise<Served> {
  const place = { leave: (): void => {} };
  try {
    return await serve(deps, callers, route, arrival, place);
  } catch (fault) {
    place.leave();
    throw fault;
  }
}

async function serve(
  deps: HttpDeps,
  callers: Callers,
  route: Route,
  arrival: Arrival,
  place: { leave: () => void },
): Promise<Served> {
  const { request, source } = arrival;
  let principalName = 'stranger';
  const refuse = (cause: ProblemCause): Served => {
    if (guesses.has(cause.reason)) {
      const { tooMany, retryMs } = callers.countFailure(source);
      if (tooMany) return end({ kind: 'problem', cause: tooManyFailures(retryMs) });
    }
    return end({ kind: 'problem', cause });
  };
  const end = (reply: Reply): Served => ({ reply, principal: principalName, leave: place.leave });
  const refuseCaller = (refused: AuthRefused): Served => {
    deps.log.info('not_let_in', { route: route.path, reason: refused.reason, cause: refused.cause, source });
    if (refused.reason === 'forbidden') return refuse(refused);
    const { tooMany, retryMs } = callers.countFailure(source);
    return refuse(tooMany ? tooManyFailures(retryMs) : refused);
  };

  const header = request.headers.get('authorization');
  const proved = { method: request.method, target: arrival.target };
  let principal: Principal | null = null;
  let bodyDigest: string | null = null;
  let expires: number | null = null;
  if (!isNameless(route.authority)) {
    const caller = await callers.identify(header, proved);
    if (!caller.ok) {
      if (caller.reason === 'proof_replayed' && callers.notesReplay()) await noteReplay(deps, route);
      if (header !== null && (await deps.control.trust.current()) === null) {
        return refuse({ reason: 'not_set_up', detail: 'No owner has claimed this instance yet.' });
      }
      return refuseCaller(caller);
    }
    principal = caller.principal;
    principalName = principalText(principal);
    arrival.known?.(principalKey(principal));
    bodyDigest = caller.body;
    expires = caller.expires;
    const admitted = callers.admit(principal);
    if (!admitted.ok) return refuse(admitted.cause);
    place.leave = admitted.leave;
    if (!couldPass(principal, route.authority)) {
      return refuseCaller(forbidden());
    }
  }
  const early = await route.before?.(deps.control);
  if (early != null) return refuse(early);

  const body = await takeBody(deps, route, request);
  if (!body.ok) return refuse(body);
  const digest = await digestBytes(body.bytes);
  if (bodyDigest !== null && bodyDigest !== digest) {
    return refuseCaller({
      ok: false,
      reason: 'proof_invalid',
      detail: 'The proof is of another body.',
      cause: 'body',
    });
  }

  const params = shaped(route.params, arrival.params, 'The address');
  if (!params.ok) return refuse(params);
  const query = readQuery(route, arrival.target);
  if (!query.ok) return refuse(query);
  const taken = route.takes === 'bytes' ? { bytes: body.bytes, digest } : body.value;
  const value = shaped(route.body, taken, 'The body');
  if (!value.ok) return refuse(value);

  let grant: Grant | null = null;
  if (!isNameless(route.authority) && principal !== null) {
    const subject = { params: params.value as never, body: value.value as never };
    const permission = await route.permission(subject, deps.control);
    const authorised = authorise(principal, route.authority, permission);
    if (!authorised.ok) return refuseCaller(authorised);
    grant = authorised.grant;
  }
  const idempotency = readIdempotency(route, request, arrival.target, digest);
  if (!idempotency.ok) return refuse(idempotency);

  const input: Input<never, never, never> = {
    params: params.value as never,
    query: query.value as never,
    body: value.value as never,
    // Routes for callers without a name have handlers that take no grant.
    grant: grant as Grant,
    expires,
    idempotency: idempotency.value,
    lastEventId: request.headers.get('last-event-id'),
    asText: arrival.asText,
    signal: arrival.signal,
    proves: async (key) => {
      const proof = credentialsOf(header, proofScheme);
      if (proof === null) return refuseProof('proof_invalid');
      const home = (await deps.control.trust.current())?.document.home ?? null;
      return provedBy(key, proof, { ...proved, home, nowMs: deps.now(), bodyDigest: digest });
    },
  };
  const reply = await route.handle(input, deps);
  return reply.kind === 'problem' ? refuse(reply.cause) : end(reply);
}

/** Somebody holds a recording of a valid request: rare, and worth the owner's eye. */
async function noteReplay(deps: HttpDeps, route: Route): Promise<void> {
  await deps.control.audit.note('proof.replayed', 'stranger', { route: `${route.method} ${route.path}` });
}

const forbidden = (): AuthRefused => ({
  ok: false,
  reason: 'forbidden',
  detail: 'These credentials are not for that.',
  cause: 'authority',
});

type Refusal = { readonly ok: false } & ProblemCause;
type Taken =
  | { readonly ok: true; readonly bytes: Uint8Array<ArrayBuffer>; readonly value: unknown }
  | Refusal;

async function takeBody(deps: HttpDeps, route: Route, request: Request): Promise<Taken> {
  const none: Taken = { ok: true, bytes: new Uint8Array(0), value: undefined };
  if (route.body === undefined) {
    if (!announcesBody(request.headers)) return none;
    return { ok: false, reason: 'body_unexpected', detail: 'This operation takes no body.' };
  }
  const maxBytes = route.maxBodyBytes ?? maxBodyBytes;
  const limits = { ...defaultLimits, ...deps.limits };
  const deadlineMs = route.takes === 'bytes' ? limits.bytesDeadlineMs : limits.bodyDeadlineMs;
  const read = await readBody(request, { maxBytes, deadlineMs }, deps.timers);
  if (!read.ok) return read;
  if (route.takes === 'bytes') {
    return judgeBytes(request.headers) ?? { ok: true, bytes: read.bytes, value: undefined };
  }
  if (read.bytes.length === 0 && route.bodyOptional === true) return { ...none, value: {} };
  const parsed = parseBody(request.headers, read.bytes, maxBytes);
  if (!parsed.ok) return parsed;
  // valibot takes an array for an object whose members are all optional.
  if (typeof parsed.value !== 'object' || parsed.value === null || Array.isArray(parsed.value)) {
    return { ok: false, reason: 'request_invalid', detail: 'The body must be a JSON object.' };
  }
  return { ok: true, bytes: read.bytes, value: parsed.value };
}

type Shaped = { readonly ok: true; readonly value: unknown } | Refusal;

function shaped(schema: v.GenericSchema | undefined, value: unknown, what: string): Shaped {
  if (schema === undefined) return { ok: true, value: {} };
  const parsed = safeParse(schema, value);
  if (parsed.success) return { ok: true, value: parsed.output };
  return {
    ok: false,
    reason: 'request_invalid',
    detail: `${what} does not fit: ${describeIssue(parsed.issues[0])}.`,
  };
}

/** A query names each parameter once, and only those that the route has. */
function readQuery(route: Route, target: string): Shaped {
  const at = target.indexOf('?');
  const text = at === -1 ? '' : target.slice(at + 1);
  const values: Record<string, string> = Object.create(null);
  try {
    decodeURIComponent(text.replace(/\+/g, ' '));
  } catch {
    return { ok: false, reason: 'request_invalid', detail: 'The query is not percent-encoded UTF-8.' };
  }
  for (const [name, value] of new URLSearchParams(text)) {
    if (name in values) {
      return { ok: false, reason: 'request_invalid', detail: 'The query names a parameter twice.' };
    }
    values[name] = value;
  }
  if (route.query !== undefined) return shaped(route.query, { ...values }, 'The query');
  if (Object.keys(values).length === 0) return { ok: true, value: {} };
  return { ok: false, reason: 'request_invalid', detail: 'This operation takes no query.' };
}

type Keyed = { readonly ok: true; readonly value: Idempotency | undefined } | Refusal;

function readIdempotency(route: Route, request: Request, target: string, body: string): Keyed {
  const key = request.headers.get('idempotency-key');
  if (key === null) return { ok: true, value: undefined };
  if (!idempotencyKey.test(key)) {
    return {
      ok: false,
      reason: 'idempotency_key_invalid',
      detail: 'An Idempotency-Key has 8 to 128 printable ASCII characters without spaces.',
    };
  }
  if (route.idempotent !== true) return { ok: true, value: undefined };
  // The very path, not its pattern: the same key for another guest is another request.
  const path = target.split('?')[0]!;
  return { ok: true, value: { key, route: `${route.method} ${path}`, body } };
}
