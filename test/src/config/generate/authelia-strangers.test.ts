import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authelia } from '../../../../src/config/generate/authelia.ts';
import { generateFor, homeOf } from '../../../support/compiled-home.ts';
import { box, proxyHome } from '../../../support/proxy-home.ts';

/** What is doubted of routes on two machines, each `machine: route`. */
function told(apps: Readonly<Record<string, readonly [on: string, route: string]>>): string[] {
  const boxes = Object.entries(apps).map(([app, [on, route]]) => box(app, on, `route: ${route}`));
  const { home } = homeOf(Object.assign({}, proxyHome, ...boxes));
  const place = { app: 'authelia', target: 'secsvcs' };
  return generateFor(authelia, 'access-control', home, place).doubts.map(
    ({ severity, code, message }) => `${severity} ${code}: ${message}`,
  );
}

const wide = ['secsvcs', '{ host: "*", port: 80, access: admins }'] as const;
const close = ['websvcs', '{ host: "*.w", port: 81, access: family }'] as const;
const message =
  'error access_unclear: c.w.example.net leads to wide on secsvcs, and Authelia takes it for the wildcard of close on websvcs, which different people may pass';

test('a name below the wildcards of two proxies, whose own route does not have every request, is an error', () => {
  const some = ['secsvcs', '{ host: c.w.example.net, port: 82, when: { not_path: /a } }'] as const;
  assert.deepEqual(told({ wide, close, some }), [message]);
  const all = ['secsvcs', '{ host: c.w.example.net, port: 82 }'] as const;
  assert.deepEqual(told({ wide, close, all }), []);
  assert.deepEqual(told({ wide, close }), []);
  // The same people may pass, or nobody is asked.
  const same = ['websvcs', '{ host: "*.w", port: 81, access: admins }'] as const;
  assert.deepEqual(told({ wide, close: same, some }), []);
  const open = ['secsvcs', '{ host: "*", port: 80, access: anyone }'] as const;
  assert.deepEqual(told({ wide: open, close, some }), []);
  // Where all are on one proxy, it asks in this order, too.
  assert.deepEqual(told({ wide, close: ['secsvcs', close[1]], some }), []);
});

test('a wildcard of another proxy that is to be tried before the name itself is an error', () => {
  const first = ['websvcs', '{ host: "*.w", port: 81, access: family, priority: 900 }'] as const;
  const name = ['secsvcs', '{ host: c.w.example.net, port: 82, access: admins }'] as const;
  assert.deepEqual(told({ first, name }), [
    'error access_unclear: c.w.example.net leads to name on secsvcs, and Authelia takes it for the wildcard of first on websvcs, which different people may pass',
  ]);
  assert.deepEqual(told({ first: close, name }), []);
});
