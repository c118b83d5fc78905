import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startDesk } from '../../../support/deploy-desk.ts';
import { type Lie, problem } from '../../../support/lying-control.ts';

/** Cuts the connection of each request that `cuts` chooses, before anything of it is kept. */
const cutting = (honest: Lie, cuts: (count: number) => boolean): Lie => {
  let count = 0;
  return (request, response, body) => {
    count += 1;
    return cuts(count) ? request.socket.destroy() : honest(request, response, body);
  };
};

const missing = (body: string): string =>
  JSON.stringify({ missing: (JSON.parse(body) as { digests: string[] }).digests });

test('a network that is cut in the middle of uploads loses nothing', async (t) => {
  const desk = await startDesk(t);
  desk.answer(
    'PUT /v1/blobs/{}',
    cutting(desk.honest, (count) => count === 3 || count === 5),
  );
  const ran = await desk.deploy();
  assert.equal(ran.exit, 0, ran.err);
  assert.equal(desk.deployments.length, 1);
  const puts = desk.asked.filter((route) => route.startsWith('PUT '));
  const twice = puts.filter((route, index) => puts.indexOf(route) !== index);
  assert.equal(twice.length, 2, 'only what was cut is sent again');
});

test('what arrived before somebody gave up is not sent again by the next command', async (t) => {
  const desk = await startDesk(t);
  const given = new AbortController();
  desk.answer('PUT /v1/blobs/{}', (request, response, body) => {
    if (desk.blobs.size < 4) return desk.honest(request, response, body);
    given.abort();
    return request.socket.destroy();
  });
  const words = ['deploy', '--repo', desk.repo, '--yes', '--wait'];
  const first = await desk.writ(words, { signal: given.signal });
  assert.equal(first.exit, 4, first.err);
  assert.match(
    first.err,
    /Nothing was signed or deployed\. \d files have arrived: run the same command again/,
  );
  assert.equal(desk.deployments.length, 0);
  const kept = desk.blobs.size;
  assert.ok(kept >= 4);
  desk.answer('PUT /v1/blobs/{}', null);
  const before = desk.asked.length;
  assert.equal((await desk.writ(words)).exit, 0);
  const puts = desk.asked.slice(before).filter((route) => route.startsWith('PUT '));
  assert.equal(puts.length, 8 - kept);
});

test('a control plane that is away too long is given up, with what to do', async (t) => {
  const desk = await startDesk(t);
  let ms = Date.now();
  desk.answer('POST /v1/blobs/missing', (request) => {
    ms += 100_000;
    return request.socket.destroy();
  });
  const ran = await desk.writ(['deploy', '--repo', desk.repo, '--yes'], { now: () => ms });
  assert.equal(ran.exit, 4);
  assert.match(ran.err, /run the same command again/);
  assert.equal(desk.asked.filter((route) => route === 'POST /v1/blobs/missing').length, 2);
  assert.equal(desk.deployments.length, 0);
});

test('a control plane that refuses bytes, or keeps none, is told of at once', async (t) => {
  const desk = await startDesk(t);
  desk.answer('PUT /v1/blobs/{}', problem(413, { code: 'body_too_large', detail: 'The body is too large.' }));
  const refused = await desk.deploy();
  assert.equal(refused.exit, 3);
  assert.match(refused.err, /^The body is too large\.\nNothing was signed or deployed/m);
  desk.answer('PUT /v1/blobs/{}', (_, response) => response.end('{}'));
  const forgetful = await desk.deploy();
  assert.equal(forgetful.exit, 1);
  assert.match(forgetful.err, /took files, and says that it lacks them/);
  assert.equal(desk.deployments.length, 0);
});

test('threat 7: a control plane that takes a file, forgets it and fails at the next is not uploaded to for ever', async (t) => {
  const desk = await startDesk(t);
  let ms = Date.now();
  let rounds = 0;
  desk.answer('POST /v1/blobs/missing', (request, response, body) => {
    ms += 100_000;
    rounds += 1;
    // Whoever is still here by then would stay.
    return rounds > 5 ? problem(403, {})(request, response, body) : response.end(missing(body));
  });
  let puts = 0;
  desk.answer('PUT /v1/blobs/{}', (request, response) => {
    puts += 1;
    return puts % 4 === 1 ? response.end('{}') : request.socket.destroy();
  });
  const ran = await desk.writ(['deploy', '--repo', desk.repo, '--yes'], { now: () => ms });
  assert.equal(ran.exit, 4, ran.err);
  assert.ok(rounds <= 5, `${rounds} rounds`);
  assert.equal(desk.deployments.length, 0);
});

test('an order whose answer is lost is handed over again under the same key, and is one deployment', async (t) => {
  const desk = await startDesk(t);
  const keys: string[] = [];
  const bodies = new Set<string>();
  desk.answer('POST /v1/releases', async (request, response, body) => {
    keys.push(String(request.headers['idempotency-key']));
    bodies.add(body);
    if (keys.length > 2) return desk.honest(request, response, body);
    // It is taken, and the answer never arrives.
    const lost = Object.assign(Object.create(response) as typeof response, { end: () => response });
    await desk.honest(request, lost, body);
    return request.socket.destroy();
  });
  const ran = await desk.deploy();
  assert.equal(ran.exit, 0, ran.err);
  assert.deepEqual([keys.length, new Set(keys).size, bodies.size], [3, 1, 1]);
  assert.equal(desk.deployments.length, 1);
});

test('an order of which nobody knows whether it was taken uses up its number', async (t) => {
  const desk = await startDesk(t);
  desk.answer('POST /v1/releases', (request) => request.socket.destroy());
  const ran = await desk.deploy();
  assert.equal(ran.exit, 5);
  assert.match(ran.err, /Whether the order was accepted is not known\. See: writ deployments/);
  desk.answer('POST /v1/releases', null);
  assert.equal((await desk.deploy()).exit, 0);
  assert.equal(desk.deployments[0]!.order.order.desk, 2);
  const kept = JSON.parse(readFileSync(join(desk.configDir, 'deploys.json'), 'utf8')) as { signed: string[] };
  assert.equal(kept.signed.length, 2);
});

test('a newer release that came in between is refused, explained, and not forced', async (t) => {
  const desk = await startDesk(t);
  const detail = 'A newer release came before. Nothing was accepted.';
  desk.answer('POST /v1/releases', problem(409, { code: 'release_stale', detail }));
  const ran = await desk.deploy();
  assert.equal(ran.exit, 3);
  assert.match(ran.err, /^A newer release came before\. Nothing was accepted\.\n\(release_stale\)/m);
});

test('without its key nothing is asked, built or sent', async (t) => {
  const desk = await startDesk(t);
  rmSync(join(desk.configDir, 'operator.json'));
  for (const words of [
    ['deploy', '--repo', desk.repo, '--yes'],
    ['rollback', 'websvcs', '--yes'],
    ['targets'],
  ]) {
    const ran = await desk.writ(words);
    assert.equal(ran.exit, 2);
    assert.match(ran.err, /operator\.json is not as it was written: it is missing/);
  }
  assert.deepEqual(desk.asked, []);
});

test('who waits is told so after a time without news', async (t) => {
  const desk = await startDesk(t);
  let ms = Date.now();
  desk.answer('GET /v1/deployments/{}', async (request, response, body) => {
    ms += 15 * 60_000;
    desk.ends.set('websvcs', null);
    return desk.honest(request, response, body);
  });
  // Its host is awake, and its relay does not take it.
  desk.answer('GET /v1/status', problem(503, {}));
  const words = ['deploy', '--repo', desk.repo, '--yes', '--wait'];
  const ran = await desk.writ(words, { now: () => ms });
  assert.equal(ran.exit, 5, ran.err);
  assert.match(ran.out, /^websvcs {2}not deployed/m);
  assert.equal(desk.asked.filter((route) => /^GET \/v1\/deployments\/dep_/.test(route)).length, 4);
});
