import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { routes } from '../../../src/http/table.ts';
import { makeTestApp } from '../../support/http-app.ts';
import { sampleRequest } from '../../support/sample-requests.ts';

/** Names that somebody who runs the tailnet would choose. */
const names = ['operator', 'controller', 'pve1', 'relay:pve1', 'pve1 [tag:admin]', 'pve1 (operator)'];

describe('threat 1: what the tailnet calls a peer', () => {
  test('stands in the log beside its address, and the answer does not wait for it', async () => {
    const { request, logs } = await makeTestApp();
    const naming = Promise.withResolvers<string | null>();
    const answer = await request('/healthz', { source: '100.64.0.7', peer: naming.promise });
    assert.equal(answer.status, 200);
    assert.equal(logs.length, 0);
    naming.resolve('pve1.example.net [tag:relay]');
    await naming.promise;
    await Promise.resolve();
    assert.equal(logs.length, 1);
    assert.partialDeepStrictEqual(logs[0]!.fields, {
      route: '/healthz',
      principal: 'stranger',
      source: '100.64.0.7',
      peer: 'pve1.example.net [tag:relay]',
    });
  });

  test('is left out where it is not known', async () => {
    const { request, logs } = await makeTestApp();
    await request('/healthz', { peer: Promise.resolve(null) });
    await request('/healthz');
    assert.deepEqual(
      logs.map(({ fields }) => Object.hasOwn(fields, 'peer')),
      [false, false],
    );
  });

  test('changes nothing of what is allowed: each route refuses a stranger alike, whatever its name', async () => {
    const app = await makeTestApp();
    let asked = 0;
    const ask = async (route: (typeof routes)[number], peer?: string): Promise<unknown> => {
      const { url, method, body } = sampleRequest(route, 'gaming');
      asked += 1;
      const answer = await app.request(url, {
        method,
        ...(body !== '' && { rawBody: body, headers: { 'content-type': 'application/json' } }),
        // An address of its own for each: too many failures of one are slowed.
        source: `100.64.${asked >> 8}.${asked & 255}`,
        ...(peer !== undefined && { peer: Promise.resolve(peer) }),
      });
      const text = (await answer.text()).replace(/fault_\w+/g, '');
      return { status: answer.status, text: answer.status < 400 ? '' : text };
    };
    let refused = 0;
    for (const route of routes) {
      const plain = await ask(route);
      if ((plain as { status: number }).status >= 400) refused += 1;
      for (const name of names) assert.deepEqual(await ask(route, name), plain, `${route.path} ${name}`);
    }
    assert.ok(refused > 30, `${refused} routes refuse strangers`);
    const lines = app.logs.filter(({ event }) => event === 'request');
    const principals = new Set(lines.map(({ fields }) => fields.principal));
    assert.deepEqual([...principals], ['stranger']);
  });
});
