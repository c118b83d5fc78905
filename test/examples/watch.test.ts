import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { parse } from 'yaml';
import { checkWith } from '../support/checkers.ts';
import { missing } from '../support/missing.ts';
import { buildExample, filesOf } from './example.ts';

/** What the real programs say of what the example makes to watch itself. */
const { release, home, findings } = await buildExample();
assert.ok(release !== undefined && home !== undefined, JSON.stringify(findings));
const textOf = (target: string, path: string): string => filesOf(release, target).get(path)!;
const rules = textOf('secsvcs', '/etc/opt/victoriametrics/rules/home.yml');
const asked = textOf('secsvcs', '/etc/opt/victoriametrics/scrape.yml');
const told = textOf('secsvcs', '/etc/opt/alertmanager/alertmanager.yml');

type Judge = {
  readonly program: Parameters<typeof checkWith>[0];
  readonly words: readonly string[];
  readonly what: string;
  readonly text: string;
  /** What is put in place of what, so that the program must refuse it. */
  readonly wrong: readonly [string, string];
};

const judges: readonly Judge[] = [
  {
    program: 'promtool',
    words: ['check', 'rules', '{}/file.yml'],
    what: 'the rules of alerts',
    text: rules,
    wrong: ['== 0', '=== 0'],
  },
  {
    program: 'vmalert',
    words: ['-dryRun', '-rule={}/file.yml'],
    what: 'the rules of alerts',
    text: rules,
    wrong: ['== 0', '=== 0'],
  },
  {
    program: 'promtool',
    words: ['check', 'config', '--syntax-only', '{}/file.yml'],
    what: 'what is asked for metrics',
    text: asked,
    wrong: ['job_name:', 'job:'],
  },
  {
    program: 'vmagent',
    words: ['-dryRun', '-promscrape.config={}/file.yml', '-promscrape.config.strictParse'],
    what: 'what is asked for metrics',
    text: asked,
    wrong: ['job_name:', 'job:'],
  },
  {
    program: 'amtool',
    words: ['check-config', '{}/file.yml'],
    what: 'who is told of alerts',
    text: told,
    wrong: ['receivers:', 'recievers:'],
  },
];

for (const { program, words, what, text, wrong } of judges) {
  test(`${program} takes ${what}, and not what is wrong in one place`, () => {
    const verdicts = checkWith(program, words, { 'file.yml': text });
    if (verdicts.length === 0) missing(`${program}, which judges of the example ${what}`);
    for (const { by, accepted, said } of verdicts) assert.ok(accepted, `${by}: ${said}`);
    const broken = text.replace(...wrong);
    assert.notEqual(broken, text);
    for (const { by, accepted } of checkWith(program, words, { 'file.yml': broken })) {
      assert.ok(!accepted, by);
    }
  });
}

test('every machine with a node exporter is asked by it, and each host for what it knows itself', () => {
  const { scrape_configs: jobs } = parse(asked) as {
    readonly scrape_configs: readonly {
      readonly job_name: string;
      readonly static_configs: readonly { readonly labels: { readonly machine: string } }[];
    }[];
  };
  const machinesOf = (name: string): string[] =>
    jobs.find(({ job_name }) => job_name === name)!.static_configs.map(({ labels }) => labels.machine);
  assert.deepEqual(machinesOf('node-exporter'), ['homesvcs', 'secsvcs', 'websvcs']);
  assert.deepEqual(machinesOf('house-metrics'), ['pve1', 'pve2']);
  assert.deepEqual(machinesOf('writ'), ['cloud']);
});

test('each backup and storage of homelab.yaml has its rule', () => {
  for (const [storage, { alert, kind }] of Object.entries(home.storage)) {
    const limit = `storage="${storage}"} > ${alert.used}`;
    assert.ok(rules.includes(limit), limit);
    if (kind === 'lvmthin')
      assert.ok(rules.includes(`metadata_percent{machine="pve2",storage="${storage}"} > 60`));
  }
  for (const { guests, storage } of Object.values(home.backups)) {
    for (const guest of guests) {
      assert.ok(rules.includes(`{guest="${guest}",storage="${storage}"}`), guest);
    }
  }
});

test('the programs that tell of storages and backups can be read by Perl', () => {
  for (const host of ['pve1', 'pve2']) {
    const input = textOf(host, '/etc/opt/house-metrics/house-metrics');
    const { status, stderr, error } = spawnSync('perl', ['-c'], { input, encoding: 'utf8' });
    if (error !== undefined) missing('perl, which reads the programs that tell of storages');
    else assert.equal(status, 0, stderr);
  }
});

test('what may sleep is asked, and raises nothing by its silence', () => {
  assert.match(
    asked,
    /machine: 'websvcs'\n {10}host: 'pve2'\n {10}app: 'node-exporter'\n {10}may_sleep: 'yes'/,
  );
  const all = [...rules.matchAll(/expr: '(.*)'$/gm)].map(([, expr]) => expr!);
  const silence = all.filter((expr) => /^(max by \(machine, host\) \()?up\{/.test(expr));
  assert.equal(silence.length, 2);
  for (const expr of silence) assert.ok(expr.includes('may_sleep="no"'), expr);
});
