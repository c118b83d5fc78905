import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';

/** A host override as pfrest tells it, with the numbers that it gives. */
export type HostOverride = {
  readonly host: string;
  readonly domain: string;
  readonly ip: readonly string[];
  readonly descr: string;
  readonly aliases: readonly { readonly host: string; readonly domain: string; readonly descr: string }[];
};

export type FakePfrest = {
  readonly url: string;
  /** What is in force, and what waits to be applied. */
  inForce: HostOverride[];
  staged: HostOverride[];
  /** What was asked, as `METHOD path`. */
  readonly calls: string[];
  /** The next call of that name is refused, or lost. */
  failing: string | null;
  /** What that is answered with. */
  failure: { readonly status: number; readonly code?: number; readonly data: unknown };
  /** It takes the list and keeps another. */
  forgets: boolean;
  /** How often it says that it is not applied yet. */
  slow: number;
};

export const pfrestKey = 'a-key-of-pfrest';

/**
 * A stand-in of pfSense's REST package (v2): PUT replaces the whole list and stages it, sorted by `host`; POST on `apply`
 * puts it in force a while later.
 */
export async function startFakePfrest(t: TestContext, overrides: HostOverride[]): Promise<FakePfrest> {
  const failure = { status: 500, data: null };
  const fake = {
    inForce: overrides,
    staged: overrides,
    calls: [],
    failing: null,
    forgets: false,
    slow: 0,
    failure,
  };
  const state: Omit<FakePfrest, 'url'> = fake as Omit<FakePfrest, 'url'>;
  const server = createServer(async (request, response) => {
    const [status, data, code = status] = await answer(request).catch(
      (error: Error) => [400, error.message] as const,
    );
    response.writeHead(status, { 'content-type': 'application/json', location: '/elsewhere' });
    response.end(JSON.stringify({ code, status: 'x', data }));
  });
  const answer = async (request: IncomingMessage): Promise<readonly [number, unknown, number?]> => {
    const path = request.url!.replace('/api/v2/services/dns_resolver/', '');
    const call = `${request.method} ${path}`;
    const body = await text(request);
    if (request.headers['x-api-key'] !== pfrestKey) return [401, null];
    state.calls.push(call);
    if (state.failing === call) {
      const { status, data, code } = state.failure;
      return [status, data, code ?? status];
    }
    switch (call) {
      case 'GET host_overrides?limit=0':
        return [200, state.staged.map((one, id) => ({ id, parent_id: null, ...one }))];
      case 'PUT host_overrides': {
        if (request.headers['content-type'] !== 'application/json') return [415, null];
        const list = JSON.parse(body) as HostOverride[];
        if (list.some((one) => 'id' in one)) return [400, 'an id'];
        state.staged = list.toSorted((a, b) => (a.host < b.host ? -1 : 1)).slice(state.forgets ? 1 : 0);
        return [200, state.staged];
      }
      case 'POST apply':
        state.inForce = state.staged;
        return [200, { applied: state.slow === 0 }];
      case 'GET apply':
        if (state.slow > 0) {
          state.slow -= 1;
          return [200, { applied: false }];
        }
        return [200, { applied: state.inForce === state.staged }];
      default:
        return [404, null];
    }
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return Object.assign(state, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}
