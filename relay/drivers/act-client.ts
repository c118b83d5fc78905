import { connect, type Socket } from 'node:net';
import * as v from 'valibot';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { ok, type Refusal, type Result, refuse } from '../../schema/result.ts';
import type { TrustJws } from '../../schema/wire/relay-api.ts';
import type { Progress } from '../../schema/wire/report.ts';
import {
  type ActAnswer,
  type ActOutcome,
  type ActRequest,
  type ActSeen,
  actAnswerSchema,
  actSocket,
  codeOf,
  maxAnswerBytes,
} from './act-messages.ts';
import { createFrameLink, type FrameLink, type FrameReason } from './frame-link.ts';
import type { WatchPath } from './watch-path.ts';

/**
 * Why nothing of use was heard of the helper. But for the first two, what it had begun by then it ends or undoes by
 * itself.
 */
export type ActReason =
  /** Nothing listens: it is not installed, or this host was not seeded. */
  | 'act_missing'
  /** This user may not ask. */
  | 'act_not_permitted'
  /** It went away in the middle. */
  | 'act_gone'
  | 'act_timeout'
  /** What it said is not of the protocol. */
  | 'act_malformed'
  | 'aborted';

export type ActOrder = {
  readonly bytes: Uint8Array;
  readonly authorisation: string;
  /** Index of the part. */
  readonly part: number;
};

/** What was heard, or not; or the helper's own code for refusing what was asked for: then nothing was changed. */
export type ActHeard<T> =
  | Result<T, ActReason>
  | { ok: false; reason: 'act_refused'; code: string; detail?: string };

/** What needs root on this host, asked of `writ-relay-act`. */
export type ActClient = {
  /**
   * Has one part of a release's order brought to its target.
   *
   * @param blob gives the part's bytes and those of its files, by digest
   */
  apply(
    order: ActOrder,
    options: {
      blob(digest: string): Promise<Result<Uint8Array, string>>;
      progress(phase: Extract<Progress['phase'], 'staged' | 'activated'>): void;
      readonly watchPath: WatchPath;
      /** Leaves off waiting. What has begun goes on. */
      readonly signal: AbortSignal;
    },
  ): Promise<ActHeard<ActOutcome>>;
  /** Ends what a crash left open on a target, waits for what is at work there, and tells what came of an order. */
  settle(target: string, order: string, signal: AbortSignal): Promise<ActHeard<ActOutcome>>;
  look(target: string, signal: AbortSignal): Promise<ActHeard<ActSeen>>;
};

export type ActClientDeps = {
  /** By default where the package has it. */
  readonly path?: string;
  /** Versions of trust after a number, the oldest first: as many as are at hand without a gap. */
  trustAfter(version: number): Promise<readonly TrustJws[]>;
};

const helloMs = 30_000;
/** An activation may be silent for as long as it may last. */
const answerMs = 35 * 60_000;
const maxTries = 3;

export function createActClient(deps: ActClientDeps): ActClient {
  const path = deps.path ?? actSocket;

  /** A connection over which the helper has said hello. One that ends before that met it as it went to rest. */
  const reach = async (
    signal: AbortSignal,
  ): Promise<Result<{ link: FrameLink; trust: number }, ActReason>> => {
    for (let tries = 1; ; tries += 1) {
      const socket = await dial(path);
      if (!socket.ok) return socket;
      const link = createFrameLink(socket.value);
      const hello = await hear(link, helloMs, signal);
      if (hello.ok && hello.value.k === 'hello') return ok({ link, trust: hello.value.trust });
      link.close();
      if (hello.ok) return refuse('act_malformed', 'it did not say hello');
      if (hello.reason !== 'act_gone' || tries === maxTries) return hello;
    }
  };

  const ask = async <T>(
    request: (trust: readonly TrustJws[]) => ActRequest,
    signal: AbortSignal,
    hearOut: (link: FrameLink) => Promise<ActHeard<T>>,
  ): Promise<ActHeard<T>> => {
    const reached = await reach(signal);
    if (!reached.ok) return reached;
    const { link, trust } = reached.value;
    const leave = (): void => link.close();
    signal.addEventListener('abort', leave, { once: true });
    try {
      link.send(request(await deps.trustAfter(trust)));
      return await hearOut(link);
    } finally {
      signal.removeEventListener('abort', leave);
      link.close();
    }
  };

  /** Hears the helper out until one of its last words is the wanted one. */
  const last =
    <K extends 'end' | 'seen'>(
      wanted: K,
      signal: AbortSignal,
      meanwhile: (said: ActAnswer, link: FrameLink) => Promise<void> | void = () => {},
    ) =>
    async (link: FrameLink): Promise<ActHeard<Extract<ActAnswer, { k: K }>>> => {
      for (;;) {
        const heard = await hear(link, answerMs, signal);
        if (!heard.ok) return heard;
        const said = heard.value;
        if (said.k === wanted) return ok(said as Extract<ActAnswer, { k: K }>);
        if (said.k === 'refused') return refusedBy(said);
        if (said.k === 'end' || said.k === 'seen') return refuse('act_malformed');
        await meanwhile(said, link);
      }
    };

  return {
    async apply({ bytes, authorisation, part }, { blob, progress, watchPath, signal }) {
      let confirmed: Awaited<ReturnType<WatchPath>> | null = null;
      const heard = await ask(
        (trust) => ({ k: 'apply', order: encodeBase64url(bytes), authorisation, part, trust: [...trust] }),
        signal,
        last('end', signal, async (said, link) => {
          if (said.k === 'phase') progress(said.phase);
          if (said.k === 'confirm') {
            if (said.when === 'before') confirmed = await watchPath(signal);
            const held = said.when === 'before' ? ok(true) : await (confirmed?.() ?? refuse('cut_off'));
            const detail = held.ok ? undefined : held.detail?.slice(0, 2000);
            link.send({
              k: 'confirmed',
              code: held.ok ? null : codeOf(held.reason),
              ...(detail !== undefined && { detail }),
            });
          }
          if (said.k !== 'need') return;
          const found = await blob(said.digest);
          if (found.ok) link.sendBytes(found.value);
          else link.send({ k: 'lacks', code: codeOf(found.reason) });
        }),
      );
      return heard.ok ? ok(heard.value.outcome) : heard;
    },
    async settle(target, order, signal) {
      const heard = await ask(
        (trust) => ({ k: 'settle', target, order, trust: [...trust] }),
        signal,
        last('end', signal),
      );
      return heard.ok ? ok(heard.value.outcome) : heard;
    },
    async look(target, signal) {
      const heard = await ask(
        (trust) => ({ k: 'look', target, trust: [...trust] }),
        signal,
        last('seen', signal),
      );
      if (!heard.ok) return heard;
      const { k: _, ...seen } = heard.value;
      return ok(seen);
    },
  };
}

const refusedBy = ({ code, detail }: Extract<ActAnswer, { k: 'refused' }>) => ({
  ok: false as const,
  reason: 'act_refused' as const,
  code,
  ...(detail !== undefined && { detail }),
});

const dial = (path: string): Promise<Result<Socket, ActReason>> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(ok(socket)));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(
        error.code === 'EACCES' || error.code === 'EPERM'
          ? refuse('act_not_permitted', path)
          : refuse('act_missing', `${path}: ${error.code}`),
      ),
    );
  });

/** What the helper says next. */
async function hear(
  link: FrameLink,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Result<ActAnswer, ActReason>> {
  const frame = await link.next(timeoutMs, { json: maxAnswerBytes, bytes: 0 });
  if (frame.ok) {
    const said = frame.value.kind === 'json' ? v.safeParse(actAnswerSchema, frame.value.value) : null;
    return said?.success === true ? ok(said.output) : refuse('act_malformed');
  }
  return signal.aborted ? refuse('aborted') : reasons[frame.reason];
}

const reasons: Readonly<Record<FrameReason, Refusal<ActReason>>> = {
  closed: refuse('act_gone'),
  timeout: refuse('act_timeout'),
  too_large: refuse('act_malformed'),
  malformed: refuse('act_malformed'),
};
