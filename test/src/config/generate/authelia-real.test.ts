import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { authelia } from '../../../../src/config/generate/authelia.ts';
import { autheliaProgram, decideByAuthelia } from '../../../support/authelia-program.ts';
import { type AutheliaRequest, readAuthelia } from '../../../support/authelia-reader.ts';
import { generateFor, homeOf } from '../../../support/compiled-home.ts';
import { missing } from '../../../support/missing.ts';

if (autheliaProgram === null) missing('Authelia, which the reader of its rules is held against');

const routes = {
  wiki: '{ host: wiki, port: 80, access: family }',
  keys: '{ host: wiki, port: 80, access: admins, when: { path: "^/keys/[^/]*$" } }',
  prefix: '{ host: wiki, port: 80, access: admins, when: { path: /a.b } }',
  write: '{ host: [desk, "*.desk"], port: 80, access: desk, when: { method: [POST, PUT] } }',
  desk: '{ host: [desk, "*.desk"], port: 80, access: family }',
  films: '{ host: films, port: 80, access: here }',
  shut: '{ host: shut, port: 80, access: nobody }',
  any: '{ host: "*", port: 80, access: anyone }',
};

const requests: AutheliaRequest[] = [
  ...[undefined, ['family'], ['admins'], ['guests']].flatMap((groups) =>
    [
      { host: 'wiki.example.net' },
      { host: 'wiki.example.net', path: '/keys/a?b=/c' },
      { host: 'wiki.example.net', path: '/x?/keys/a' },
      { host: 'wiki.example.net', path: '/keys/..%2Fx' },
      { host: 'wiki.example.net', path: '/a.b/c' },
      { host: 'wiki.example.net', path: '/axb' },
      { host: 'desk.example.net', method: 'POST', address: '192.168.20.9' },
      { host: 'desk.example.net', method: 'POST', address: '192.168.21.9' },
      { host: 'a.b.desk.example.net', method: 'GET' },
      { host: 'films.example.net', address: '192.168.20.9' },
      { host: 'films.example.net' },
      { host: 'shut.example.net' },
      { host: 'other.example.net' },
      { host: 'example.net' },
      { host: 'WIKI.example.net', path: '/keys/a' },
      { host: 'a.DESK.example.net', method: 'GET' },
      { host: 'a.DESK.EXAMPLE.NET', method: 'POST', address: '192.168.20.9' },
      { host: 'OTHER.EXAMPLE.NET' },
      { host: 'wiki.example.net.' },
    ].map((one): AutheliaRequest => ({ ...one, ...(groups !== undefined && { groups }) })),
  ),
];

if (autheliaProgram !== null) {
  test('Authelia decides as the reader of its rules does', (t) => {
    const { home, findings } = homeOf({
      'homelab.yaml': [
        'v: 1',
        'site: { domain: example.net }',
        'networks: { lan: { subnet: 192.168.20.0/24 } }',
        'hosts: { pve1: { network: lan, address: 192.168.20.2 } }',
        'access:',
        '  admins: { groups: admins }',
        '  family: { groups: [family, admins], policy: one_factor }',
        '  anyone: { policy: one_factor }',
        '  nobody: { groups: family, policy: deny }',
        '  here: { policy: bypass, from: lan }',
        '  desk: { groups: admins, policy: one_factor, from: lan }',
        '',
      ].join('\n'),
      'apps/authelia/app.yaml': 'on: pve1\nservice: authelia.service\nroute: { host: auth, port: 9091 }\n',
      ...Object.fromEntries(
        Object.entries(routes).map(([app, route]) => [
          `apps/${app}/app.yaml`,
          `on: pve1\nservice: ${app}.service\nroute: ${route}\n`,
        ]),
      ),
    });
    assert.deepEqual(findings, []);
    const { made, doubts } = generateFor(
      authelia,
      'access-control',
      home,
      { app: 'authelia', target: 'pve1' },
      { encoded_paths_refused: true },
    );
    assert.deepEqual(doubts, []);
    const text = made.kind === 'file' ? made.text : '';
    const folder = mkdtempSync(join(tmpdir(), 'writ-authelia-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'access-control.yml');
    writeFileSync(file, text);
    const { decide } = readAuthelia(text);
    const seen = new Set<string>();
    for (const request of requests) {
      const expected = decide(request);
      assert.equal(decideByAuthelia(file, request), expected, JSON.stringify(request));
      seen.add(expected);
    }
    assert.deepEqual([...seen].sort(), ['bypass', 'deny', 'one_factor', 'two_factor']);
  });
}
