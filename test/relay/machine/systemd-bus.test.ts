import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { askUnits } from '../../../relay/machine/systemd-bus.ts';

test('systemd is asked nothing until it has read that there is somebody, or it would leave the question lying', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-bus-'));
  const path = join(folder, 's');
  const heard: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      heard.push(chunk.toString('latin1'));
      if (heard.length === 1) setImmediate(() => socket.write('OK 0123\r\n'));
      else socket.destroy();
    });
  });
  server.listen(path);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const asked = await askUnits(['a.service'], path);
  assert.equal(asked.ok ? 'ok' : asked.reason, 'machine_error');
  const user = Buffer.from(String(process.getuid!())).toString('hex');
  assert.equal(heard[0], `\0AUTH EXTERNAL ${user}\r\nBEGIN\r\n`);
  assert.match(heard[1]!, /ListUnitsByNames/);
});
