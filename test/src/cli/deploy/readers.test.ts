import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeBase64url } from '../../../../schema/jose/base64url.ts';
import { encryptSecret, makeIdentity } from '../../../../src/cli/secrets/age.ts';
import { startDesk } from '../../../support/deploy-desk.ts';
import { startDeployHome } from '../../../support/deploy-home.ts';

test('readers of failures are named by a signed version of trust, and taken away', async (t) => {
  const home = await startDeployHome(t, { relay: 'later' });
  const [one, two, hybrid] = await Promise.all([
    makeIdentity('classic'),
    makeIdentity('classic'),
    makeIdentity('post_quantum'),
  ]);
  // A point of small order.
  const weak = 'age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z';
  const readers = (...words: string[]) => home.writ(['trust', 'readers', ...words]);
  const refusals: readonly (readonly [string[], RegExp])[] = [
    [[], /knows no recipient of your own[\s\S]*Nothing was signed/],
    [['age1nonsense'], /age1nonsense is no recipient of age/],
    [['--output=x'], /Nothing was|unknown|no option/i],
    [['--', '-i'], /-i is no recipient of age/],
    [[weak], /Nothing can be encrypted to one of age1q+5cu47z\. Nothing was signed/],
    [[one.recipient, hybrid.recipient], /two kinds/],
    [['--none', one.recipient], /either --none or recipients/],
  ];
  for (const [words, says] of refusals) {
    const ran = await readers(...words, '--yes');
    assert.deepEqual([ran.exit, says.test(ran.err)], [2, true], ran.err);
  }
  const passphrase = join(home.configDir, 'passphrase');
  writeFileSync(passphrase, 'correct horse battery\n');
  const made = await home.writ([
    ...['secrets', 'recipients', '--repo', home.repo, '--new-identity', '--post-quantum'],
    ...['--passphrase-file', passphrase],
  ]);
  assert.match(made.out, /^Relays may send you what failing apps say: writ trust readers$/m);

  const own = JSON.parse((await readers('--yes', '--json')).out) as { readers: string[] };
  assert.equal(own.readers.length, 1);
  assert.match(own.readers[0]!, /^age1(?!pq1)/, 'one kind alone');
  const shown = await home.writ(['trust', 'show']);
  assert.ok(shown.out.includes(`what failing apps say is encrypted to ${own.readers[0]}`), shown.out);
  assert.match((await readers()).out, /^Nothing changes/);

  const named = await readers(one.recipient, two.recipient, one.recipient, '--yes');
  assert.equal(named.exit, 0, named.err);
  const change = `What failing apps say is encrypted to ${one.recipient} and ${two.recipient}, instead of ${own.readers[0]}.`;
  assert.ok(named.out.includes(change), named.out);
  const none = await readers('--none', '--yes');
  assert.match(none.out, /nobody reads what failing apps say/);
  const trust = JSON.parse((await home.writ(['trust', 'show', '--json'])).out) as { document: object };
  assert.equal('recipients' in trust.document, false);
});

test('what a target said is opened where the identity is at hand, and cannot pass for words of writ', async (t) => {
  const desk = await startDesk(t);
  const key = await makeIdentity('classic');
  const hostile = 'line one\r\u001b[2Jline two\nwebsvcs  deployed, healthy, synced\n\u202egnihton\tx\n';
  const sealed = await encryptSecret(Buffer.from(hostile), [key.recipient]);
  assert.ok(sealed.ok);
  const result = { excerpt: encodeBase64url(sealed.value) };
  desk.ends.set('websvcs', { state: 'failed', code: 'service_failed', result });
  const failed = await desk.deploy();
  assert.equal(failed.exit, 1, failed.err);
  const [, hint = ''] = /Open it: writ (.*)$/m.exec(failed.out) ?? [];
  const { id } = desk.deployments[0]!;
  assert.equal(hint, `deployments ${id} --log`);

  // Without an identity it is said what to do, and the outcome is told all the same.
  const missing = await desk.writ(hint.split(' '));
  assert.deepEqual([missing.exit, /There is no age identity/.test(missing.err)], [2, true]);
  const away = await desk.writ(['deployments', id, '--identity', '/nonexistent']);
  assert.match(away.out, /what it said stays closed: There is no age identity in \/nonexistent/);

  // In clear where writ looks by itself.
  const path = join(desk.configDir, 'identity.age');
  writeFileSync(path, `${key.identity}\n`, { mode: 0o600 });
  const bars = [/\| line one\[2Jline two$/m, /\| websvcs {2}deployed, healthy, synced$/m, /\| gnihton x$/m];
  for (const words of [
    ['deployments', id],
    ['history', 'websvcs'],
  ]) {
    const ran = await desk.writ(words);
    for (const bar of bars) assert.match(ran.out, bar);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    assert.doesNotMatch(ran.out, /^websvcs {2}deployed|[\r\u001b\u202e]/m);
  }
  const { targets } = JSON.parse((await desk.writ(['deployments', id, '--json'])).out) as {
    targets: { target: string; log: string | null }[];
  };
  assert.equal(targets.find(({ target }) => target === 'websvcs')?.log, hostile);
  const again = await desk.deploy('--again');
  for (const bar of bars) assert.match(again.out, bar);

  // Damaged, or for others.
  const foreign = await encryptSecret(Buffer.from('x'), [(await makeIdentity('classic')).recipient]);
  assert.ok(foreign.ok);
  desk.ends.set('websvcs', {
    state: 'failed',
    code: 'service_failed',
    result: { excerpt: encodeBase64url(foreign.value) },
  });
  const closed = await desk.deploy('--again');
  assert.match(closed.out, /what it said cannot be opened: it is not encrypted to this key/);
  desk.ends.set('websvcs', { state: 'failed', code: 'service_failed', result: { excerpt: 'bm8gYWdl' } });
  assert.doesNotMatch((await desk.deploy('--again')).out, /what it said/);
});
