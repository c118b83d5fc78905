import type { Assets } from './documents.ts';
import { createInstance, type Instance } from './instance.ts';
import type { Bindings } from './settings.ts';

type ObjectState = { readonly storage: { setAlarm(atMs: number): Promise<void> } };
type Env = Bindings & { readonly HOME: HomeNamespace; readonly ASSETS: Assets };
type HomeNamespace = {
  idFromName(name: string): unknown;
  get(id: unknown): { fetch(request: Request): Promise<Response> };
};

/**
 * The Durable Object that serves a home. It holds the whole app and not a doorbell alone: in a Worker nothing may
 * wait for what another request began, while sealing the audit log, parked polls and rate limits are about just
 * that; in an object all requests share one memory.
 */
export class Home {
  readonly #instance: Instance;

  constructor(state: ObjectState, env: Env) {
    this.#instance = createInstance({
      bindings: env,
      alarm: state.storage,
      assets: env.ASSETS,
      now: Date.now,
    });
  }

  fetch(request: Request): Promise<Response> {
    return this.#instance.fetch(request);
  }

  alarm(): Promise<void> {
    return this.#instance.due();
  }
}

// biome-ignore lint/style/noDefaultExport: Workers take their entry by its default export
export default {
  fetch: (request: Request, env: Env): Promise<Response> =>
    env.HOME.get(env.HOME.idFromName('home')).fetch(request),
};
