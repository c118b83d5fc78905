import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ok, refuse } from '../../schema/result.ts';
import {
  type Argument,
  type Callee,
  callMessage,
  type Message,
  messageBytes,
  readMessage,
  readStructs,
  readValue,
} from './dbus.ts';
import type { MachineResult, UnitSight } from './machine.ts';

/** Where systemd answers root, with no message bus between: its own programs ask there. */
const systemdSocket = '/run/systemd/private';
const answerMs = 10_000;
const maxAnswerBytes = 16 * 1024 * 1024;
const systemd = 'org.freedesktop.systemd1';
const manager = { path: '/org/freedesktop/systemd1', of: `${systemd}.Manager`, member: 'ListUnitsByNames' };
/** Name, description, load, active, sub, following, path, job, its type and path. */
const unitTypes = 'ssssssouso';

/** Asks systemd of this host for units, without starting a program. */
export async function askUnits(
  names: readonly string[],
  socket = systemdSocket,
): Promise<MachineResult<readonly UnitSight[]>> {
  if (names.length === 0) return ok([]);
  try {
    const bus = await openBus(socket);
    try {
      const rows = readStructs(await bus.call(manager, [names]), unitTypes);
      if (rows.length !== names.length) return refuse('machine_error', 'systemd names other units');
      const seen: UnitSight[] = [];
      for (const [index, row] of rows.entries()) {
        const name = names[index]!;
        const [, , load, active, , , path] = row as [string, string, string, string, string, string, string];
        const ask = async (property: string): Promise<string> => {
          const get = { path, of: 'org.freedesktop.DBus.Properties', member: 'Get' };
          return readValue(await bus.call(get, [`${systemd}.Service`, property]), 'v');
        };
        const mayHaveEnded = active === 'inactive' && load === 'loaded' && name.endsWith('.service');
        const ended =
          mayHaveEnded && (await ask('Type')) === 'oneshot' && (await ask('Result')) === 'success';
        seen.push({ name, load, active, ended });
      }
      return ok(seen);
    } finally {
      bus.close();
    }
  } catch (error) {
    return refuse('machine_error', `systemd cannot be asked: ${(error as Error).message}`);
  }
}

type Bus = { call(callee: Callee, given: readonly Argument[]): Promise<Uint8Array>; close(): void };

/** Opens a bus as root, by SASL's EXTERNAL with the user's number in hex. */
async function openBus(path: string): Promise<Bus> {
  const socket = connect({ path });
  socket.setTimeout(answerMs, () => socket.destroy(new Error('no answer in time')));
  const incoming = readChunks(socket);
  await once(socket, 'connect');
  const user = Buffer.from(String(process.getuid!())).toString('hex');
  // All of it at once, as systemd's own programs do. What comes in one piece with BEGIN is left lying by systemd until
  // more comes (seen with 257), so it must have read that before it is asked anything.
  socket.write(`\0AUTH EXTERNAL ${user}\r\nBEGIN\r\n`);
  const said = await incoming.until((bytes) => {
    const end = Buffer.from(bytes).indexOf('\r\n');
    return end < 0 ? null : end + 2;
  });
  if (!Buffer.from(said).toString().startsWith('OK ')) {
    socket.destroy();
    throw new Error('it knows us not');
  }
  let serial = 0;
  return {
    close: () => socket.destroy(),
    async call(callee, given) {
      serial += 1;
      socket.write(callMessage(serial, systemd, callee, given));
      for (;;) {
        const message: Message = readMessage(await incoming.until(messageBytes));
        // Signals are told to whoever is connected.
        if (message.replyTo !== serial) continue;
        if (message.kind === 'error') throw new Error(message.error);
        return message.body;
      }
    },
  };
}

/** Takes what comes in pieces whose length is seen from their beginning. */
function readChunks(socket: Socket): {
  until(lengthOf: (bytes: Uint8Array) => number | null): Promise<Uint8Array>;
} {
  let bytes = Buffer.alloc(0);
  const chunks = socket[Symbol.asyncIterator]();
  return {
    async until(lengthOf) {
      for (;;) {
        const length = lengthOf(bytes);
        if (length !== null && bytes.length >= length) {
          const piece = new Uint8Array(bytes.subarray(0, length));
          bytes = bytes.subarray(length);
          return piece;
        }
        if (bytes.length > maxAnswerBytes) throw new Error('the answer is too long');
        const next = await chunks.next();
        if (next.done === true) throw new Error('the connection ended');
        bytes = Buffer.concat([bytes, next.value as Buffer]);
      }
    },
  };
}
