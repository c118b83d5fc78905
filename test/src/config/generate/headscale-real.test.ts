import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headscale } from '../../../../src/config/generate/headscale.ts';
import { generateFor, homeOf } from '../../../support/compiled-home.ts';
import { headscaleProgram, startHeadscale } from '../../../support/headscale-program.ts';
import { missing } from '../../../support/missing.ts';
import { tailnetHome } from '../../../support/tailnet-home.ts';

if (headscaleProgram === null) missing('Headscale, which judges its policy and runs its tests');

const made = (output: string, options: object): string => {
  const { home } = homeOf(
    tailnetHome({
      'apps/node/app.yaml': 'on: cloud\nservice: node.service\nports: [{ port: 9100, from: web }]\n',
    }),
  );
  const place = { app: 'headscale', target: 'cloud' };
  const { made: one, doubts } = generateFor(headscale, output, home, place, { ...options });
  assert.deepEqual(doubts, []);
  return one.kind === 'file' ? one.text : '';
};

if (headscaleProgram !== null) {
  test('Headscale takes the policy and holds every rule of it to the tests', async (t) => {
    const policy = made('policy', { with_devices: ['anna', 'ben'] });
    const { refusal, join } = await startHeadscale(t, {
      policy,
      records: made('records', {}),
      people: ['anna', 'ben'],
    });
    join({ name: 'cloud', tag: 'tag:edge' });
    join({ name: 'pve1', tag: 'tag:host' });
    join({ name: 'web', tag: 'tag:guest' });
    join({ name: 'laptop', person: 'anna' });
    // A test of somebody without a device is refused; without it the policy is taken.
    assert.match(refusal(policy) ?? '', /ben@.*resolved to no IP/);
    assert.equal(refusal(made('policy', {})), null);
    join({ name: 'phone', person: 'ben' });
    assert.equal(refusal(policy), null);

    const otherwise = (change: (tree: { acls: { src: string[]; dst: string[] }[] }) => void): string => {
      const tree = JSON.parse(policy);
      change(tree);
      return refusal(JSON.stringify(tree)) ?? '';
    };
    const cases: readonly (readonly [what: RegExp, change: Parameters<typeof otherwise>[0]])[] = [
      [/anna@ -> tag:guest:22: expected ALLOWED/, ({ acls }) => void acls.splice(0, 1)],
      [/ben@ -> tag:guest:443: expected ALLOWED/, ({ acls }) => void acls.splice(1, 1)],
      [/tag:edge -> tag:guest:8443: expected ALLOWED/, ({ acls }) => void acls.splice(2, 1)],
      [/tag:host -> tag:edge:8420: expected ALLOWED/, ({ acls }) => void acls.splice(3, 1)],
      [/ben@ -> tag:guest:22: expected DENIED/, ({ acls }) => void acls[1]!.dst.push('tag:guest:*')],
      [/tag:edge -> tag:guest:443: expected DENIED/, ({ acls }) => void acls[2]!.dst.push('tag:guest:443')],
      [/tag:edge -> 192\.168\.20\.2:22: expected DENIED/, ({ acls }) => void acls[2]!.dst.push('lan:*')],
      [
        /tag:edge -> 192\.168\.20\.1:443: expected DENIED/,
        ({ acls }) => void acls[2]!.dst.push('192.168.20.1:443'),
      ],
      [/tag:edge -> 192\.168\.20\.2:8006: expected DENIED/, ({ acls }) => void acls[2]!.dst.push('lan:8006')],
      [/tag:edge -> 192\.168\.10\.0:22: expected DENIED/, ({ acls }) => void acls[2]!.dst.push('wifi:*')],
      [
        /tag:guest -> 192\.168\.20\.2:22: expected DENIED/,
        ({ acls }) => void acls.push({ ...acls[3]!, src: ['tag:guest'], dst: ['lan:*'] }),
      ],
      [/tag:host -> tag:guest:22: expected DENIED/, ({ acls }) => void acls[3]!.dst.push('tag:guest:22')],
      [
        /tag:guest -> tag:edge:22: expected DENIED/,
        ({ acls }) => void acls.push({ ...acls[3]!, src: ['tag:guest'], dst: ['tag:edge:22'] }),
      ],
    ];
    for (const [what, change] of cases) assert.match(otherwise(change), what);
    assert.match(refusal(policy.replace('"tagOwners"', '"tagOwner"')) ?? '', /tagOwner/);
    assert.match(refusal(made('policy', { extra: { hosts: { lan: 'nowhere' } } })) ?? '', /nowhere/);
  });
}
