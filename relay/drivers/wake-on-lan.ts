import { createSocket } from 'node:dgram';
import { isIPv4 } from 'node:net';

export type WakeFailure = {
  readonly ok: false;
  readonly reason: 'bad_mac' | 'bad_address' | 'send_failed';
  readonly detail: string;
};
export type WakeResult = { readonly ok: true; readonly value: null } | WakeFailure;

/** Sends magic packets. Nothing ever answers one: success means that it left this machine. */
export type WakeOnLan = {
  /**
   * @param mac six hex pairs, separated by `:` or `-`
   * @param address an IPv4 address, usually the subnet's broadcast address, and optionally `:port` (default 9)
   */
  send(mac: string, address: string): Promise<WakeResult>;
};

/** 6 × 0xFF and 16 × the MAC: 102 bytes. `undefined` when the MAC is malformed or could be no machine's own. */
export function magicPacket(mac: string): Buffer | undefined {
  if (!/^[0-9a-f]{2}([:-])([0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(mac)) return undefined;
  const bytes = Buffer.from(mac.replaceAll(/[:-]/g, ''), 'hex');
  // The lowest bit marks a group address; all zeros is no address.
  if (((bytes[0] ?? 1) & 1) === 1 || bytes.every((byte) => byte === 0)) return undefined;
  return Buffer.concat([Buffer.alloc(6, 0xff), ...Array<Buffer>(16).fill(bytes)]);
}

/** Real packets over UDP. */
export function createWakeOnLan(): WakeOnLan {
  return {
    send(mac, address) {
      const no = (reason: WakeFailure['reason'], detail: string): Promise<WakeResult> =>
        Promise.resolve({ ok: false, reason, detail });
      const packet = magicPacket(mac);
      if (packet === undefined) return no('bad_mac', 'not a MAC address');
      const [host = '', portText = '9', ...rest] = address.split(':');
      const port = Number(portText);
      const portIsFine = /^\d{1,5}$/.test(portText) && port > 0 && port < 65_536;
      if (!isIPv4(host) || !portIsFine || rest.length > 0) {
        return no('bad_address', 'not an IPv4 address with an optional port');
      }
      return new Promise((resolve) => {
        const socket = createSocket('udp4');
        const finish = (error: Error | null): void => {
          socket.close();
          resolve(
            error === null
              ? { ok: true, value: null }
              : { ok: false, reason: 'send_failed', detail: error.message.slice(0, 200) },
          );
        };
        socket.once('error', finish);
        socket.bind(0, () => {
          socket.setBroadcast(true);
          socket.send(packet, port, host, (error) => {
            socket.off('error', finish);
            finish(error);
          });
        });
      });
    },
  };
}
