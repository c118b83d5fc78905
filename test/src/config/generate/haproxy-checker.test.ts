import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { checkHaproxy, findChecker } from '../../../support/checkers.ts';
import { buildEdge, publicWildcard as wildcard, writePart } from '../../../support/edge-home.ts';
import { missing } from '../../../support/missing.ts';

const config = '/etc/haproxy/haproxy.cfg';
type Options = Parameters<typeof buildEdge>[1];
type Changes = Parameters<typeof buildEdge>[0];

const checkers = findChecker('haproxy');
if (checkers.length === 0) missing('haproxy');
else {
  const fixtures = { '/etc/haproxy/countries.map': '192.0.2.0/24 DE\n' };
  const everything: Options = {
    haproxy: {
      bind: ['*', '::', '192.0.2.1'],
      limits: { rate: 7, except: ['192.0.2.0/24', '198.51.100.7'] },
      blocked_networks: ['192.0.2.0/24'],
      country_map: '/etc/haproxy/countries.map',
      blocked_countries: ['DE'],
      allowed_countries: ['FR', 'ES'],
      denied_paths: ['/.env', "/it's #1 \\"],
      catch_all: 'homesvcs',
      exceptions: ['writ'],
      unknown: 'reject',
      stats: '/run/haproxy/admin.sock',
      extra: {
        global: ['nbthread 1'],
        defaults: ['retries 2'],
        frontend: ['tcp-request content reject if { src 192.0.2.9 }'],
        sections: ['listen more', '    bind 127.0.0.1:9000', '    server one 127.0.0.1:9001'],
      },
    },
  };
  const written = async (t: TestContext, changes: Changes, options: Options): Promise<string> =>
    writePart(t, await buildEdge(changes, options), 'cloud');

  describe(`judged by ${checkers.map(({ version }) => version).join(' and ')}`, () => {
    test('it takes what is generated, without a warning', async (t) => {
      const many = Object.fromEntries(
        Array.from({ length: 300 }, (_, i) => [
          `apps/app${i}/app.yaml`,
          `on: websvcs\nroute: { host: app${i}, port: 80, public: true }\n`,
        ]),
      );
      const cases = [
        await written(t, {}, {}),
        await written(t, wildcard, everything),
        await written(t, wildcard, { haproxy: { limits: false, http: false } }),
        await written(t, many, {}),
        await written(t, { 'apps/graph/app.yaml': undefined, 'apps/media/app.yaml': undefined }, {}),
      ];
      for (const folder of cases) {
        for (const { by, accepted, said } of checkHaproxy(folder, { fixtures })) {
          assert.ok(accepted && !said.includes('[WARNING]'), `${by}: ${said}`);
        }
      }
    });

    test('it refuses what is generated with any one directive changed', async (t) => {
      const folder = await written(t, wildcard, everything);
      const path = join(folder, config);
      const text = readFileSync(path, 'utf8');
      const faults: readonly (readonly [string, string])[] = [
        ['mode tcp', 'mode tpc'],
        ['bind *:443', 'bind *:443443'],
        ['map_str(', 'map_sr('],
        ['suffixes.map', 'other.map'],
        ['req.ssl_sni,lower,map_str', 'req.ssl_snu,lower,map_str'],
        ['use_backend be_secsvcs if', 'use_backend be_secsvc if'],
        ['{ nbsrv(be_websvcs)', '{ nbsrv(be_websvc)'],
        ['tcp-request inspect-delay 5s', 'tcp-request inspect-delay 5x'],
        ['send-proxy-v2', 'send-proxy-v3'],
        ['table sources', 'table source'],
        ['redirect prefix https://%[var(txn.name)]', 'redirect prefix https://%[var(txn.name)'],
        ["s #1 \\'", 's #1 \\'],
      ];
      for (const [before, after] of faults) {
        assert.ok(text.includes(before), before);
        writeFileSync(
          path,
          text.replace(before, () => after),
        );
        for (const { by, accepted } of checkHaproxy(folder, { fixtures }))
          assert.ok(!accepted, `${by}: ${after}`);
      }
    });
  });
}
