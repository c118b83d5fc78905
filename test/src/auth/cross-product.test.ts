import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandActions } from '../../../schema/actions/index.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import type { Route } from '../../../src/http/route.ts';
import { routes } from '../../../src/http/table.ts';
import { makeCommand } from '../../support/fake-control.ts';
import { makeTestApp } from '../../support/http-app.ts';
import { sampleBlob, sampleRequest } from '../../support/sample-requests.ts';

const open = [
  'GET /healthz',
  'GET /v1/openapi.json',
  'GET /docs',
  'GET /docs/errors',
  'GET /install/writ-relay.deb',
];
const byMac = ['POST /v1/setup', 'POST /v1/relay/enroll', 'POST /v1/trust'];
const reading = [
  'GET /v1/status',
  'GET /v1/hosts',
  'GET /v1/guests',
  'GET /v1/runbooks',
  'GET /v1/relays',
  'GET /v1/commands',
  'GET /v1/commands/{id}',
  'GET /v1/deployments',
  'GET /v1/deployments/{id}',
  'GET /v1/targets',
  'GET /v1/audit',
  'GET /v1/events',
  'GET /v1/trust',
  'GET /metrics',
];
const owning = [
  'POST /v1/commands',
  'GET /v1/approvals',
  'POST /v1/commands/{id}/approval',
  'POST /v1/commands/{id}/denial',
  'POST /v1/blobs/missing',
  'PUT /v1/blobs/{sha256}',
  'GET /v1/blobs/{sha256}',
  'POST /v1/releases',
  'GET /v1/house',
  'PUT /v1/house',
  'GET /v1/tokens',
  'POST /v1/tokens',
  'DELETE /v1/tokens/{id}',
  'POST /v1/relays/codes',
  'GET /v1/relays/reports',
];
const relaying = [
  'POST /v1/relay/poll',
  'POST /v1/relay/receipts',
  'POST /v1/relay/reports',
  'POST /v1/relay/times',
  'GET /v1/relay/blobs/{sha256}',
];
const ordering = [
  ...commandActions.map(({ on, type }) =>
    on === 'app'
      ? 'POST /v1/guests/{guest}/apps/{app}/commands/{command}'
      : on === 'host'
        ? `POST /v1/hosts/{host}/${type.split('.')[1]}`
        : `POST /v1/guests/{guest}/${type.split('.')[1]}`,
  ),
  'POST /v1/hosts/{host}/sleep',
  'POST /v1/runbooks/{name}/run',
  'POST /v1/plans',
];

/** Each cell that is let in; whatever is not here must be 403, or 401 without a name. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  stranger: [],
  'a key that nobody knows': [],
  'the key of the controller': [],
  'the key of a root': [],
  'token status': reading,
  'token guest.start@gaming': [
    'POST /v1/guests/{guest}/start gaming',
    'POST /v1/plans gaming',
    'GET /v1/commands/{id} of gaming',
  ],
  'token host.shutdown@pve2': ['POST /v1/hosts/{host}/shutdown pve2', 'POST /v1/hosts/{host}/sleep pve2'],
  // Of the sample requests every part of a command's name is the object.
  'token app.command@devtop/devtop/devtop': ['POST /v1/guests/{guest}/apps/{app}/commands/{command} devtop'],
  'token run@evening': ['POST /v1/runbooks/{name}/run evening'],
  // A scope that names a right of the operator, or a relay's, opens nothing.
  'token guest.stop@devtop and host.wake@pve1': [
    'POST /v1/guests/{guest}/stop devtop',
    'POST /v1/hosts/{host}/wake pve1',
  ],
  operator: [...reading, ...owning, ...ordering],
  // Another key of trust: what it signs itself, within its own grants; nothing that the controller would sign.
  'key that may guest.start gaming': [...reading, 'POST /v1/plans gaming', 'POST /v1/commands gaming'],
  'key that may release.apply websvcs': [
    ...reading,
    'POST /v1/blobs/missing',
    'PUT /v1/blobs/{sha256}',
    'GET /v1/blobs/{sha256}',
    'POST /v1/releases',
    'GET /v1/relays/reports',
  ],
  'key that may nothing': reading,
  'relay pve1': [...relaying, 'GET /v1/trust'],
  'relay pve2': [...relaying, 'GET /v1/trust'],
  'pending relay': ['GET /v1/trust'],
};

/** Objects that a route has whatever is asked of it. */
const fixedObjects = [
  ['/v1/tokens/', 'tok_01ARZ3NDEKTSV4RRFFQ69G5FAV'],
  ['/v1/deployments/', 'dep_01ARZ3NDEKTSV4RRFFQ69G5FAV'],
  ['{sha256}', sampleBlob],
] as const;

const objectsOf = (route: Route): readonly string[] => {
  if (route.path.includes('{host}')) return ['pve1', 'pve2', 'nowhere'];
  if (route.path.includes('{guest}')) return ['gaming', 'devtop', 'nothing'];
  if (route.path.includes('{name}')) return ['evening', 'nightly'];
  if (route.path === '/v1/plans' || (route.path === '/v1/commands' && route.method === 'POST')) {
    return ['gaming', 'devtop'];
  }
  if (route.path.startsWith('/v1/commands/{id}')) return ['of gaming', 'of devtop'];
  return [''];
};

test('threat 17: every principal × route × object has the status that the matrix states, and 403 by default', async () => {
  const { app: _, ...testApp } = await makeTestApp({
    limits: { ownBurst: 10_000, tokenBurst: 10_000, failureBurst: 100_000 },
  });
  const { home, fake } = testApp;
  fake.override('enrolment', { enrol: async () => ({ ok: true, value: { versions: [] } }) });
  fake.override('setup', { claimed: async () => false });
  const commands = new Map(
    ['gaming', 'devtop'].map((target) => {
      const command = makeCommand({ action: 'guest.start', target, params: {} }, 'succeeded');
      fake.commands.set(command.id, command);
      return [`of ${target}`, command.id];
    }),
  );
  const [stranger, starting, releasing, idle] = await Promise.all(
    Array.from({ length: 4 }, async () => (await generateKey()).signing),
  );
  await home.amend((document) => {
    const may = (action: string, target: string) => [{ action, on: [target] }];
    const identities = {
      ...document.identities,
      laptop: { kind: 'key' as const, jwk: starting!.jwk, may: may('guest.start', 'gaming') },
      builder: { kind: 'key' as const, jwk: releasing!.jwk, may: may('release.apply', 'websvcs') },
      idle: { kind: 'key' as const, jwk: idle!.jwk, may: [] },
    };
    return { ...document, identities };
  });
  const keys = {
    operator: home.operator,
    'relay pve1': home.relays.pve1!.signing,
    'relay pve2': home.relays.pve2!.signing,
    'pending relay': testApp.pendingKey,
    'a key that nobody knows': stranger,
    'key that may guest.start gaming': starting,
    'key that may release.apply websvcs': releasing,
    'key that may nothing': idle,
    'the key of the controller': home.controller,
    'the key of a root': home.root,
  };
  const nameless = new Set([
    'stranger',
    'a key that nobody knows',
    'the key of the controller',
    'the key of a root',
  ]);

  const listed = new Set([...open, ...byMac, ...reading, ...owning, ...relaying, ...ordering]);
  for (const route of routes) {
    assert.ok(
      listed.delete(`${route.method} ${route.path}`),
      `${route.method} ${route.path} has no place in the matrix`,
    );
  }
  assert.deepEqual([...listed], [], 'the matrix names no route that is gone');

  let cells = 0;
  for (const [principal, cellsAllowed] of Object.entries(allowed)) {
    const scope = principal.startsWith('token ') ? principal.slice(6).split(' and ') : null;
    const token = scope === null ? null : await testApp.token(scope);
    for (const route of routes) {
      const name = `${route.method} ${route.path}`;
      for (const object of objectsOf(route)) {
        const inPath =
          commands.get(object) ?? fixedObjects.find(([part]) => route.path.includes(part))?.[1] ?? object;
        const call = sampleRequest(route, inPath);
        const leaving = new AbortController();
        const key = keys[principal as keyof typeof keys];
        const authorization =
          token !== null ? `Bearer ${token}` : key === undefined ? null : await testApp.proof(key, call);
        const before = fake.calls.length;
        const response = await testApp.request(call.url, {
          method: call.method,
          ...(call.body !== '' && { rawBody: call.body }),
          headers: {
            ...(authorization !== null && { authorization }),
            ...(route.takes === 'bytes' && { 'content-type': 'application/octet-stream' }),
          },
          signal: leaving.signal,
        });
        leaving.abort();
        const isOpen = open.includes(name) || byMac.includes(name);
        const passes = isOpen || cellsAllowed.includes(name) || cellsAllowed.includes(`${name} ${object}`);
        const cell = `${principal} × ${name} × ${object}: ${response.status}`;
        if (passes) {
          const expected = name === 'DELETE /v1/tokens/{id}' ? [404] : [200, 202];
          assert.ok(expected.includes(response.status), cell);
        } else {
          assert.equal(response.status, nameless.has(principal) ? 401 : 403, cell);
          assert.equal(fake.calls.length, before, `${cell} reached the control plane`);
        }
        await response.body?.cancel();
        cells += 1;
      }
    }
  }
  assert.ok(cells > 500, `${cells} cells`);
});

test('threat 17: the grant that reaches the control plane names the caller and the very object', async () => {
  const { fake, token, asToken, asKey, home } = await makeTestApp();
  await asToken(await token(['guest.start@gaming']), '/v1/guests/gaming/start', { method: 'POST' });
  await asKey(home.operator, '/v1/hosts/pve2/sleep', { method: 'POST' });
  const [start, sleep] = fake.calls.map(({ args }) => args);
  assert.deepEqual(
    [(start![0] as { permission: string }).permission, start![1]],
    ['guest.start@gaming', { action: 'guest.start', target: 'gaming', params: {} }],
  );
  assert.deepEqual(
    [(sleep![0] as { permission: string }).permission, sleep![1], (sleep![2] as { sleep: boolean }).sleep],
    ['host.shutdown@pve2', { action: 'host.shutdown', target: 'pve2', params: {} }, true],
  );
});
