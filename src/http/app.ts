import type { Context } from 'hono';
import { HonoBase } from 'hono/hono-base';
import { TrieRouter } from 'hono/router/trie-router';
import { findTokensInUrl } from '../auth/leak.ts';
import { readOwnToken } from '../auth/token.ts';
import { prefersText } from './accept.ts';
import { createCallers } from './caller.ts';
import type { HttpDeps, Surroundings } from './deps.ts';
import { faultOf } from './fault.ts';
import { pageStyleHash } from './page-style.ts';
import { type ProblemCause, problemResponse } from './problem.ts';
import { honoPath, type Reply, type Route } from './route.ts';
import { serveRoute } from './serve.ts';
import { routes } from './table.ts';

type Variables = { route: string; principal: string; asText: boolean; target: string };
type Env = { Bindings: Surroundings; Variables: Variables };
export type App = HonoBase<Env>;

const maxTargetChars = 2048;

/** The whole API as one Hono app: the table of routes, and nothing beside it. */
export function createApp(deps: HttpDeps): App {
  // One of Hono's routers: it usually comes with three and chooses, which is 2 KB more on the edge.
  const app: App = new HonoBase<Env>({ strict: true, router: new TrieRouter() });
  const callers = createCallers(deps);

  app.use('*', async (c, next) => {
    const startedAt = deps.now();
    const url = new URL(c.req.raw.url);
    const target = c.env?.target ?? url.pathname + url.search;
    c.set('target', target);
    c.set('route', 'unlisted');
    c.set('principal', 'stranger');
    c.set('asText', prefersText(c.req.raw.headers.get('accept')));

    const refusal = await judgeTarget(deps, target, url);
    if (refusal !== null) c.res = problemResponse(refusal, c.get('asText'));
    else await next();

    const headers = c.res.headers;
    const isPage = headers.get('content-type')?.startsWith('text/html') === true;
    headers.set('content-security-policy', isPage ? pagePolicy : `default-src 'none'; ${framing}`);
    headers.set('x-content-type-options', 'nosniff');
    headers.set('referrer-policy', 'no-referrer');
    headers.set('cross-origin-resource-policy', 'same-origin');
    headers.set('cache-control', 'no-store');
    const told = {
      method: methodText(c.req.raw.method),
      route: c.get('route'),
      status: c.res.status,
      ms: Math.max(0, deps.now() - startedAt),
      principal: c.get('principal'),
      ...(c.env?.source !== undefined && { source: c.env.source }),
    };
    // The answer does not wait for a name.
    if (c.env?.peer === undefined) deps.log.info('request', told);
    else void c.env.peer.then((peer) => deps.log.info('request', peer === null ? told : { ...told, peer }));
  });

  for (const route of routes) {
    app.on(route.method, honoPath(route.path), (c) => {
      c.set('route', route.path);
      // Hono answers HEAD by the handler of GET; here only what anyone may read is answered so.
      if (c.req.raw.method !== route.method && route.authority !== 'anyone') {
        return problemResponse(notAllowed([route.method]), c.get('asText'));
      }
      return answerRoute(deps, callers, route, c);
    });
  }

  app.notFound((c) => {
    const methods = routes.filter((route) => matches(route.path, c.req.path)).map((route) => route.method);
    const cause: ProblemCause = methods.length > 0 ? notAllowed(methods) : { reason: 'route_unknown' };
    return problemResponse(cause, c.get('asText'));
  });

  app.onError((error, c) => problemResponse(faultOf(deps, error, c.get('route')), c.get('asText')));
  return app;
}

const framing = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const pagePolicy = `default-src 'none'; style-src '${pageStyleHash}'; ${framing}`;

async function answerRoute(
  deps: HttpDeps,
  callers: ReturnType<typeof createCallers>,
  route: Route,
  c: Context<Env>,
): Promise<Response> {
  const request = c.req.raw;
  const signal =
    deps.closing === undefined ? request.signal : AbortSignal.any([request.signal, deps.closing]);
  const asText = c.get('asText');
  const served = await serveRoute(deps, callers, route, {
    request,
    target: c.get('target'),
    source: c.env?.source ?? 'unknown',
    params: c.req.param() as Record<string, string>,
    asText,
    signal,
    known: c.env?.known,
  });
  c.set('principal', served.principal);
  if (served.reply.kind === 'stream')
    served.reply.ended.addEventListener('abort', served.leave, { once: true });
  else served.leave();
  return responseOf(served.reply, asText && route.speaks === true, asText);
}

function responseOf(reply: Reply, speaks: boolean, asText: boolean): Response {
  switch (reply.kind) {
    case 'problem':
      return problemResponse(reply.cause, asText);
    case 'bytes':
      return new Response(inPieces(reply.bytes), {
        headers: { 'content-type': reply.type, 'content-length': String(reply.bytes.length) },
      });
    case 'text':
      return new Response(reply.text, { status: reply.status, headers: { 'content-type': reply.type } });
    case 'stream':
      return new Response(reply.stream, {
        headers: { 'content-type': reply.type, 'x-accel-buffering': 'no' },
      });
    case 'json': {
      const headers = new Headers(reply.headers);
      headers.set('vary', 'accept');
      if (speaks && reply.sentence !== undefined) {
        headers.set('content-type', 'text/plain; charset=utf-8');
        return new Response(`${reply.sentence}\n`, { status: reply.spokenStatus ?? reply.status, headers });
      }
      headers.set('content-type', 'application/json');
      return new Response(JSON.stringify(reply.body), { status: reply.status, headers });
    }
  }
}

const pieceBytes = 16 * 1024;

/**
 * Bytes that all answers share, as fast as they are read: a Response would make a copy, and many callers that
 * read nothing would have as many.
 */
function inPieces(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (at < bytes.length) controller.enqueue(bytes.slice(at, at + pieceBytes));
        at += pieceBytes;
        if (at >= bytes.length) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * Judges path and query before any route is looked for. A token in them has leaked: the request is refused
 * whatever it asks, and a token of this home is revoked.
 */
async function judgeTarget(deps: HttpDeps, target: string, url: URL): Promise<ProblemCause | null> {
  const leaked = findTokensInUrl(target);
  if (leaked.length > 0) {
    const trust = await deps.control.trust.current();
    let own = false;
    for (const token of leaked) {
      const claims = trust === null ? null : await readOwnToken(trust, token);
      if (claims === null) continue;
      own = true;
      await deps.control.tokens.revokeLeaked(claims.jti, 'url');
    }
    deps.log.warn('token_in_url', { own });
    return { reason: 'token_in_url' };
  }
  if (target.length > maxTargetChars) return { reason: 'url_too_long' };
  // What the proof signs, what is routed and what is parsed must be one text. No path here needs an escape.
  if (url.pathname + url.search !== target || /[%\\]/.test(url.pathname))
    return { reason: 'target_malformed' };
  return null;
}

const notAllowed = (methods: readonly string[]): ProblemCause => ({
  reason: 'method_not_allowed',
  headers: { allow: [...new Set(methods)].sort().join(', ') },
});

const matches = (pattern: string, path: string): boolean => {
  const parts = pattern.split('/');
  const given = path.split('/');
  return (
    parts.length === given.length && parts.every((part, at) => part.startsWith('{') || part === given[at])
  );
};

const known = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']);
/** A method is the caller's own text: only known ones are logged. */
const methodText = (method: string): string => (known.has(method) ? method : 'other');
