import { encodeBase64url } from '../schema/jose/base64url.ts';
import { ok, type Result, refuse } from '../schema/result.ts';
import { programVersion } from '../schema/version.ts';
import { githubKeys } from '../src/auth/github-keys.ts';
import type { Control } from '../src/control/control.ts';
import { createControl } from '../src/control/create-control.ts';
import { bells } from '../src/control/deps.ts';
import { namesController } from '../src/control/trust-keeper.ts';
import { type App, createApp } from '../src/http/app.ts';
import { createLog, formatJsonLine, type LogEntry } from '../src/http/log.ts';
import { problemResponse } from '../src/http/problem.ts';
import { migrateToNewest } from '../src/store/newest.ts';
import { systemTimers } from '../src/store/port.ts';
import { connectRemote, openRemote } from '../src/store/remote.ts';
import { createStore } from '../src/store/store.ts';
import { type Assets, assetDocuments } from './documents.ts';
import { type Alarm, durableDoorbell } from './doorbell.ts';
import { type Bindings, readSettings, type SettingsRefusal } from './settings.ts';

/** The control plane of one home, as a Durable Object has it. */
export type Instance = {
  fetch(request: Request): Promise<Response>;
  /** To be called at the object's alarm: something is due. Rejects where it could not be looked at. */
  due(): Promise<void>;
};

type Started = { readonly app: App; readonly control: Control };
type Refusal = SettingsRefusal | 'setup_secret_missing' | 'controller_key_wrong';

/**
 * The same app and control as Node serves, over a database by HTTP. It starts at the first request or alarm, and
 * anew at the next one where starting failed. All that it keeps in memory may be lost between two requests.
 */
export function createInstance(deps: {
  readonly bindings: Bindings;
  readonly alarm: Alarm;
  readonly assets: Assets;
  readonly now: () => number;
  readonly write?: (entry: LogEntry) => void;
}): Instance {
  const { now } = deps;
  const log = createLog({ now, write: deps.write ?? ((entry) => console.log(formatJsonLine(entry))) });
  const doorbell = durableDoorbell(deps.alarm, now);
  const random = (bytes: number): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(bytes));

  // The order of checks is that of src/main.ts.
  const start = async (): Promise<Result<Started, Refusal>> => {
    const settings = await readSettings(deps.bindings);
    if (!settings.ok) return settings;
    const { key, setupSecret } = settings.value;
    const database = openRemote({ client: connectRemote(settings.value.database) });
    await migrateToNewest(database);
    const store = createStore(database);
    const claimed = (await store.trust.newest()) > 0;
    if (!claimed && setupSecret === null) {
      return refuse('setup_secret_missing', 'nobody has claimed this instance: set the secret SETUP_SECRET');
    }
    const control = createControl({
      store,
      doorbell,
      clock: { now },
      random,
      key,
      setupSecret: claimed ? null : setupSecret,
      github: githubKeys({ uptimeMs: now, warn: log.warn }),
      log: (level, event, fields) => log[level](event, fields),
    });
    const trust = await control.trust.current();
    if (trust !== null && !namesController(trust, key.kid)) {
      return refuse('controller_key_wrong', 'the trust document in force names another controller key');
    }
    const app = createApp({
      control,
      now,
      timers: systemTimers,
      log,
      newFaultId: () => `fault_${encodeBase64url(random(6))}`,
      documents: assetDocuments(deps.assets),
    });
    void control.upkeep.run(new AbortController().signal);
    log.info('serving', { version: programVersion, claimed });
    return ok({ app, control });
  };

  let starting: Promise<Result<Started, Refusal>> | null = null;
  const started = async (): Promise<Result<Started, Refusal>> => {
    starting ??= start();
    const attempt = starting;
    const forget = (): void => {
      if (starting === attempt) starting = null;
    };
    try {
      const result = await attempt;
      if (!result.ok) forget();
      return result;
    } catch (error) {
      forget();
      throw error;
    }
  };

  return {
    fetch: async (request) => {
      try {
        const result = await started();
        if (result.ok) return await result.value.app.fetch(request, surroundingsOf(request));
        log.error('not_serving', { reason: result.reason, detail: result.detail ?? '' });
        return problemResponse(
          { reason: 'internal', detail: 'This instance is not set up; its log says why.' },
          false,
        );
      } catch (error) {
        log.error('not_serving', { cause: String(error) });
        return problemResponse({ reason: 'store_unavailable' }, false);
      }
    },
    due: async () => {
      const result = await started();
      // Whoever mends the settings deploys anew, and nothing is due before somebody asks.
      if (result.ok) doorbell.ring(bells.timer);
    },
  };
}

/** Cloudflare itself sets this header, over whatever a caller sent. */
const surroundingsOf = (request: Request): { target: string; source: string } => ({
  target: /^[a-z]+:\/\/[^/?#]*(.*)$/.exec(request.url)?.[1] ?? '',
  source: request.headers.get('cf-connecting-ip') ?? 'unknown',
});
