import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildExample, exampleRepo, filesOf } from './example.ts';

const homelab = new TextDecoder().decode(exampleRepo().files.get('homelab.yaml'));
const before = await buildExample();
const after = await buildExample({
  'homelab.yaml': homelab.replace(
    '\npeople:\n',
    '\npeople:\n  carl: { email: carl@example.net, groups: [family] }\n',
  ),
  'apps/wiki/app.yaml': [
    'title: Wiki',
    'on: websvcs',
    'units: [wiki.container]',
    'route: { host: wiki, port: 8080 }',
    'uses: [{ oidc: { secret: wiki_oidc_secret, redirect: /callback, access: family } }]',
    '',
  ].join('\n'),
  'apps/wiki/wiki.container':
    '[Container]\nImage=docker.io/library/nginx:1.29.1\nContainerName=wiki\nNetwork=websvcs.network\n',
});

/** What a file of a machine has now and had not before, or null where it was not there. */
function added(target: string, path: string): string[] {
  assert.ok(before.release !== undefined && after.release !== undefined, JSON.stringify(after.findings));
  const old = new Set(filesOf(before.release, target).get(path)?.split('\n'));
  const lines = filesOf(after.release, target).get(path)!.split('\n');
  return lines.filter((line) => !old.has(line)).map((line) => line.trim());
}

test('a person in one line is in the directory and in the groups of the tailnet', () => {
  assert.deepEqual(JSON.parse(added('secsvcs', '/etc/opt/lldap-people/user-configs/carl.json').join('')), {
    id: 'carl',
    email: 'carl@example.net',
    displayName: 'carl',
    groups: ['family'],
  });
  assert.deepEqual(added('cloud', '/etc/headscale/policy.json'), ['"ben@",', '"carl@"']);
});

test('one folder brings a client of the sign-in, with a policy, and no secret in clear', () => {
  assert.deepEqual(added('secsvcs', '/etc/opt/authelia/clients.yml'), [
    "- client_id: 'wiki'",
    "client_name: 'Wiki'",
    "client_secret: '~writ:secret:wiki_oidc_secret_hash~'",
    "- 'https://wiki.example.net/callback'",
  ]);
});
