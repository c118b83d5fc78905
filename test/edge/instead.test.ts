import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import * as sockets from '../../edge/instead/isomorphic-ws.ts';
import { Base64 } from '../../edge/instead/js-base64.ts';
import limit from '../../edge/instead/promise-limit.ts';

const root = join(import.meta.dirname, '../..');
const packages = join(root, 'node_modules/@libsql');
const { Base64: published } = createRequire(join(packages, 'core/package.json'))('js-base64') as {
  readonly Base64: typeof Base64;
};

/** The modules of libSQL's client that a Worker bundles. */
const sources = globSync('{client,core,hrana-client}/lib-esm/**/*.js', { cwd: packages }).map((path) => ({
  path,
  text: readFileSync(join(packages, path), 'utf8'),
}));

test('each stands for the package that wrangler.toml says, and the client imports no more of it', () => {
  const config = readFileSync(join(root, 'wrangler.toml'), 'utf8');
  const aliases = [...config.matchAll(/^"(\S+)" = "\.\/edge\/instead\/(\S+)"$/gm)];
  assert.deepEqual(aliases.map(([, , file]) => file).sort(), readdirSync(join(root, 'edge/instead')).sort());
  const imported = sources.flatMap(({ text }) =>
    [...text.matchAll(/^(?:import|export) (.+) from "([^."][^"]*)";$/gm)]
      .filter(([, , from]) => aliases.some(([, name]) => name === from))
      .map(([, what, from]) => `${what} from ${from}`),
  );
  assert.deepEqual([...new Set(imported)].sort(), [
    'promiseLimit from promise-limit',
    '{ Base64 } from js-base64',
    '{ WebSocket } from @libsql/isomorphic-ws',
  ]);
  const called = sources.flatMap(({ text }) =>
    [...text.matchAll(/\bBase64\.(\w+)/g)].map(([, name]) => name!),
  );
  assert.deepEqual([...new Set(called)].sort(), Object.keys(Base64).sort());
  const limited = sources.flatMap(({ text }) => text.match(/promiseLimit\w*\([^)]*\)/g) ?? []);
  assert.deepEqual([...new Set(limited)].sort(), [
    'promiseLimit(concurrency)',
    'promiseLimit(this.#concurrency)',
    'promiseLimitFunction(fn)',
  ]);
});

test('Base64 is that of the package, whatever the bytes, and reads what has no padding', () => {
  const judge = (bytes: Uint8Array): void => {
    const text = Base64.fromUint8Array(bytes);
    assert.equal(text, published.fromUint8Array(bytes));
    assert.deepEqual(Base64.toUint8Array(text), bytes);
    assert.deepEqual(Base64.toUint8Array(text.replace(/=+$/, '')), bytes);
  };
  fc.assert(fc.property(fc.uint8Array(), judge));
  for (const length of [8_191, 8_192, 8_193, 1_000_000]) judge(new Uint8Array(randomBytes(length)));
});

test('so many run at once and no more, in their order, also where one fails', async () => {
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const run = limit(2);
  const works = [0, 1, 2, 3].map((one) =>
    run(async () => {
      begun.push(one);
      await new Promise<void>((resolve) => ends.push(resolve));
      if (one === 0) throw new Error('as it came');
      return one;
    }),
  );
  const settled = Promise.allSettled(works);
  assert.deepEqual(begun, [0, 1]);
  ends[0]!();
  await assert.rejects(works[0]!, /as it came/);
  await turn();
  assert.deepEqual(begun, [0, 1, 2]);
  ends[1]!();
  ends[2]!();
  await Promise.all([works[1], works[2]]);
  await turn();
  ends[3]!();
  assert.deepEqual(
    (await settled).map((one) => (one.status === 'fulfilled' ? one.value : null)),
    [null, 1, 2, 3],
  );
  const after = [4, 5, 6].map((one) => run(async () => begun.push(one)));
  assert.deepEqual(begun, [0, 1, 2, 3, 4, 5], 'both places are free again');
  await Promise.all(after);
});

test('there are no WebSockets: the client says then that the environment has none', () => {
  assert.equal(sockets.WebSocket, undefined);
});
