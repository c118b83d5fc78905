import { existsSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import type { Client, WhoIsResponse } from 'tslocal';

/** Names of tailnet peers, for logs alone: whoever controls the tailnet chooses them, and they authorise nothing. */
export type TailnetPeers = {
  /**
   * The name of the node that a connection comes from, `pve1.example.net [tag:relay]` or
   * `phone.example.net (alice@example.net)`, as tailscaled on this machine tells it. Null when it is not known within
   * `timeoutMs`; undefined, at once, for an address that is not of a tailnet. Never rejects.
   */
  nameOf(address: string | undefined, port: number | undefined): Promise<string | null> | undefined;
  close(): void;
};

export type TailnetPeersOptions = {
  readonly socketPath?: string;
  readonly monotonicMs: () => number;
  readonly timeoutMs?: number;
};

const defaultSocketPath = '/run/tailscale/tailscaled.sock';
const defaultTimeoutMs = 200;
/** How long a name is taken as known, and how long nobody is asked after none was told. */
const keepMs = 60_000;
const unknownMs = 5_000;
const maxKept = 512;
/** More questions than this at once wait for nothing: these peers have no name in the log. */
const maxAsking = 8;

/** Looks names up at tailscaled's local API, where there is one. The client is loaded with the first question. */
export function createTailnetPeers(options: TailnetPeersOptions): TailnetPeers {
  const { socketPath = defaultSocketPath, monotonicMs, timeoutMs = defaultTimeoutMs } = options;
  const kept = new Map<string, { readonly name: string | null; readonly until: number }>();
  const asking = new Map<string, Promise<string | null>>();
  let client: Client | null = null;
  let closed = false;

  /** Ends what still waits for an answer, too. */
  const letGo = (): void => {
    client?.destroy();
    client = null;
  };

  const ask = async (address: string, port: number): Promise<string | null> => {
    if (!existsSync(socketPath)) return null;
    const { Client } = await import('tslocal');
    if (closed) return null;
    client ??= new Client({ socketPath, useSocketOnly: true });
    const asked = client;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, 'late');
    });
    try {
      const place = isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
      const answer = await Promise.race([asked.whoIs(place), late]);
      if (answer !== 'late') return nameIn(answer);
      // The library waits for ever, and keeps its connection.
      if (client === asked) letGo();
      return null;
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  };

  const remember = (address: string, name: string | null): void => {
    kept.delete(address);
    if (kept.size >= maxKept) kept.delete(kept.keys().next().value!);
    kept.set(address, { name, until: monotonicMs() + (name === null ? unknownMs : keepMs) });
  };

  /** What takes longer still, such as loading the client, is done for the next question. */
  const inTime = (name: Promise<string | null>): Promise<string | null> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs, null);
      name.then((found) => {
        clearTimeout(timer);
        resolve(found);
      });
    });

  return {
    nameOf(given, port) {
      const address = plainAddress(given ?? '');
      if (port === undefined || !isTailnet(address)) return undefined;
      const known = kept.get(address);
      if (known !== undefined && known.until > monotonicMs()) return Promise.resolve(known.name);
      const already = asking.get(address);
      if (already !== undefined) return inTime(already);
      if (closed || asking.size >= maxAsking) return Promise.resolve(null);
      const asked = ask(address, port)
        .catch(() => null)
        .then((name) => {
          asking.delete(address);
          remember(address, name);
          return name;
        });
      asking.set(address, asked);
      return inTime(asked);
    },
    close() {
      closed = true;
      letGo();
    },
  };
}

/** A socket that takes both families tells IPv4 addresses so. */
const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

/** 100.64.0.0/10 and fd7a:115c:a1e0::/48. */
function isTailnet(address: string): boolean {
  const second = /^100\.(\d{1,3})\.\d{1,3}\.\d{1,3}$/.exec(address)?.[1];
  if (second !== undefined) return Number(second) >= 64 && Number(second) <= 127;
  return /^fd7a:115c:a1e0:/i.test(address);
}

/** Names are others' own: nothing of them may look like a line, or a field, of this log. */
const clean = (text: string): string => text.slice(0, 80).replace(/[^A-Za-z0-9._@:+-]/g, '?');

const maxTags = 8;

/** Tags first: a tagged node belongs to no user, and is told as of one that is called `tagged-devices`. */
function nameIn({ Node: node, UserProfile: user }: WhoIsResponse): string | null {
  const name = clean(node.Name.replace(/\.$/, ''));
  const tags = (node.Tags ?? []).slice(0, maxTags).map(clean);
  if (tags.length > 0) return `${name} [${tags.join(',')}]`.trim();
  const login = user.LoginName === 'tagged-devices' ? '' : clean(user.LoginName);
  return (login === '' ? name : `${name} (${login})`).trim() || null;
}
