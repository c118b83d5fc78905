import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { emptyHead, nextHead } from '../../../../schema/chain/chain.ts';
import type { Witness } from '../../../../schema/chain/witness.ts';
import { signJws } from '../../../../schema/jose/jws.ts';
import { generateKey, type SigningKey } from '../../../../schema/jose/keys.ts';
import { writeHomeFile, writeOperator, writeTrust } from '../../../../src/cli/home.ts';
import { addressOf } from '../../../../src/cli/witness/source.ts';
import { type Fixture, homeId, makeFixture, now } from '../home-fixture.ts';
import { type Ran, runWrit } from '../terminal-fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'writ-witness-'));
const config = join(folder, 'owner');
let fixture: Fixture;

/** A log whose entries name what happened, and its hash after each. */
type Log = { readonly entries: readonly string[]; readonly hashes: readonly string[] };
async function logOf(events: readonly string[]): Promise<Log> {
  const entries: string[] = [];
  const hashes: string[] = [];
  let head = await emptyHead('audit');
  for (const event of events) {
    const fixed = { time: now, event, principal: 'operator', facts: {} };
    const text = JSON.stringify({ seq: head.seq + 1, previous: head.hash, ...fixed });
    head = await nextHead('audit', head, text);
    entries.push(text);
    hashes.push(head.hash);
  }
  return { entries, hashes };
}

const events = [
  'claimed',
  'token.created',
  'command.accepted',
  'receipt',
  'receipt',
  'trust.accepted',
  'started',
];
let log: Log;

const witness = (
  relay: 'cloud' | 'pve1' | 'pve2',
  seq: number,
  change: Partial<Witness> = {},
  by: SigningKey = fixture.relays[relay],
): Promise<string> => {
  const hash = (log.hashes[seq - 1] ?? log.hashes[0]) as Witness['hash'];
  return signJws('witness', { home: homeId, relay, seq, hash, time: now, ...change }, by);
};

let files = 0;
const fileOf = (text: string): string => {
  const path = join(folder, `file-${++files}`);
  writeFileSync(path, text);
  return path;
};
const verify = (entries: readonly string[], witnesses: readonly string[]): Promise<Ran> =>
  runWrit([
    ...['audit', 'verify', fileOf(`${entries.join('\n')}\n`), '--config', config],
    ...['--witness', fileOf(witnesses.join('\n'))],
  ]);

async function serveText(listener: RequestListener): Promise<{ url: string; close(): void }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

before(async () => {
  fixture = await makeFixture();
  log = await logOf(events);
  const { secret } = await generateKey();
  mkdirSync(config);
  writeOperator(config, secret);
  writeTrust(config, fixture.trust);
  const file = { v: 1, home: homeId, origin: 'https://127.0.0.1:8420', spki: null, trial: true } as const;
  writeHomeFile(config, file);
});
after(() => rmSync(folder, { recursive: true }));

describe('threat 13: audit verify --witness', () => {
  test('says up to which entry who confirms the log', async () => {
    const ran = await verify(log.entries, [await witness('pve1', 3), await witness('pve2', 5)]);
    assert.equal(ran.exit, 0, ran.err);
    assert.match(ran.out, /is whole: 7 entries/);
    assert.match(ran.out, /Confirmed up to entry 5 by pve2 on .+ and 3 by pve1 on /);
    assert.match(ran.out, /Entries after 5 are younger than the newest witness/);
  });

  test('an entry that was changed, and all after it chained anew, is named by who saw it', async () => {
    const other = await logOf(events.with(3, 'token.revoked'));
    const plain = await runWrit(['audit', 'verify', fileOf(other.entries.join('\n')), '--config', config]);
    assert.equal(plain.exit, 0, 'by itself nobody could tell');
    const ran = await verify(other.entries, [
      await witness('pve1', 3),
      await witness('pve2', 5),
      await witness('pve1', 7),
    ]);
    assert.equal(ran.exit, 3);
    assert.match(ran.err, /Entry 5 is not the one that was seen by pve2 on .*: the log was rewritten/);
    assert.match(ran.err, /The first entry that was changed is one of 4 to 5\./);
    assert.match(ran.err, /Confirmed up to entry 3 by pve1/);
    const exact = await verify(other.entries, [await witness('pve1', 3), await witness('pve2', 4)]);
    assert.match(exact.err, /Entry 4 itself was changed\./);
  });

  test('a flip in one entry is named although the chain breaks behind it', async () => {
    const flipped = log.entries.with(3, log.entries[3]!.replace('receipt', 'receipx'));
    const ran = await verify(flipped, [await witness('pve1', 3), await witness('pve2', 4)]);
    assert.equal(ran.exit, 3);
    assert.match(ran.err, /Entry 4 itself was changed\./);
    assert.match(ran.err, /entry 5 does not follow the one before/);
    const last = log.entries.with(6, log.entries[6]!.replace('started', 'starred'));
    assert.match((await verify(last, [await witness('cloud', 7)])).err, /first entry .* is one of 1 to 7/);
  });

  test('entries in another order, and entries left out in the middle, break the chain where they stand', async () => {
    const seen = [await witness('pve1', 2), await witness('pve2', 6)];
    const swapped = log.entries.with(3, log.entries[5]!).with(5, log.entries[3]!);
    for (const entries of [swapped, log.entries.toSpliced(3, 1)]) {
      const ran = await verify(entries, seen);
      assert.equal(ran.exit, 3);
      assert.match(ran.err, /entry 4 does not follow the one before/);
      assert.match(ran.err, /Confirmed up to entry 2 by pve1/);
    }
  });

  test('a log that was cut off is behind who saw more of it', async () => {
    const ran = await verify(log.entries.slice(0, 4), [await witness('pve1', 3), await witness('pve2', 6)]);
    assert.equal(ran.exit, 3);
    assert.match(ran.err, /ends at entry 4, and entry 6 was seen by pve2/);
    const json = await runWrit([
      ...['audit', 'verify', fileOf(log.entries.slice(0, 4).join('\n')), '--json', '--config', config],
      ...['--witness', fileOf(await witness('pve2', 6))],
    ]);
    assert.match(json.out + json.err, /audit_shortened/);
  });

  test('two relays that were shown different logs are a fork', async () => {
    const other = await logOf(events.with(1, 'token.revoked'));
    const hash = other.hashes[4] as Witness['hash'];
    const ran = await verify(log.entries, [await witness('pve1', 5), await witness('pve2', 5, { hash })]);
    assert.equal(ran.exit, 3);
    assert.match(ran.err, /Entry 5 has two pasts: .*pve1 on .* and pve2 on /);
  });

  test('an old witness that is sent again is still true', async () => {
    const old = await witness('pve1', 2, { time: now - 400 * 86_400_000 });
    const ran = await verify(log.entries, [
      await witness('pve1', 6),
      ...Array.from({ length: 9 }, () => old),
    ]);
    assert.equal(ran.exit, 0, ran.err);
    assert.match(ran.out, /Confirmed up to entry 6 by pve1/);
  });

  test('of another home, forged, or by a key that is no relay’s: none of them counts', async () => {
    const stranger = (await generateKey()).signing;
    const wrongHash = log.hashes[0] as Witness['hash'];
    const good = await witness('pve1', 6);
    const bad = [
      await witness('pve1', 5, { hash: wrongHash }, stranger),
      await witness('pve1', 5, { hash: wrongHash }, fixture.operator),
      await witness('pve1', 5, { hash: wrongHash }, fixture.controller),
      await witness('pve1', 5, { hash: wrongHash, home: 'h_00000000000000000000000000' }),
      await witness('pve1', 5, { hash: wrongHash }, fixture.relays.pve2),
      await signJws(
        'report',
        { home: homeId, relay: 'pve1', seq: 5, hash: wrongHash, time: now },
        fixture.relays.pve1,
      ),
      await witness('pve1', 0),
      `${good.slice(0, -4)}AAAA`,
      good.replace('.', '..'),
    ];
    const ran = await verify(log.entries, [good, ...bad]);
    assert.equal(ran.exit, 0, ran.err);
    assert.match(
      ran.out,
      /Not counted: 3 by no relay that trust names, 3 forged or damaged and 2 of another/,
    );
    const none = await verify(log.entries, bad);
    assert.equal(none.exit, 3);
    assert.match(none.err, /There is no witness by a relay of this home, so nothing is confirmed/);
  });

  test('reads what ntfy lists and what a webhook was given, and passes other messages over', async () => {
    const [one, two] = [await witness('pve1', 4), await witness('pve2', 6)];
    const lines = [
      JSON.stringify({ id: 'x', time: 1, event: 'message', topic: 'writ', title: 'Writ', message: one }),
      JSON.stringify({ id: 'y', time: 2, event: 'message', topic: 'writ', message: 'pve1 hears nothing.' }),
      JSON.stringify({ home: homeId, code: 'witness', text: 'pve2 saw it.', witness: two }),
      '{"broken":',
      '',
      'a line of somebody',
    ];
    const ran = await verify(log.entries, lines);
    assert.equal(ran.exit, 0, ran.err);
    assert.match(ran.out, /Confirmed up to entry 6 by pve2 on .+ and 4 by pve1/);
    assert.doesNotMatch(ran.out, /Not counted/);
    const piped = await runWrit(
      ['audit', 'verify', fileOf(log.entries.join('\n')), '--witness', '-', '--config', config],
      { input: lines.join('\n') },
    );
    assert.equal(piped.exit, 0, piped.err);
  });

  test('asks an ntfy topic for all that it has', async (t) => {
    const asked: string[] = [];
    const text = `${JSON.stringify({ event: 'message', message: await witness('pve2', 7) })}\n`;
    const topic = await serveText((request, response) => {
      asked.push(request.url ?? '');
      response.end(text);
    });
    t.after(topic.close);
    const file = fileOf(log.entries.join('\n'));
    const ran = await runWrit([
      ...['audit', 'verify', file, '--witness', `${topic.url}/writ-home?auth=abc`, '--config', config],
    ]);
    assert.equal(ran.exit, 0, ran.err);
    assert.deepEqual(asked, ['/writ-home/json?auth=abc&poll=1&since=all']);
    assert.equal(addressOf('https://example.net/logs/witnesses.jsonl')?.pathname, '/logs/witnesses.jsonl');
  });

  test('an endless answer, an endless file, and far too many lines end the reading', async (t) => {
    const file = fileOf(log.entries.join('\n'));
    const endless = await serveText((_, response) => {
      const more = (): void => {
        while (response.write(Buffer.alloc(256 * 1024, 0x61)));
      };
      response.on('drain', more);
      more();
    });
    t.after(endless.close);
    const missing = await serveText((_, response) => response.writeHead(404).end());
    t.after(missing.close);
    const read = (source: string): Promise<Ran> =>
      runWrit(['audit', 'verify', file, '--witness', source, '--config', config]);
    for (const source of [`${endless.url}/topic`, '/dev/zero']) {
      const ran = await read(source);
      assert.equal(ran.exit, 3, source);
      assert.match(ran.err, /holds more than 32 MiB; nothing of it was looked at/);
    }
    assert.match((await read(`${missing.url}/topic`)).err, /answered with status 404/);
    assert.equal((await read(join(folder, 'nothing'))).exit, 2);
    const many = Array.from({ length: 20_001 }, (_, index) => `a.${index}.c`).join('\n');
    assert.match((await read(fileOf(many))).err, /more than 20000 witnesses; none was looked at/);
    assert.match((await read(fileOf('a'.repeat(1024 * 1024)))).err, /no witness by a relay/);
  });
});
