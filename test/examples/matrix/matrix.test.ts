import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildExample, exampleRepo } from '../example.ts';
import { compareAll, tellDisagreements } from './compare.ts';
import { filesOfRelease, saidOf } from './home-files.ts';

const { release, home, findings } = await buildExample();
assert.ok(release !== undefined && home !== undefined, JSON.stringify(findings));
const files = filesOfRelease(release);
const said = saidOf(exampleRepo());

test('who gets in by the files is who the manifest means, at every route, from everywhere, for everybody', (t) => {
  const { cells, probes, outcomes, disagreements } = compareAll(files, said);
  assert.equal(tellDisagreements(disagreements), '');
  assert.equal(cells, home.routes.length * 4 * 3);
  t.diagnostic(`${cells} cells, ${probes} requests compared: ${JSON.stringify(outcomes)}`);
  // Each outcome is there, or nothing would be shown.
  assert.ok(Math.min(...Object.values(outcomes)) > 50, JSON.stringify(outcomes));
});

test('while the tower sleeps, its public names have the page that says so, and nothing else changes', (t) => {
  const { cells, probes, outcomes, disagreements } = compareAll(files, said, {
    asleep: new Set(['pve2']),
    vantages: ['public'],
  });
  assert.equal(tellDisagreements(disagreements), '');
  assert.equal(cells, home.routes.length * 3);
  t.diagnostic(`${cells} cells, ${probes} requests compared: ${JSON.stringify(outcomes)}`);
});

test('the oracle is told the routes of the whole example', () => {
  const ours = said.routes.flatMap(({ app, target, hosts }) =>
    hosts.map((host) => `${app}@${target} ${host}`),
  );
  const theirs = home.routes.flatMap(({ app, target, hosts }) =>
    hosts.map((host) => `${app}@${target} ${host}`),
  );
  assert.deepEqual(ours.sort(), theirs.sort());
});
