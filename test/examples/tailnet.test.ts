import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headscaleProgram, startHeadscale } from '../support/headscale-program.ts';
import { missing } from '../support/missing.ts';
import { buildExample, filesOf } from './example.ts';

if (headscaleProgram === null) missing("Headscale, which judges the example's policy and records");

const { release, home } = await buildExample();
const files = filesOf(release!, 'cloud');

test('Headscale takes the policy and the records, its tests among them', {
  skip: headscaleProgram === null && 'there is no headscale',
}, async (t) => {
  const policy = files.get('/etc/headscale/policy.json')!;
  const people = Object.keys(home!.people);
  const { refusal, join } = await startHeadscale(t, {
    policy,
    records: files.get('/etc/headscale/records.json')!,
    people,
  });
  for (const { name, kind, tailnet } of [...Object.values(home!.hosts), ...Object.values(home!.guests)]) {
    const tag = home!.ingress.edges.includes(name) ? 'edge' : kind;
    if (tailnet !== undefined) join({ name, tag: `tag:${tag}` });
  }
  for (const person of people) join({ name: `phone-of-${person}`, person });
  assert.equal(refusal(policy), null);
});
