import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { LibsqlError } from '@libsql/client';
import { type Database, isStoreError, type StoreReason } from '../../../src/store/port.ts';
import { connectRemote, openRemote, type RemoteClient } from '../../../src/store/remote.ts';

const select = { sql: 'SELECT 1 AS one', args: [] };
const remove = { sql: 'DELETE FROM item', args: [] };
const as = (reason: StoreReason) => (error: unknown) => isStoreError(error, reason);

/** The real client against a server that answers as told. */
async function serve(t: TestContext, listener: RequestListener, timeoutMs = 5_000): Promise<Database> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return openRemote({ client: connectRemote({ url, timeoutMs }), timeoutMs });
}

/** A client that fails so, and counts. */
function failing(errors: readonly unknown[]): RemoteClient & { calls: number } {
  const client = {
    calls: 0,
    batch: async () => {
      const error = errors[Math.min(client.calls, errors.length - 1)];
      client.calls += 1;
      if (error !== undefined) throw error;
      return [];
    },
    close: () => undefined,
  };
  return client;
}

test('a server that hangs is a timeout, in time', async (t) => {
  const db = await serve(t, () => undefined, 100);
  const startMs = performance.now();
  await assert.rejects(db.write([remove]), as('timeout'));
  await assert.rejects(db.read(select));
  assert.ok(performance.now() - startMs < 3_000);
});

test('a server that refuses the credentials ran nothing', async (t) => {
  const db = await serve(t, (_, response) => response.writeHead(401).end('no'));
  await assert.rejects(db.write([remove]), as('unavailable'));
  await assert.rejects(db.read(select), as('unavailable'));
});

test('a connection that breaks leaves a write unknown and a read undone', async (t) => {
  const db = await serve(t, (request) => request.socket.destroy());
  await assert.rejects(db.write([remove]), as('timeout'));
  await assert.rejects(db.read(select), as('unavailable'));
});

test('a server in trouble leaves a write unknown', async (t) => {
  const db = await serve(t, (_, response) => response.writeHead(502).end());
  await assert.rejects(db.write([remove]), as('timeout'));
});

test('busy is tried again until it is not, or until time is out', async () => {
  const busy = new LibsqlError('database is locked', 'SQLITE_BUSY');
  const passing = failing([busy, busy, undefined]);
  await openRemote({ client: passing }).write([remove]);
  assert.equal(passing.calls, 3);
  const lasting = failing([busy]);
  await assert.rejects(openRemote({ client: lasting, busyTimeoutMs: 60 }).write([remove]), as('busy'));
  assert.ok(lasting.calls >= 3, `${lasting.calls} calls`);
});

test("the server's words before a trigger's message are taken off", async () => {
  const words = [
    'lock_conflict',
    'SQLITE_CONSTRAINT: SQLite error: lock_conflict',
    'SQLite error: lock_conflict',
    'SQLITE_CONSTRAINT_TRIGGER: lock_conflict',
  ];
  for (const message of words) {
    const client = failing([new LibsqlError(message, 'SQLITE_CONSTRAINT')]);
    const write = openRemote({ client }).write([remove]);
    await assert.rejects(
      write,
      (error) => isStoreError(error, 'constraint') && error.detail === 'lock_conflict',
    );
    assert.equal(client.calls, 1);
  }
});
