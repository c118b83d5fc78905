import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import * as v from 'valibot';
import { generateKey } from '../../../schema/jose/keys.ts';
import { fromPaper, toPaper } from '../../../src/cli/paper.ts';
import { openRoot, type RootFile, rootFileSchema, sealRoot } from '../../../src/cli/seal.ts';

test('a sealed root opens with its passphrase alone, and hides the key', async () => {
  const { secret } = await generateKey();
  const file = await sealRoot(secret, 'correct horse battery');
  assert.ok(v.is(rootFileSchema, JSON.parse(JSON.stringify(file))));
  assert.ok(!JSON.stringify(file).includes(secret.d));
  assert.deepEqual(await openRoot(file, 'correct horse battery'), { ok: true, value: secret });
  const wrong = await openRoot(file, 'correct horse batterz');
  assert.equal(wrong.ok, false);
});

test('the passphrase is the same however its accents were typed', async () => {
  const { secret } = await generateKey();
  const file = await sealRoot(secret, 'cafe\u0301 am Meer');
  assert.ok((await openRoot(file, 'caf\u00e9 am Meer')).ok);
});

test('a changed byte anywhere in a sealed root is noticed', async () => {
  const { secret } = await generateKey();
  const file = await sealRoot(secret, 'correct horse battery');
  assert.ok(file.sealed === 'scrypt+aes-256-gcm');
  for (const member of ['salt', 'nonce', 'box'] as const) {
    const first: string = file[member][0] === 'A' ? 'B' : 'A';
    const changed: RootFile = { ...file, [member]: first + file[member].slice(1) };
    assert.equal((await openRoot(changed, 'correct horse battery')).ok, false, member);
  }
});

test('two seals of one root share nothing', async () => {
  const { secret } = await generateKey();
  const [one, two] = await Promise.all([sealRoot(secret, 'a passphrase'), sealRoot(secret, 'a passphrase')]);
  assert.ok(one.sealed !== 'trial' && two.sealed !== 'trial');
  assert.notEqual(one.salt, two.salt);
  assert.notEqual(one.nonce, two.nonce);
  assert.notEqual(one.box, two.box);
});

test('a key comes back from paper, however it was copied', () => {
  for (let round = 0; round < 50; round += 1) {
    const secret = new Uint8Array(randomBytes(32));
    const paper = toPaper(secret);
    assert.match(paper, /^([0-9A-HJKMNP-TV-Z]{4}-){13}[0-9A-HJKMNP-TV-Z]{4}$/);
    assert.deepEqual(fromPaper(paper), { ok: true, value: secret });
    const sloppy = paper.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l');
    assert.deepEqual(fromPaper(sloppy), { ok: true, value: secret });
  }
});

test('a misread, missing or swapped character on paper is noticed', () => {
  const secret = new Uint8Array(randomBytes(32));
  const paper = toPaper(secret).replaceAll('-', '');
  assert.equal(fromPaper(paper.slice(1)).ok, false);
  assert.equal(fromPaper(`${paper}0`).ok, false);
  assert.equal(fromPaper(`U${paper.slice(1)}`).ok, false);
  for (let at = 0; at < paper.length; at += 1) {
    const other = paper[at] === '7' ? '8' : '7';
    assert.equal(fromPaper(paper.slice(0, at) + other + paper.slice(at + 1)).ok, false, `character ${at}`);
  }
});
