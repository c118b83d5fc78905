import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { scrape } from '../../../../src/config/generate/scrape.ts';
import { checkWith } from '../../../support/checkers.ts';
import { generateFor } from '../../../support/compiled-home.ts';
import { missing } from '../../../support/missing.ts';
import { watched, watchedHome, watcher } from '../../../support/watched-home.ts';

type Job = Record<string, unknown> & {
  readonly job_name: string;
  readonly static_configs: readonly { readonly targets: string[]; readonly labels: Record<string, string> }[];
};

function made(options = {}, changes = {}) {
  const { home, findings } = watched(changes);
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'error'),
    [],
  );
  const { made: output, doubts } = generateFor(scrape, 'config', home, watcher, options);
  assert.ok(output.kind === 'file');
  const { global, scrape_configs: jobs } = parse(output.text) as {
    readonly global: Record<string, unknown>;
    readonly scrape_configs: readonly Job[];
  };
  return { text: output.text, global, jobs, doubts };
}

test('each app with metrics is a job, and each of its machines a target with where it is', () => {
  const { jobs, global, doubts, text } = made();
  assert.deepEqual(doubts, []);
  assert.match(text, /^# Made by Writ for apps\/watch\/app\.yaml/);
  assert.deepEqual(global, { scrape_interval: '30s' });
  assert.deepEqual(
    jobs.map(({ job_name }) => job_name),
    ['node', 'web', 'web/slow', 'writ'],
  );
  assert.deepEqual(jobs[0], {
    job_name: 'node',
    static_configs: [
      {
        targets: ['192.168.21.11:9100'],
        labels: { machine: 'secsvcs', host: 'pve1', app: 'node', may_sleep: 'no' },
      },
      {
        targets: ['192.168.22.11:9100'],
        labels: { machine: 'websvcs', host: 'pve2', app: 'node', may_sleep: 'yes' },
      },
    ],
  });
  assert.equal(jobs[1]!.static_configs[0]!.targets[0], 'systemd-web:80', 'by its name on the same machine');
});

test('path, parameters, interval and token are those of the app, and a host without an address at home has that of the tailnet', () => {
  const { jobs } = made();
  const { static_configs: _, ...slow } = jobs[2]!;
  assert.deepEqual(slow, {
    job_name: 'web/slow',
    metrics_path: '/slow',
    params: { part: ['a', 'b'], of: ['c'] },
    scrape_interval: '5m',
  });
  assert.deepEqual(jobs[3], {
    job_name: 'writ',
    scheme: 'https',
    honor_labels: true,
    authorization: { type: 'Bearer', credentials_file: '/run/secrets/writ_token' },
    static_configs: [
      {
        targets: ['100.64.0.1:8420'],
        labels: { machine: 'cloud', host: 'cloud', app: 'writ', may_sleep: 'no' },
      },
    ],
  });
});

test('what has no address for who asks is told', () => {
  const { findings } = watched({
    'homelab.yaml': (watchedHome['homelab.yaml'] as string).replace(', tailnet: 100.64.0.11', ''),
  });
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'error').map(({ code, file }) => `${file} ${code}`),
    ['apps/writ/app.yaml address_missing'],
  );
});

test('options are merged over jobs and `global`, and bring more jobs', () => {
  const more = { job_name: 'ups', static_configs: [{ targets: ['192.168.20.7:9199'] }] };
  const { jobs, global, doubts, text } = made({
    interval: '1m',
    secrets: '/secrets',
    jobs: { writ: { tls_config: { server_name: 'it\'s "$x"\nno: yes' }, honor_labels: null } },
    global: { external_labels: { home: 'no' } },
    extra: [more],
  });
  assert.deepEqual(doubts, []);
  assert.deepEqual(global, { scrape_interval: '1m', external_labels: { home: 'no' } });
  assert.deepEqual(jobs.at(-1), more);
  assert.deepEqual(jobs[3]!.authorization, { type: 'Bearer', credentials_file: '/secrets/writ_token' });
  assert.deepEqual(jobs[3]!.tls_config, { server_name: 'it\'s "$x"\nno: yes' });
  assert.ok(!('honor_labels' in jobs[3]!));
  assert.match(text, /home: 'no'/, 'a text that is a word of YAML stays a text');
});

test('a job that is not there, a token that whoever asks does not have, and wrong options are told', () => {
  const told = (options: object, changes = {}) =>
    made(options, changes).doubts.map(({ code, message, suggestion }) =>
      `${code}: ${message} ${suggestion ?? ''}`.trim(),
    );
  assert.deepEqual(told({ jobs: { writt: {} } }), [
    'wrong_option: options.jobs names writt, and nothing is asked by that name Did you mean writ?',
  ]);
  const changes = {
    'apps/watch/app.yaml': (watchedHome['apps/watch/app.yaml'] as string).replace('[writ_token, ', '['),
    'apps/watch/watch.container': '[Container]\nImage=docker.io/library/x:1\n',
  };
  assert.deepEqual(told({}, changes), [
    'secret_undeclared: writ asks for the token writ_token, which watch does not list among its secrets',
  ]);
  const { home } = watched();
  const { doubts } = generateFor(scrape, 'config', home, watcher, { interval: 'often', every: '1m' });
  assert.deepEqual(
    doubts.map(({ code }) => code),
    ['wrong_option', 'wrong_option'],
  );
});

test('promtool and vmagent take it, and neither takes it with a wrong member', () => {
  const judged = (text: string) => [
    ...checkWith('promtool', ['check', 'config', '--syntax-only', '{}/scrape.yml'], { 'scrape.yml': text }),
    ...checkWith(
      'vmagent',
      ['-dryRun', '-promscrape.config={}/scrape.yml', '-promscrape.config.strictParse'],
      {
        'scrape.yml': text,
      },
    ),
  ];
  const { text } = made({ global: { external_labels: { home: 'example' } } });
  const verdicts = judged(text);
  if (verdicts.length < 2) missing('promtool and vmagent, which judge the configuration of scraping');
  for (const { by, accepted, said } of verdicts) assert.ok(accepted, `${by}: ${said}`);
  for (const { by, accepted } of judged(text.replace('scheme:', 'skeme:'))) assert.ok(!accepted, by);
});
