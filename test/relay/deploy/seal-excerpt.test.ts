import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import * as v from 'valibot';
import { sealExcerpt } from '../../../relay/deploy/seal-excerpt.ts';
import type { Machine } from '../../../relay/machine/machine.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import { ok, refuse } from '../../../schema/result.ts';
import { excerptOf, maxExcerptBytes } from '../../../schema/wire/excerpt.ts';
import { maxReceiptBytes } from '../../../schema/wire/limits.ts';
import { type Receipt, receiptSchema } from '../../../schema/wire/receipt.ts';
import { decryptAge, makeIdentity } from '../../../src/cli/secrets/age.ts';
import { homeId } from '../../src/cli/home-fixture.ts';
import { createMemoryMachine } from '../../support/memory-machine.ts';
import { missing } from '../../support/missing.ts';

const open = async (sealed: string | null, { identity }: { identity: string }): Promise<string> => {
  assert.ok(sealed !== null);
  const file = excerptOf({ state: 'failed', result: { excerpt: sealed } });
  assert.ok(file !== null);
  const opened = await decryptAge(file, [{ identity }]);
  assert.ok(opened.ok, JSON.stringify(opened));
  return Buffer.from(opened.value).toString();
};

describe('an excerpt', () => {
  test('is read by each reader of trust, and by nobody else', async () => {
    const [one, two, stranger] = await Promise.all([1, 2, 3].map(() => makeIdentity('classic')));
    const sealed = await sealExcerpt(createMemoryMachine(), [one!.recipient, two!.recipient], 'why\n');
    for (const key of [one!, two!]) assert.equal(await open(sealed, key), 'why\n');
    await assert.rejects(open(sealed, stranger!), /age_not_for_key/);
  });

  test('keeps the first line and the end of what is too long, for any readers that there is room for', async () => {
    const text = `web.service is failed\n${'x'.repeat(20_000)}\nthe end`;
    for (const [count, kind] of [
      [1, 'classic'],
      [8, 'classic'],
      [1, 'post_quantum'],
      [2, 'post_quantum'],
    ] as const) {
      const keys = await Promise.all(Array.from({ length: count }, () => makeIdentity(kind)));
      const recipients = keys.map(({ recipient }) => recipient);
      const said = await open(await sealExcerpt(createMemoryMachine(), recipients, text), keys.at(-1)!);
      assert.match(said, /^web\.service is failed\n…\nx*\nthe end$/);
      assert.ok(said.length > 200, `${count} ${kind}: ${said.length}`);
    }
  });

  test('goes to classic readers alone where there are both, as age does not take both', async () => {
    const [classic, hybrid] = await Promise.all([makeIdentity('classic'), makeIdentity('post_quantum')]);
    const machine = createMemoryMachine();
    const sealed = await sealExcerpt(machine, [hybrid.recipient, classic.recipient], 'why');
    assert.equal(await open(sealed, classic), 'why');
    assert.deepEqual(machine.ran, [`age -e -r ${classic.recipient}`]);
  });

  test('is none without readers, without age, or where something else than a file of age comes back', async () => {
    const { recipient } = await makeIdentity('classic');
    const machine = createMemoryMachine();
    assert.equal(await sealExcerpt(machine, [], 'why'), null);
    assert.deepEqual(machine.ran, []);
    const answers: Machine['run'][] = [
      async () => refuse('program_missing'),
      async () => ok({ code: 1, stdout: new Uint8Array(), stderr: new Uint8Array() }),
      async (_, { stdin }) => ok({ code: 0, stdout: new Uint8Array(stdin!), stderr: new Uint8Array() }),
      async () =>
        ok({
          code: 0,
          stdout: new Uint8Array(Buffer.from('age-encryption.org/v1\n'.padEnd(maxExcerptBytes + 1))),
          stderr: new Uint8Array(),
        }),
    ];
    for (const run of answers) assert.equal(await sealExcerpt({ ...machine, run }, [recipient], 'why'), null);
  });

  test('is one that age itself makes', async () => {
    const key = await makeIdentity('classic');
    if (spawnSync('age', ['--version']).error !== undefined) return missing('age, to seal as a target does');
    const run: Machine['run'] = async ([program, ...words], { stdin }) => {
      const { status, stdout, stderr } = spawnSync(program, words, { input: stdin! });
      return ok({ code: status!, stdout: new Uint8Array(stdout), stderr: new Uint8Array(stderr) });
    };
    const text = 'why\n'.repeat(2_000);
    const said = await open(await sealExcerpt({ ...createMemoryMachine(), run }, [key.recipient], text), key);
    assert.ok(said.length > 3_000 && text.endsWith(said.slice(10)));
  });

  test('has room in the largest receipt there is', async () => {
    const start = Buffer.from('age-encryption.org/v1\n');
    const file = Buffer.concat([start, Buffer.alloc(maxExcerptBytes - start.length, 255)]);
    const digest = `sha256:${'f'.repeat(64)}` as const;
    const name = 'n'.repeat(31);
    const receipt: Receipt = {
      home: homeId,
      relay: name,
      seq: Number.MAX_SAFE_INTEGER,
      previous: digest,
      intent: digest,
      step: 63,
      action: `${'a'.repeat(19)}.${'b'.repeat(40)}`,
      target: name,
      state: 'unknown',
      code: 'c'.repeat(61),
      result: { excerpt: file.toString('base64url') },
      time: Number.MAX_SAFE_INTEGER,
      boot: 'b'.repeat(64),
    };
    assert.ok(v.is(receiptSchema, receipt));
    const jws = await signJws('receipt', receipt, (await generateKey()).signing);
    assert.ok(jws.length <= maxReceiptBytes, String(jws.length));
    assert.ok(excerptOf(receipt) !== null);
    assert.equal(excerptOf({ ...receipt, state: 'succeeded' }), null);
    for (const excerpt of [
      'bm8',
      5,
      `${receipt.result!.excerpt}A`,
      Buffer.concat([file, file]).toString('base64url'),
    ])
      assert.equal(excerptOf({ ...receipt, result: { excerpt } }), null);
  });
});
