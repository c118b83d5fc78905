import type { Socket } from 'node:net';

/**
 * The open connections of a listener. When they become many, those of strangers are closed: first those that ask
 * nothing, then those that ask, the oldest first. So a stranger cannot keep others out by holding connections open,
 * whatever is or is not sent on them. A stranger is who has shown no valid credentials on that connection.
 */
export type Connections = {
  add(socket: Socket): void;
  /**
   * An exchange begins on a connection; to be called when its answer is through, or the connection is gone. Null where
   * too many have begun that are not through: answers to requests sent ahead would pile up unread.
   */
  begin(socket: Socket): (() => void) | null;
  /** Somebody has shown valid credentials on a connection. */
  know(socket: Socket, who: string): void;
  destroyAll(): void;
};

/** From this share of the most there may be, room is made for each that comes. */
const fullShare = 0.9;
/** A client may send its next request a moment before the last answer is known here to be through. */
const mostExchanges = 2;
/** One caller has no use for more; those beyond count as a stranger's. */
const mostOfOne = 64;

export function createConnections(most: number): Connections {
  const open = new Map<string, Socket>();
  // In the order in which they came.
  const strangers = new Set<string>();
  const asking = new Map<string, number>();
  const known = new Map<string, string>();
  const held = new Map<string, number>();
  const full = Math.max(1, Math.floor(most * fullShare));

  const makeRoomFor = (newest: string): void => {
    for (const mayAsk of [false, true]) {
      for (const id of strangers) {
        if (open.size <= full) return;
        if (id !== newest && (mayAsk || !asking.has(id))) forget(id)?.destroy();
      }
    }
  };
  const count = (who: string, change: 1 | -1): void => {
    const left = (held.get(who) ?? 0) + change;
    if (left > 0) held.set(who, left);
    else held.delete(who);
  };
  const forget = (id: string): Socket | undefined => {
    const socket = open.get(id);
    const who = known.get(id);
    if (who !== undefined) count(who, -1);
    known.delete(id);
    open.delete(id);
    strangers.delete(id);
    asking.delete(id);
    return socket;
  };

  return {
    add(socket) {
      const id = idOf(socket);
      open.set(id, socket);
      strangers.add(id);
      socket.once('close', () => {
        if (open.get(id) === socket) forget(id);
      });
      makeRoomFor(id);
    },
    begin(socket) {
      const id = idOf(socket);
      const before = asking.get(id) ?? 0;
      if (before >= mostExchanges) return null;
      asking.set(id, before + 1);
      return () => {
        const left = (asking.get(id) ?? 1) - 1;
        if (left > 0) asking.set(id, left);
        else asking.delete(id);
      };
    },
    know(socket, who) {
      const id = idOf(socket);
      if (!strangers.has(id) || (held.get(who) ?? 0) >= mostOfOne) return;
      strangers.delete(id);
      known.set(id, who);
      count(who, 1);
    },
    destroyAll() {
      for (const socket of open.values()) socket.destroy();
    },
  };
}

/** The TLS layer hands on a socket of its own, with the same ends. */
const idOf = (socket: Socket): string =>
  `${socket.localAddress}:${socket.localPort} ${socket.remoteAddress}:${socket.remotePort}`;
