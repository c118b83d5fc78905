import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import type { Metrics } from '../../src/control/control.ts';
import { formatMetrics } from '../../src/http/metrics.ts';
import { exampleRepo } from '../examples/example.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { lookUntil, type Secsvcs, startSecsvcs } from '../support/lab/secsvcs.ts';
import { missing } from '../support/missing.ts';

/** Of alerts that are waited for, how long each must hold: minutes in earnest. */
const holds = Object.fromEntries(
  ['AppStopped', 'AppUnreachable', 'MachineUnreachable', 'HostSilent', 'HostLost'].map((alert) => [
    alert,
    '2s',
  ]),
);

/**
 * What of the example is otherwise in the lab, and that alone: texts in files, the first of which becomes the second. All
 * of it is about time. (`secsvcs.ts` adds the certificates of a private CA, which the example's owner has yet to make.)
 */
const faster: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'apps/victoriametrics/app.yaml': [
    ['    options:\n', '    options:\n      interval: 1s\n'],
    [
      'generate: vmalert/rules,',
      `generate: vmalert/rules, options: { interval: 1s, for: ${JSON.stringify(holds)} },`,
    ],
  ],
  // Both wait half a minute for what may come late.
  'apps/victoriametrics/victoriametrics.container.j2': [
    ['Exec=-storageDataPath', 'Exec=-search.latencyOffset=0s -storageDataPath'],
  ],
  'apps/victoriametrics/vmalert.container': [['Exec=-rule=', 'Exec=-rule.evalDelay=0s -rule=']],
};

function fasterFiles(): Record<string, string> {
  const { files } = exampleRepo();
  return Object.fromEntries(
    Object.entries(faster).map(([path, changes]) => {
      let text = new TextDecoder().decode(files.get(path));
      for (const [from, to] of changes) {
        assert.equal(text.split(from).length, 2, `${path} says ${from} once`);
        text = text.replace(from, to);
      }
      return [path, text];
    }),
  );
}

type HostState = Metrics['hosts'][number]['state'];
type Host = 'cloud' | 'pve1' | 'pve2';

/** What Writ tells of the home's hosts, as it formats it. */
const metricsOf = (states: Readonly<Record<Host, HostState>>): string =>
  formatMetrics(
    {
      commands: {} as Metrics['commands'],
      deploymentTargets: {} as Metrics['deploymentTargets'],
      ...{ queued: 0, oldestQueuedMs: null, running: 0, parkedPolls: 0, targets: [], guests: [], relays: [] },
      ...{ auditSeq: 0, trustVersion: 1, trustLeftMs: null, tokens: 0 },
      hosts: Object.entries(states).map(([host, state]) => ({ host, state })),
    },
    Date.now(),
  );
const awake = { cloud: 'awake', pve1: 'awake', pve2: 'awake' } as const;

type Alert = {
  readonly labels: Readonly<Record<string, string>>;
  readonly status: { readonly state: 'active' | 'suppressed' | 'unprocessed' };
};
type Targets = {
  readonly data: {
    readonly activeTargets: readonly { readonly scrapeUrl: string; readonly health: string }[];
  };
};

const lacking = whyNoLab();
if (lacking !== null) missing(lacking);
else
  describe('secsvcs of the example on a guest with the programs of Debian', () => {
    let home: Secsvcs;
    const begun = performance.now();
    before(async () => {
      home = await startSecsvcs(fasterFiles());
      await home.tell(metricsOf(awake));
    });
    after(() => home?.close());

    const files = () => home.files;
    const addressOf = (container: string): string =>
      /^IP=(.*)$/m.exec(files().get(`/etc/containers/systemd/${container}.container`)!)![1]!;
    /** `ALERT OF-WHAT STATE` of all that Alertmanager has and that has not ended. */
    const alerts = async (): Promise<string[]> => {
      const found = await home.json<readonly Alert[]>(
        `http://${addressOf('alertmanager')}:9093/api/v2/alerts`,
      );
      return found
        .map(({ labels, status }) => `${labels.alertname} ${labels.app ?? labels.machine} ${status.state}`)
        .sort();
    };
    const alertsAre = async (wanted: readonly string[]): Promise<number> => {
      const from = performance.now();
      await lookUntil(alerts, (seen) => JSON.stringify(seen) === JSON.stringify([...wanted].sort()));
      return Math.round(performance.now() - from);
    };
    const sql = (statement: string): Promise<string> =>
      home.guest.must([
        ...[
          'podman',
          'exec',
          '--user',
          '70',
          'postgres',
          'psql',
          '--no-psqlrc',
          '-U',
          'postgres',
          '-XAtc',
          statement,
        ],
      ]);

    test('it is activated as it is built', async (t) => {
      const from = performance.now();
      const phases: string[] = [];
      const done = await home.activate((phase) => {
        phases.push(`${phase} at ${((performance.now() - from) / 1000).toFixed(1)} s`);
      });
      assert.equal(done.state, 'succeeded', JSON.stringify(done));
      t.diagnostic(`${JSON.stringify(done.result)}: ${phases.join(', ')}`);
      t.diagnostic(`not the programs themselves, but a page for each: ${home.standIns.join(', ')}`);
      const again = await home.activate();
      assert.ok(again.state === 'succeeded' && again.result.already, JSON.stringify(again));
      for (const [path, text] of files()) {
        if (path.startsWith('/etc/containers/systemd/'))
          assert.equal(home.guest.read(path).toString(), text, path);
      }
    });

    test('whoever asks for metrics reaches all that are to be asked', async () => {
      const config = parse(files().get('/etc/opt/victoriametrics/scrape.yml')!) as {
        scrape_configs: { scheme?: string; metrics_path?: string; static_configs: { targets: string[] }[] }[];
      };
      const wanted = config.scrape_configs.flatMap(
        ({ scheme = 'http', metrics_path = '/metrics', static_configs }) =>
          static_configs.flatMap(({ targets }) => targets.map((one) => `${scheme}://${one}${metrics_path}`)),
      );
      assert.ok(wanted.length > 10);
      const url = `http://${addressOf('victoriametrics')}:8428/api/v1/targets`;
      const { data } = await lookUntil(
        () => home.json<Targets>(url),
        (seen) => seen.data.activeTargets.every(({ health }) => health === 'up'),
      );
      assert.deepEqual(data.activeTargets.map(({ scrapeUrl }) => scrapeUrl).sort(), wanted.sort());
      assert.deepEqual(await alerts(), [], 'and nothing is wrong');
    });

    test('Postgres has the roles and databases of the apps, and making them again changes nothing', async () => {
      const state = () =>
        sql(
          'SELECT rolname, rolcanlogin, rolpassword FROM pg_authid; SELECT datname, datdba::regrole, datacl FROM pg_database',
        );
      const first = await state();
      const since = (await home.guest.must(['date', '+%s'])).trim();
      await home.guest.must(['systemctl', 'restart', 'databases.service']);
      const journal = await home.guest.must([
        'journalctl',
        '-u',
        'databases',
        '--since',
        `@${since}`,
        '-o',
        'cat',
      ]);
      assert.doesNotMatch(journal, /ERROR|NOTICE|WARNING/);
      assert.equal(await state(), first);
      for (const app of ['authelia', 'forgejo', 'grafana', 'guacamole', 'miniflux', 'paperless']) {
        assert.match(first, new RegExp(`^${app}\\|t\\|SCRAM-SHA-256`, 'm'));
        assert.match(first, new RegExp(`^${app}\\|${app}\\|`, 'm'));
      }
      assert.equal(await sql('SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL'), '0\n');
    });

    test('each app reaches its own database from where it is, and no other', async () => {
      const as = async (user: string, database: string): Promise<string> => {
        const place = `host=postgres user=${user} dbname=${database}`;
        const ran = await home.guest.run([
          ...[
            'podman',
            'run',
            '--rm',
            '--network',
            'secsvcs',
            '--env',
            `PGPASSWORD=${await home.secret(`${user}_pg_password`)}`,
          ],
          ...['localhost/postgres:1', 'psql', '-XAtc', 'SELECT current_user', place],
        ]);
        return ran.code === 0 ? ran.out.trim() : ran.err;
      };
      assert.equal(await as('authelia', 'authelia'), 'authelia');
      assert.match(await as('authelia', 'grafana'), /no pg_hba.conf entry/);
      assert.match(await as('forgejo', 'forgejo'), /no pg_hba.conf entry/, 'which is on websvcs');

      const env = { PGPASSWORD: await home.secret('forgejo_pg_password') };
      const from = (other: 'websvcs' | 'homesvcs', mode: string): string => {
        const place = `host=192.168.21.11 user=forgejo dbname=forgejo sslmode=${mode} connect_timeout=3`;
        try {
          return home.runFrom(other, ['psql', '-XAtc', 'SELECT inet_client_addr()', place], env).trim();
        } catch (error) {
          return String((error as { stderr: string }).stderr);
        }
      };
      assert.equal(from('websvcs', 'require'), '192.168.22.11');
      assert.match(from('websvcs', 'disable'), /no pg_hba.conf entry/);
      assert.match(from('homesvcs', 'require'), /timeout expired/, 'the firewall keeps it away');
    });

    test('a stopped app raises its alert, which keeps what follows from it quiet, and ends when it runs', async (t) => {
      await home.guest.must(['systemctl', 'stop', 'gatus']);
      const raised = await alertsAre(['AppStopped gatus active', 'AppUnreachable gatus suppressed']);
      await home.guest.must(['systemctl', 'start', 'gatus']);
      const ended = await alertsAre([]);
      t.diagnostic(`raised after ${raised} ms, ended after ${ended} ms`);
    });

    test('a host that is off on purpose raises nothing, while one that is silent does', async () => {
      for (const other of ['pve2', 'websvcs'] as const) home.setReached(other, false);
      await home.tell(metricsOf({ ...awake, pve2: 'off', cloud: 'silent' }));
      await alertsAre(['HostSilent cloud active']);
      // Both alerts of hosts are looked at together, and hold as long: the one that is there would have company.
      await home.tell(metricsOf({ ...awake, pve2: 'off' }));
      await alertsAre([]);
    });

    test('the same host without a word of why raises its alert, which ends when it is back', async () => {
      await home.tell(metricsOf({ ...awake, pve2: 'silent' }));
      await alertsAre(['HostLost pve2 active']);
      for (const other of ['pve2', 'websvcs'] as const) home.setReached(other, true);
      await home.tell(metricsOf(awake));
      await alertsAre([]);
    });

    test('a machine that does not answer raises its alert, unless its host is off on purpose', async (t) => {
      home.setReached('homesvcs', false);
      await alertsAre([
        'AppUnreachable node-exporter suppressed',
        'AppUnreachable traefik suppressed',
        'MachineUnreachable homesvcs active',
      ]);
      await home.tell(metricsOf({ ...awake, pve1: 'off' }));
      await alertsAre([]);
      await home.tell(metricsOf(awake));
      await alertsAre([
        'AppUnreachable node-exporter suppressed',
        'AppUnreachable traefik suppressed',
        'MachineUnreachable homesvcs active',
      ]);
      home.setReached('homesvcs', true);
      await alertsAre([]);
      t.diagnostic(`all of it took ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    });
  });
