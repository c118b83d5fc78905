import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { createActClient } from '../../../relay/drivers/act-client.ts';
import { createFrameLink } from '../../../relay/drivers/frame-link.ts';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { digestOf, toBytes } from '../../../schema/jose/digest.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import { testDigest } from '../../support/relay-home.ts';
import { startDesk } from './service-fixture.ts';

const forever = new AbortController().signal;
describe('whoever may connect', () => {
  test('threat 7: a request that is too long, slow, or none is dropped, and the next is served', async (t) => {
    const desk = await startDesk(t);
    const speak = async (bytes: Buffer): Promise<void> => {
      const socket = connect(desk.path);
      socket.on('error', () => {});
      socket.write(bytes);
      socket.resume();
      await once(socket, 'close');
    };
    const frame = (kind: string, size: number, body = ''): Buffer => {
      const head = Buffer.alloc(5);
      head.write(kind);
      head.writeUInt32BE(size, 1);
      return Buffer.concat([head, Buffer.from(body)]);
    };
    await speak(frame('J', 0xffffffff));
    await speak(frame('B', 1, 'x'));
    for (const text of ['{}', '{"k":"run","argv":["id"]}', '{"k":"look","target":"pve2"}', '[]', 'null']) {
      await speak(frame('J', text.length, text));
    }
    assert.equal(desk.log.filter(({ event }) => event === 'act_request_malformed').length, 7);
    assert.ok((await desk.client.look('pve2', forever)).ok);
  });

  test('threat 18: an order in another encoding of the same bytes is none', async (t) => {
    const desk = await startDesk(t);
    const order = await desk.order();
    const socket = connect(desk.path);
    const link = createFrameLink(socket);
    const limits = { json: 1_000_000, bytes: 0 };
    await link.next(5_000, limits);
    const text = `${encodeBase64url(order.bytes)}=`;
    link.send({ k: 'apply', trust: [], order: text, authorisation: order.authorisation, part: 0 });
    const said = await link.next(5_000, limits);
    assert.deepEqual(said.ok && said.value.kind === 'json' && said.value.value, {
      k: 'refused',
      code: 'release_malformed',
      detail: 'not canonical base64url',
    });
    // Signed by the operator, over bytes that are no order.
    const bytes = toBytes('{"v":1}');
    const digest = await digestOf('release', bytes);
    const authorisation = await signJws(
      'release',
      { home: desk.home.id, kind: 'release', digest },
      desk.home.operator,
    );
    assert.equal(await desk.apply({ ...order, bytes, authorisation }), 'release_malformed');
  });

  test('a helper that is not there, or that may not be asked, is told apart', async (t) => {
    const desk = await startDesk(t);
    const nowhere = createActClient({ path: `${desk.path}-none`, trustAfter: async () => [] });
    const asked = await nowhere.settle('pve2', testDigest('a'), forever);
    assert.equal(asked.ok ? 'ok' : asked.reason, 'act_missing');
  });
});
