import type { Socket } from 'node:net';

/**
 * The open connections of a listener. When they become many, those of strangers that ask nothing are closed, the
 * oldest first: a stranger cannot keep others out by holding connections open. A stranger is who has not yet been
 * answered well on a request with credentials.
 */
export type Connections = {
  add(socket: Socket): void;
  /** A request begins on a connection; to be called with whether it ended well when it is answered. */
  begin(socket: Socket): (endedWell: boolean) => void;
  destroyAll(): void;
};

/** From this share of the most there may be, room is made for each that comes. */
const fullShare = 0.9;

export function createConnections(most: number): Connections {
  const open = new Map<string, Socket>();
  // In the order in which they came.
  const strangers = new Set<string>();
  const asking = new Map<string, number>();
  const full = Math.max(1, Math.floor(most * fullShare));

  const makeRoomFor = (newest: string): void => {
    for (const id of strangers) {
      if (open.size <= full || id === newest) return;
      if (asking.has(id)) continue;
      forget(id)?.destroy();
    }
  };
  const forget = (id: string): Socket | undefined => {
    const socket = open.get(id);
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
      asking.set(id, (asking.get(id) ?? 0) + 1);
      return (endedWell) => {
        const left = (asking.get(id) ?? 1) - 1;
        if (left > 0) asking.set(id, left);
        else asking.delete(id);
        if (endedWell) strangers.delete(id);
      };
    },
    destroyAll() {
      for (const socket of open.values()) socket.destroy();
    },
  };
}

/** The TLS layer hands on a socket of its own, with the same ends. */
const idOf = (socket: Socket): string =>
  `${socket.localAddress}:${socket.localPort} ${socket.remoteAddress}:${socket.remotePort}`;
