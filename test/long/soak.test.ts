import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from '@libsql/client';
import { quantile } from '../bench/figure.ts';
import { rssBytes } from '../bench/parked.ts';
import { startWritHome, succeeded, type WritHome } from '../bench/writ-home.ts';

const minutes = Number(process.env.WRIT_SOAK_MIN ?? 30);
const lifeMs = 60_000;
const phones = 8;
/**
 * What memory of the last third may be of that in the middle: collection is not steady. The first third is none of
 * it: a step is remembered for as long as its intent lives, so until then there is more to remember every minute.
 */
const flat = 1.15;

/** Orders until it is known how each ended; counts what was ordered. */
async function load(
  home: WritHome,
  guest: string,
  over: AbortSignal,
): Promise<{ orders: number; repeated: number }> {
  const phone = home.phone();
  const counts = { orders: 0, repeated: 0 };
  while (!over.aborted) {
    const key = randomUUID();
    counts.orders += 1;
    const until = Date.now() + 3 * lifeMs;
    for (;;) {
      const answer = await phone.order(guest, key);
      if (typeof answer !== 'string' && answer.status === 200) {
        assert.ok(answer.text.includes(succeeded), answer.text);
        break;
      }
      // Nobody answers, it is still under way, or what was ordered before the cut holds the guest for a moment.
      const waits = typeof answer === 'string' || [202, 409, 429, 500, 502, 503].includes(answer.status);
      assert.ok(waits && Date.now() < until, JSON.stringify(answer));
      counts.repeated += 1;
      await pause(100);
    }
  }
  phone.close();
  return counts;
}

test(`${minutes} minutes under load, the control plane restarted each minute: nothing lost or doubled`, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'writ-soak-'));
  const home = await startWritHome({ folder });
  t.after(async () => {
    await home.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const over = new AbortController();
  const loads = Array.from({ length: phones }, (_, index) => load(home, `guest${index}`, over.signal));
  const memory: { relay: number[]; server: number[] } = { relay: [], server: [] };
  const ended = Promise.all(loads);
  ended.catch(() => over.abort());
  for (let life = 0; life < minutes && !over.signal.aborted; life += 1) {
    await pause(lifeMs, undefined, { signal: over.signal }).catch(() => {});
    memory.relay.push(rssBytes(home.relay.pid));
    memory.server.push(rssBytes(home.server.pid));
    await home.restart(life % 2 === 0 ? 'cut' : 'asked');
  }
  over.abort();
  const counts = await ended;
  const orders = counts.reduce((sum, one) => sum + one.orders, 0);
  const repeated = counts.reduce((sum, one) => sum + one.repeated, 0);
  t.diagnostic(`${orders} orders, ${repeated} times asked again, ${minutes} restarts.`);

  await home.server.stop();
  const db = createClient({ url: `file:${join(home.folder, 'api', 'writ.db')}`, intMode: 'number' });
  t.after(() => db.close());
  const one = async (sql: string): Promise<unknown> => Object.values((await db.execute(sql)).rows[0]!)[0];
  assert.equal(await one('SELECT count(*) FROM command'), orders, 'each order is one command');
  assert.equal(await one("SELECT count(*) FROM step WHERE state = 'succeeded'"), orders, 'each was done');
  const acts = await one("SELECT count(*) FROM receipt WHERE state = 'started'");
  assert.equal(acts, orders, 'and was begun once');

  for (const [name, values] of Object.entries(memory)) {
    const third = Math.floor(values.length / 3);
    const parts = [values.slice(0, third), values.slice(-2 * third, -third), values.slice(-third)];
    const [early, middle, late] = parts.map((part) => quantile(part, 0.5)) as [number, number, number];
    const told = [early, middle, late].map((bytes) => `${(bytes / 1e6).toFixed(0)} MB`);
    t.diagnostic(`${name}: medians of each third: ${told.join(', ')}`);
    t.diagnostic(`${name}: ${values.map((bytes) => (bytes / 1e6).toFixed(0)).join(' ')}`);
    if (third >= 3) assert.ok(late <= middle * flat, `${name} grew from ${middle} to ${late}`);
  }
});
