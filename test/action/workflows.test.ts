import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { lintWorkflow } from '../../src/cli/ci/lint-workflow.ts';
import { pinsIn, readAction, type WorkflowFacts, workflowText } from '../../src/cli/ci/workflow.ts';

const root = join(import.meta.dirname, '../..');
const facts: WorkflowFacts = {
  action: { repository: 'example/writ', commit: '0123456789abcdef0123456789abcdef01234567' },
  home: 'h_01K0000000000000000000000A',
  origin: 'https://writ.example.net',
  spki: null,
  trust: `sha256:${'5'.repeat(64)}`,
  branch: 'main',
  environment: 'home',
  events: ['push', 'workflow_dispatch'],
  selfHosted: false,
  targets: ['secsvcs', 'websvcs'],
};
const written = workflowText(facts);
const example = 'examples/homelab/.github/workflows/writ.yml';

const codes = (text: string): string[] => lintWorkflow('w.yml', text).map(({ code }) => code);

test('threat 21: every workflow of this repository, the example and what writ ci init writes pass the lint', () => {
  const found = globSync(
    ['.github/workflows/*.{yml,yaml}', '{examples,action,docs}/**/.github/workflows/*.{yml,yaml}'],
    {
      cwd: root,
    },
  );
  assert.ok(found.includes(example), found.join());
  for (const path of found) assert.deepEqual(lintWorkflow(path, readFileSync(join(root, path), 'utf8')), []);
  for (const events of [['push'], ['push', 'workflow_dispatch', 'schedule']]) {
    assert.deepEqual(
      lintWorkflow('w.yml', workflowText({ ...facts, events, spki: facts.trust, selfHosted: true })),
      [],
    );
  }
});

test('the example’s workflow is what writ ci init writes', () => {
  assert.equal(readFileSync(join(root, example), 'utf8'), written);
});

type Job = { permissions: Record<string, string>; steps: { uses: string }[]; environment?: string };

test('threat 21: only the deploy job may ask for ID tokens, and it checks out nothing', () => {
  const { jobs, permissions, on } = parse(written) as {
    jobs: Record<string, Job>;
    permissions: object;
    on: object;
  };
  assert.deepEqual(permissions, {});
  assert.deepEqual(Object.keys(on), ['pull_request', 'push', 'workflow_dispatch']);
  assert.deepEqual(
    Object.entries(jobs).map(([name, job]) => [name, job.permissions, job.environment]),
    [
      ['plan', { contents: 'read', 'pull-requests': 'write' }, undefined],
      ['build', { contents: 'read' }, undefined],
      ['deploy', { 'id-token': 'write' }, 'home'],
    ],
  );
  const used = jobs.deploy!.steps.map(({ uses }) => uses.split('@')[0]);
  assert.deepEqual(used, ['actions/download-artifact', 'example/writ/action/deploy']);
  assert.doesNotMatch(written, /secrets|run:/);
});

/** What GitHub puts in when it reads a workflow. */
const expression = (text: string): string => `\${{ ${text} }}`;

/** What somebody could put into a workflow, and what the lint says of it. */
const faults: readonly (readonly [string, string | RegExp, string, string])[] = [
  ['an action by a tag', /checkout@[0-9a-f]{40} # v5.0.0/, 'checkout@v5', 'action_unpinned'],
  ['an action by a short commit', /action\/deploy@[0-9a-f]{40}/, 'action/deploy@0123456', 'action_unpinned'],
  [
    'an image by a tag',
    /example\/writ\/action\/check@[0-9a-f]{40}\n\n/,
    'docker://alpine:3\n\n',
    'action_unpinned',
  ],
  ['no permissions at the top', 'permissions: {}\n', '', 'permissions_missing'],
  ['ID tokens for all jobs', 'permissions: {}\n', 'permissions:\n  id-token: write\n', 'permissions_wide'],
  ['everything for all jobs', 'permissions: {}\n', 'permissions: write-all\n', 'permissions_wide'],
  [
    'everything for one job',
    '    permissions:\n      contents: read\n    outputs',
    '    permissions: write-all\n    outputs',
    'permissions_wide',
  ],
  [
    'ID tokens where code is checked out',
    '      contents: read\n    outputs',
    '      contents: read\n      id-token: write\n    outputs',
    'id_token_shared',
  ],
  [
    'a script in the deploy job',
    '    steps:\n      - uses: actions/download',
    '    steps:\n      - run: npm ci\n      - uses: actions/download',
    'id_token_shared',
  ],
  ['a checkout in the deploy job', 'actions/download-artifact@', 'actions/checkout@', 'id_token_shared'],
  [
    'a container around the deploy job',
    '    environment:',
    '    container: alpine\n    environment:',
    'id_token_shared',
  ],
  ['no environment', "    environment: 'home'\n", '', 'environment_missing'],
  [
    'a right to write beside ID tokens',
    '      id-token: write\n',
    '      id-token: write\n      contents: write\n',
    'id_token_wide',
  ],
  [
    'a stored secret',
    '          file: home.order',
    `          file: ${expression('secrets.FILE')}`,
    'secret_stored',
  ],
  ['pull_request_target', '  pull_request:\n', '  pull_request_target:\n', 'event_foreign'],
  ['workflow_run', '  pull_request:\n', '  workflow_run:\n', 'event_foreign'],
  ['a token left in the folder', '          persist-credentials: false\n', '', 'credentials_kept'],
  [
    'a script of a stranger',
    '    steps:\n      - uses: actions/checkout',
    `    steps:\n      - run: echo ${expression('github.event.pull_request.title')}\n      - uses: actions/checkout`,
    'script_injection',
  ],
  [
    'a branch’s name in a script',
    '    steps:\n      - uses: actions/checkout',
    `    steps:\n      - run: echo ${expression("github['head_ref']")}\n      - uses: actions/checkout`,
    'script_injection',
  ],
  ...[
    'toJSON(github.event)',
    'toJSON(github)',
    "github.event['issue']['title']",
    "format('{0}', github.event.issue.title)",
    "format('}}', GitHub . Event.issue.title)",
    'github.*',
    'github.sha || github.head_ref',
  ].map((text): (typeof faults)[number] => [
    `words of others by ${text}`,
    '    steps:\n      - uses: actions/checkout',
    `    steps:\n      - run: echo ${expression(text)}\n      - uses: actions/checkout`,
    'script_injection',
  ]),
  [
    'words of others in a script of an action',
    '      - uses: example/writ/action/check@0123456789abcdef0123456789abcdef01234567\n\n',
    `      - uses: example/writ/action/check@0123456789abcdef0123456789abcdef01234567\n        with:\n          script: ${expression('github.event.issue.title')}\n\n`,
    'script_injection',
  ],
  ['an issue', '  pull_request:\n', '  issues:\n', 'event_foreign'],
  ['a comment', '  pull_request:\n', '  discussion_comment:\n', 'event_foreign'],
  ['events that YAML 1.2 does not see', /^/, '%YAML 1.1\n---\n', 'workflow_malformed'],
  [
    'a machine of one’s own for strangers',
    'runs-on: ubuntu-24.04',
    'runs-on: [self-hosted, home]',
    'runner_shared',
  ],
  ['no jobs', /jobs:[\s\S]*/, '', 'workflow_malformed'],
  ['a key that stands twice', 'name: writ\n', 'name: writ\nname: writ\n', 'workflow_malformed'],
];

test('threat 21: the lint names each fault, at its line', async (t) => {
  for (const [name, from, to, code] of faults) {
    await t.test(name, () => {
      const text = written.replace(from, () => to);
      assert.notEqual(text, written);
      assert.ok(codes(text).includes(code), `${codes(text)}`);
    });
  }
  const [finding] = lintWorkflow('w.yml', written.replace(/checkout@\S+ # v5.0.0/, 'checkout@v5'));
  const line = written.split('\n').findIndex((one) => one.includes('actions/checkout')) + 1;
  assert.deepEqual([finding!.file, finding!.line], ['w.yml', line]);
  const twice = written.replace(
    /( {2}deploy:[\s\S]*)$/,
    (job) => `${job}${job.replace('  deploy:', '  again:')}`,
  );
  assert.deepEqual(codes(twice), ['id_token_twice']);
});

test('threat 21: aliases cannot hide what a job may', () => {
  const text =
    'on: push\npermissions: {}\nx: &p { id-token: write }\njobs:\n  a:\n    permissions: *p\n    steps: []\n';
  assert.deepEqual(codes(text), ['workflow_malformed']);
});

test('a workflow’s pins are read back from it, and an action is a commit or nothing', () => {
  assert.deepEqual(pinsIn(written), { trust: facts.trust, action: `example/writ@${facts.action.commit}` });
  assert.deepEqual(pinsIn('name: other\n'), { trust: null, action: null });
  assert.deepEqual(readAction(`example/writ@${facts.action.commit}`), facts.action);
  for (const text of ['example/writ@v1', 'example/writ', 'writ@0123', `a/b c@${facts.action.commit}`]) {
    assert.equal(readAction(text), null);
  }
});
