import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Hono } from 'hono';
import { commandActions } from '../../../schema/actions/index.ts';
import { authorityText } from '../../../src/http/openapi.ts';
import { honoPath } from '../../../src/http/route.ts';
import { routes } from '../../../src/http/table.ts';
import { codeOf, makeTestApp } from '../../support/http-app.ts';

/** What an app serves that the table does not state. Its one middleware, which refuses and adds headers, is no route. */
function findUnlisted(app: { routes: readonly { method: string; path: string }[] }): string[] {
  const listed = new Set(routes.map((route) => `${route.method} ${honoPath(route.path)}`));
  return app.routes
    .map(({ method, path }) => `${method} ${path}`)
    .filter((served) => served !== 'ALL /*' && !listed.has(served));
}

describe('the table of routes', () => {
  test('threat 15: every route that the app serves is in the table, and every one there has an authority', async () => {
    const { app } = await makeTestApp();
    assert.deepEqual(findUnlisted(app), []);
    assert.equal(app.routes.filter(({ path }) => path === '/*').length, 1, 'one middleware, no more');
    assert.equal(app.routes.length, routes.length + 1);
    for (const route of routes) {
      assert.ok(Object.hasOwn(authorityText, route.authority), `${route.method} ${route.path}`);
    }
    const names = routes.map((route) => `${route.method} ${route.path}`);
    assert.equal(new Set(names).size, names.length, 'no route stands twice');
  });

  test('threat 15: a bare route is found by the guard', async () => {
    const { app } = await makeTestApp();
    app.get('/v1/backdoor', (c) => c.text('in'));
    assert.deepEqual(findUnlisted(app), ['GET /v1/backdoor']);
    const wild = new Hono();
    wild.all('*', (c) => c.text('in'));
    wild.post('/v1/hosts/:host/wake', (c) => c.text('in'));
    wild.delete('/v1/hosts/:host/wake', (c) => c.text('in'));
    assert.deepEqual(findUnlisted(wild), ['DELETE /v1/hosts/:host/wake']);
  });

  test('only these need no credentials', () => {
    const open = routes.filter(({ authority }) => authority === 'anyone').map(({ path }) => path);
    assert.deepEqual(open.sort(), [
      '/docs',
      '/docs/errors',
      '/healthz',
      '/install/writ-relay.deb',
      '/v1/openapi.json',
    ]);
    const byMac = routes.filter(({ authority }) => authority === 'setup' || authority === 'enrolment');
    assert.deepEqual(byMac.map(({ path }) => path).sort(), ['/v1/relay/enroll', '/v1/setup']);
    const byRoots = routes.filter(({ authority }) => authority === 'roots');
    assert.deepEqual(
      byRoots.map(({ method, path }) => `${method} ${path}`),
      ['POST /v1/trust'],
    );
  });

  test('each action of the registry has its route, and a host may be put to sleep', () => {
    const paths = new Set(routes.map(({ path }) => path));
    for (const action of commandActions) {
      const verb = action.type.split('.')[1];
      if (action.on === 'app') {
        assert.ok(paths.has('/v1/guests/{guest}/apps/{app}/commands/{command}'));
        continue;
      }
      assert.ok(paths.has(action.on === 'host' ? `/v1/hosts/{host}/${verb}` : `/v1/guests/{guest}/${verb}`));
    }
    assert.ok(paths.has('/v1/hosts/{host}/sleep'));
  });

  test('what is not in the table is 404, another method 405, and HEAD is no way around', async () => {
    const { request, asToken, token } = await makeTestApp();
    const unlisted = await request('/v1/nothing');
    assert.equal(unlisted.status, 404);
    assert.equal(await codeOf(unlisted), 'route_unknown');
    const wrong = await request('/v1/status', { method: 'DELETE' });
    assert.equal(wrong.status, 405);
    assert.equal(wrong.headers.get('allow'), 'GET');
    assert.equal((await request('/v1/status/')).status, 404);
    assert.equal((await request('/healthz', { method: 'HEAD' })).status, 200);
    const head = await asToken(await token(['status']), '/v1/status', { method: 'HEAD' });
    assert.equal(head.status, 405);
  });
});
