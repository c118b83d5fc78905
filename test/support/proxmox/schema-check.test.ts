import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routes } from './routes.ts';
import { createSchemaCheck, loadSchemaCheck } from './schema-check.ts';
import { startProxmoxSimulator } from './simulator.ts';

const check = createSchemaCheck([
  {
    path: '/nodes/{node}/things/{id}',
    methods: {
      POST: {
        allowtoken: 1,
        parameters: {
          additionalProperties: 0,
          properties: {
            node: { type: 'string', format: 'pve-node' },
            id: { type: 'integer', minimum: 100, maximum: 999 },
            mode: { type: 'string', enum: ['soft', 'hard'] },
            force: { type: 'boolean', optional: 1 },
            'net[n]': { type: 'string', optional: 1, maxLength: 4 },
            store: { type: 'string', optional: 1, requires: 'force' },
            mark: { type: 'string', optional: 1, pattern: '(?^:[a-f]+)' },
          },
        },
        returns: { type: 'array', items: { type: 'object', properties: { n: { type: 'integer' } } } },
      },
      GET: { parameters: { additionalProperties: 0 }, returns: { type: 'null' } },
    },
  },
  { path: '/nodes/{node}/things/all', methods: { GET: { allowtoken: 1, returns: { type: 'null' } } } },
]);

const path = '/nodes/pve/things/100';

test('a request that is as the schema says has no faults', () => {
  for (const params of [
    { mode: 'soft' },
    { mode: 'hard', force: '1', store: 'x', mark: 'abc' },
    { mode: 'soft', net0: 'abcd', net17: '' },
  ]) {
    assert.deepEqual(check.request('POST', path, params), []);
  }
});

const wrong: readonly [string, string, string, Record<string, string>, RegExp][] = [
  ['an unknown path', 'GET', '/nodes/pve/things', {}, /no such method and path/],
  ['an unknown method', 'PUT', path, {}, /no such method and path/],
  ['a method that refuses tokens', 'GET', path, {}, /API token/],
  ['a missing parameter', 'POST', path, {}, /mode: missing/],
  ['an unknown parameter', 'POST', path, { mode: 'soft', x: '1' }, /x: not in the schema/],
  ['a wrong enum', 'POST', path, { mode: 'brutal' }, /mode: not one of/],
  ['a wrong boolean', 'POST', path, { mode: 'soft', force: '2' }, /force: not of type boolean/],
  ['a lone dependent', 'POST', path, { mode: 'soft', store: 'x' }, /store: needs force/],
  ['too long', 'POST', path, { mode: 'soft', net0: 'abcde' }, /net0: too long/],
  ['a pattern', 'POST', path, { mode: 'soft', mark: 'abcx' }, /mark: does not match/],
  ['a path parameter too small', 'POST', '/nodes/pve/things/99', { mode: 'soft' }, /id: below/],
  ['a path parameter of a wrong type', 'POST', '/nodes/pve/things/x', { mode: 'soft' }, /id: not of type/],
  ['a malformed node', 'POST', '/nodes/-/things/100', { mode: 'soft' }, /node: not a pve-node/],
  ['a path parameter twice', 'POST', path, { mode: 'soft', id: '100' }, /id: given in the path and again/],
];
for (const [name, method, at, params, expected] of wrong) {
  test(`${name} is a fault`, () => assert.match(check.request(method, at, params).join('; '), expected));
}

test('answers are held against what the schema says is returned', () => {
  assert.deepEqual(check.answer('POST', path, []), []);
  assert.deepEqual(check.answer('POST', path, [{ n: 1 }, { n: '2', more: 'x' }]), []);
  assert.match(check.answer('POST', path, null).join(), /data: not of type array/);
  assert.match(check.answer('POST', path, [{ n: 'x' }]).join(), /data\[0\]\.n: not of type integer/);
  assert.match(check.answer('POST', path, [{}]).join(), /data\[0\]\.n: missing/);
  assert.match(check.answer('GET', '/nodes/pve/things/all', 'x').join(), /data: not of type null/);
});

/** Values of parameters for which `1` is none, by the path's end where a name means several things. */
const samples: Readonly<Record<string, unknown>> = {
  '/status command': 'reboot',
  '/exec command': ['true'],
  '/resources type': 'vm',
  snapshot: 'before',
  type: 'dir',
};
const sampleFor = (path: string, name: string): unknown =>
  samples[`${path.slice(path.lastIndexOf('/'))} ${name}`] ?? samples[name] ?? '1';

test('every route of the simulator is one of the official schema, open to tokens', (t) => {
  const official = loadSchemaCheck();
  if (official === undefined) {
    t.diagnostic('shared data: absent, the simulator was not held against the official schema');
    return;
  }
  const upid = 'UPID:pve:0000C3A1:00A5D3F2:6B03A0C1:qmstart:203:writ@pve:';
  for (const route of routes) {
    const at = route.path
      .replace('{node}', 'pve')
      .replace('{vmid}', '100')
      .replace('{upid}', encodeURIComponent(upid));
    const required = Object.fromEntries((route.required ?? []).map((name) => [name, sampleFor(at, name)]));
    assert.deepEqual(official.request(route.method, at, required), [], `${route.method} ${route.path}`);
    for (const name of Object.keys(route.params ?? {})) {
      const faults = official.request(route.method, at, { ...required, [name]: sampleFor(at, name) });
      assert.deepEqual(faults, [], `${route.method} ${route.path} ${name}`);
    }
  }
});

test('the simulator records what the schema finds, in requests and answers', async (t) => {
  const simulator = await startProxmoxSimulator({
    node: 'pve',
    guests: [],
    tokens: [{ token: 'a@pve!b=c' }],
    schema: { request: () => ['bad request'], answer: () => ['bad answer'] },
  });
  t.after(() => simulator.close());
  const { createHttpsClient } = await import('../../../relay/drivers/https-client.ts');
  const client = createHttpsClient({ pin: simulator.pins.spki });
  t.after(() => client.close());
  const answer = await client.request({
    method: 'GET',
    url: `${simulator.url}/api2/json/version`,
    headers: { authorization: 'PVEAPIToken=a@pve!b=c' },
    timeoutMs: 5_000,
    maxBytes: 10_000,
  });
  assert.ok(answer.ok);
  assert.deepEqual(simulator.violations, ['GET /version: bad request', 'answer to GET /version: bad answer']);
});
