import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { asBytes, tryInput } from './engine.ts';
import { targets } from './targets.ts';

const root = join(import.meta.dirname, '..', '..');

/** Functions that others may call with a text or bytes of a stranger's. */
const exported =
  /^export (?:async )?(?:function|const) ((?:parse|read|decode|accept|verify|follow|from|looksLike|import)[A-Z]\w*)\b[^\n]*?([(][\s\S]*?)(?:=>|\{\n|;\n)/gm;
const foreign = /:\s*(?:readonly )?(?:string|Uint8Array|Bytes|unknown|TrustJws)\b/;

/** What looks like such a reader and is none. */
const spared: Readonly<Record<string, string>> = {
  'schema/trust/grant.ts:readLimit':
    'a limit is read once its form was judged by the shape that it stands in',
  'schema/chain/chain.ts:followChain': 'what reads its entries is given to it, and fuzzed',
  'schema/jose/jws.ts:verifyJws': 'verifyJwsBytes, then parsePayload',
  'schema/jose/jws.ts:verifyReadJws': 'readJws, then parsePayload',
};

test('every reader of texts or bytes in the schema is fuzzed', () => {
  const covered = new Set(targets.flatMap(({ covers }) => covers));
  const missing: string[] = [];
  let found = 0;
  for (const path of globSync('schema/**/*.ts', { cwd: root })) {
    for (const [, name, parameters] of readFileSync(join(root, path), 'utf8').matchAll(exported)) {
      if (!foreign.test(parameters!)) continue;
      found += 1;
      const id = `${path}:${name}`;
      if (!covered.has(id) && !Object.hasOwn(spared, id)) missing.push(id);
    }
  }
  assert.ok(found > 25, `${found} readers`);
  assert.deepEqual(missing, [], 'add a target in test/fuzz/targets/, or say why none is needed');
});

test('targets name what is there, and no name stands twice', () => {
  for (const { covers } of targets) {
    for (const id of covers) {
      const [path, name] = id.split(':') as [string, string];
      const text = readFileSync(join(root, path), 'utf8');
      assert.match(text, new RegExp(`^export (async )?(function|const) ${name}\\b`, 'm'), id);
    }
  }
  const names = targets.map(({ name }) => name);
  assert.deepEqual(names, [...new Set(names)]);
  for (const id of Object.keys(spared)) {
    const [path, name] = id.split(':') as [string, string];
    assert.match(readFileSync(join(root, path), 'utf8'), new RegExp(`function ${name}\\b`), id);
  }
});

for (const target of targets) {
  test(`${target.name}: what the real code made is read without a fault`, async () => {
    const corpus = await target.corpus();
    assert.ok(corpus.length > 0);
    const read = await target.open();
    const outcomes = new Set<string>();
    for (const input of corpus) {
      const { fault, outcome } = await tryInput(read, asBytes(input));
      assert.equal(fault, null, fault?.detail);
      outcomes.add(outcome);
    }
  });
}
