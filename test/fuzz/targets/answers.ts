import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as v from 'valibot';
import { createLink } from '../../../relay/agent/link.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import { pollAnswerSchema, trustChainSchema } from '../../../schema/wire/relay-api.ts';
import { createApi } from '../../../src/cli/api.ts';
import { parseBody } from '../../../src/http/body.ts';
import { quietLog } from '../../relay/agent/fixture.ts';
import { testNonce } from '../../support/relay-home.ts';
import { type Target, textOf } from '../target.ts';

const home = 'h_01HZZZZZZZZZZZZZZZZZZZZZZZ';
const statuses = [200, 202, 400, 403, 404, 409, 429, 500, 503, 200];

/** A server on loopback that answers all with what it was told last. */
async function startEcho() {
  let body = Buffer.alloc(0);
  let status = 200;
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer(input: Uint8Array) {
      status = statuses[(input[0] ?? 0) % statuses.length]!;
      body = Buffer.from(input.subarray(1));
    },
  };
}

const problem = {
  type: 'about:blank',
  title: 'The target is held.',
  status: 409,
  detail: 'gaming is held by another command.',
  code: 'target_held',
  held_by: 'c_01HZZZZZZZZZZZZZZZZZZZZZZZ',
  command_line: 'writ start gaming --force',
};
const poll = {
  heartbeat: 'a.b.c',
  jobs: ['a.b.c'],
  evidence: [],
  trust_version: 1,
  report_wanted: false,
  attest: [`sha256:${'a'.repeat(64)}`],
  receipts_seq: 0,
  last_receipt: null,
};
const bodies = [
  ...['2', '5', '7', '8'].map((digit) => `${digit}${JSON.stringify(problem)}`),
  `2${JSON.stringify(poll)}`,
  `2${JSON.stringify({ versions: [{ payload: 'e30', signatures: [{ protected: 'e30', signature: 'aa' }] }] })}`,
  '0<html>',
];

const cli: Target = {
  name: 'cli-answers',
  covers: ['src/cli/api.ts:createApi', 'schema/api/problem.ts:problemSchema'],
  corpus: () => bodies,
  async open() {
    const echo = await startEcho();
    const { signing } = await generateKey();
    const api = createApi({
      origin: echo.origin,
      spki: null,
      home,
      operator: signing,
      now: () => 0,
      random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    });
    return async (input) => {
      echo.answer(input);
      const asked = await api.call({ method: 'GET', url: '/v1/x', answer: v.unknown() });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not reach a terminal
      if (!asked.ok && /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(asked.detail)) {
        throw new Error('control characters reach the terminal');
      }
      const bytes = await api.getBytes('/v1/x', 60_000);
      const failed = [asked, bytes].find((one) => !one.ok);
      return failed === undefined ? null : { ok: true, failed };
    };
  },
};

const relay: Target = {
  name: 'relay-answers',
  covers: ['relay/agent/link.ts:createLink', 'schema/wire/relay-api.ts:pollAnswerSchema'],
  corpus: () => bodies,
  async open() {
    const echo = await startEcho();
    const { signing } = await generateKey();
    const link = createLink({
      home,
      key: signing,
      origins: () => [{ url: echo.origin }],
      clock: { now: () => 0, uptimeMs: () => performance.now() },
      nonce: testNonce,
      log: quietLog(),
    });
    return async (input) => {
      echo.answer(input);
      await link.call({ method: 'POST', path: '/v1/relay/poll', body: () => ({}), schema: pollAnswerSchema });
      await link.bytes({ path: '/v1/x', maxBytes: 60_000, timeoutMs: 5_000, fits: async () => false });
      const answer = await link.call({ method: 'GET', path: '/v1/trust', schema: trustChainSchema });
      return answer;
    };
  },
};

const body: Target = {
  name: 'http-body',
  covers: ['src/http/body.ts:parseBody'],
  maxBytes: 20_000,
  corpus: () => [
    'application/json\n{"a":1}',
    'application/json; charset="utf-8"\n{"force":true,"targets":["a"]}',
    'application/json;charset=utf-16\n[]',
  ],
  open: () => (input) => {
    const end = Math.max(0, input.indexOf(0x0a));
    const type = textOf(input.subarray(0, end)).replace(/[^\x20-\x7e]/g, '');
    return parseBody(new Headers({ 'content-type': type }), input.subarray(end + 1), 20_000);
  },
};

export const answerTargets: readonly Target[] = [cli, relay, body];
