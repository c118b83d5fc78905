import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { pfrestKey } from './fake-pfrest.ts';

type Item = Readonly<Record<string, unknown>>;
export type Firewall = { readonly aliases: readonly Item[]; readonly rules: readonly Item[] };

export type FakeFirewall = {
  readonly url: string;
  inForce: Firewall;
  staged: Firewall;
  vlans: readonly Item[];
  /** What was asked, as `METHOD path`. */
  readonly calls: string[];
  /** The call of that name is refused. */
  failing: string | null;
  /** It answers that it has added a rule, and has not. */
  forgets: boolean;
};

const lists = { 'firewall/alias': 'aliases', 'firewall/rule': 'rules' } as const;

/** A stand-in of pfSense's REST package (v2) for the firewall: ids are places in the list, and change with it. */
export async function startFakeFirewall(t: TestContext, there: Firewall): Promise<FakeFirewall> {
  const state: Omit<FakeFirewall, 'url'> = {
    inForce: there,
    staged: there,
    vlans: [],
    calls: [],
    failing: null,
    forgets: false,
  };
  const numbered = (all: readonly Item[]): Item[] => all.map((one, id) => ({ id, ...one }));
  const answer = async (request: IncomingMessage): Promise<readonly [number, unknown]> => {
    const call = `${request.method} ${request.url!.replace('/api/v2/', '')}`;
    const body = await text(request);
    if (request.headers['x-api-key'] !== pfrestKey) return [401, null];
    state.calls.push(call);
    if (state.failing === call) return [500, null];
    switch (call) {
      case 'GET firewall/aliases?limit=0':
        return [200, numbered(state.staged.aliases)];
      case 'GET firewall/rules?limit=0':
        return [200, numbered(state.staged.rules)];
      case 'GET interface/vlans?limit=0':
        return [200, state.vlans];
      case 'GET firewall/apply':
        // Rules that wait are not told, as in pfrest: its model of a rule names no subsystem.
        return [200, { applied: state.inForce.aliases === state.staged.aliases }];
      case 'POST firewall/apply':
        state.inForce = state.staged;
        return [200, { applied: true }];
    }
    const [, method, path, id] = /^(\w+) (firewall\/(?:alias|rule))(?:\?id=(\d+))?$/.exec(call) ?? [];
    if (method === undefined) return [404, null];
    const list = lists[path as keyof typeof lists];
    const all = [...state.staged[list]];
    if (method === 'DELETE') {
      const [gone] = all.splice(Number(id), 1);
      if (gone === undefined) return [404, null];
      const name = list === 'aliases' ? gone.name : undefined;
      if (
        name !== undefined &&
        state.staged.rules.some((one) => one.source === name || one.destination === name)
      )
        return [409, 'in use'];
    } else {
      const { id: at, ...item } = JSON.parse(body) as Item;
      if (list === 'rules') {
        const names = new Set(state.staged.aliases.map(({ name }) => name));
        if (!names.has(item.source) || !names.has(item.destination)) return [400, 'no such alias'];
      }
      if (method === 'POST') {
        if (!state.forgets || list !== 'rules')
          all.push(list === 'rules' ? { ...item, disabled: false } : item);
      } else if (all[at as number]?.name === item.name) all[at as number] = item;
      else return [400, 'the name of an alias stays'];
    }
    state.staged = { ...state.staged, [list]: all };
    return [200, {}];
  };
  const server = createServer(async (request, response) => {
    const [status, data] = await answer(request);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ code: status, status: 'x', data }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return Object.assign(state, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}
