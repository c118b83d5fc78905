import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { missing } from '../../../support/missing.ts';
import { buildTree, type Tree, writeTree } from '../../../support/repo-fixture.ts';

const home: Tree = {
  'homelab.yaml': [
    'v: 1',
    'hosts:',
    '  pve1: {}',
    '  pve2: {}',
    'guests:',
    '  gaming: { host: pve2, vmid: 201, exclusive: [gpu0] }',
    '  devtop: { host: pve2, vmid: 202, exclusive: [gpu0, tpu] }',
    '  models: { host: pve2, vmid: 203, kind: lxc, exclusive: [tpu] }',
    '  macos: { host: pve2, vmid: 204 }',
    '  elsewhere: { host: pve1, vmid: 201, exclusive: [gpu0] }',
    '',
  ].join('\n'),
  'apps/guard/app.yaml': [
    'on: pve2',
    'files:',
    '  - generate: proxmox/hookscript',
    '    to: /var/lib/vz/snippets/exclusive.sh',
    '    mode: "0755"',
    '    on_change: none',
    '',
  ].join('\n'),
};

async function scriptOf(tree: Tree): Promise<string> {
  const { release, findings } = await buildTree(tree);
  assert.deepEqual(findings, []);
  const [file] = release!.manifest.parts[0]!.files;
  assert.deepEqual([file!.path, file!.mode], ['/var/lib/vz/snippets/exclusive.sh', '0755']);
  return new TextDecoder().decode(release!.blobs.get(file!.digest));
}

/** Runs the script with a `qm` and a `pct` that answer from a table, and note how they were called. */
async function hook(
  t: { after(work: () => void): void },
  words: readonly string[],
  states: Readonly<Record<string, string>>,
  program = 'sh',
): Promise<{ exit: number | null; said: string; calls: string }> {
  const folder = writeTree(t, { hook: await scriptOf(home), calls: '' });
  for (const tool of ['qm', 'pct']) {
    const cases = Object.entries(states)
      .filter(([guest]) => guest.startsWith(tool))
      .map(([guest, state]) => `"${guest.slice(tool.length + 1)}") ${state} ;;`);
    const text = [
      '#!/bin/sh',
      `echo "${tool} $*" >> "${folder}/calls"`,
      '[ "$1" = status ] || exit 9',
      'case $2 in',
      ...cases,
      '*) echo "status: stopped" ;;',
      'esac',
      '',
    ];
    writeFileSync(join(folder, tool), text.join('\n'));
    chmodSync(join(folder, tool), 0o755);
  }
  const ran = spawnSync(program, [join(folder, 'hook'), ...words], {
    encoding: 'utf8',
    env: { PATH: `${folder}:/usr/bin:/bin` },
  });
  return {
    exit: ran.status,
    said: `${ran.stdout}${ran.stderr}`,
    calls: readFileSync(join(folder, 'calls'), 'utf8'),
  };
}

const running = 'echo "status: running"';

test('a guest does not start while another one holds its hardware', async (t) => {
  assert.deepEqual(await hook(t, ['201', 'pre-start'], { 'qm 202': running }), {
    exit: 1,
    said: 'writ: nothing was started: devtop (202) holds gpu0 (status: running). Shut it down first.\n',
    calls: 'qm status 202\n',
  });
  const held = await hook(t, ['202', 'pre-start'], { 'pct 203': running });
  assert.equal(held.exit, 1);
  assert.match(held.said, /models \(203\) holds tpu/);
  assert.equal(held.calls, 'qm status 201\npct status 203\n');
});

test('a paused guest holds it too, and so may one that nobody can tell of', async (t) => {
  const paused = await hook(t, ['201', 'pre-start'], { 'qm 202': 'echo "status: paused"' });
  assert.deepEqual([paused.exit, paused.said.includes('status: paused')], [1, true]);
  const unclear = await hook(t, ['201', 'pre-start'], { 'qm 202': 'echo "got timeout" >&2; exit 255' });
  assert.equal(unclear.exit, 1);
  assert.equal(
    unclear.said,
    'writ: nothing was started: qm cannot tell whether devtop (202) runs, which holds gpu0: got timeout\n',
  );
});

test('everything else goes on', async (t) => {
  const gone = `echo "Configuration file 'nodes/pve2/qemu-server/202.conf' does not exist" >&2; exit 2`;
  const cases: readonly (readonly [string[], Record<string, string>])[] = [
    [['201', 'pre-start'], {}],
    [['201', 'pre-start'], { 'qm 202': gone }],
    [['204', 'pre-start'], { 'qm 201': running }],
    [['999', 'pre-start'], { 'qm 201': running }],
    [['201', 'post-start'], { 'qm 202': running }],
    [['201', 'pre-stop'], { 'qm 202': running }],
    [['201'], { 'qm 202': running }],
    [[], {}],
  ];
  for (const [words, states] of cases) {
    const { exit, said } = await hook(t, words, states);
    assert.deepEqual({ exit, said }, { exit: 0, said: '' }, words.join(' '));
  }
});

test('any POSIX shell takes the script', async (t) => {
  const script = await scriptOf(home);
  for (const program of ['dash', 'bash']) {
    const ran = spawnSync(program, ['-n'], { input: script, encoding: 'utf8' });
    if (ran.error !== undefined) missing(`${program}, to read the hook script with`);
    else assert.deepEqual([ran.status, ran.stderr], [0, ''], program);
  }
  const checked = spawnSync('shellcheck', ['-s', 'sh', '-'], { input: script, encoding: 'utf8' });
  if (checked.error !== undefined) missing('shellcheck, to read the hook script with');
  else assert.deepEqual([checked.status, checked.stdout], [0, '']);
  const none = spawnSync('dash', ['-c', 'exit 0']);
  if (none.error === undefined) {
    assert.equal((await hook(t, ['201', 'pre-start'], { 'qm 202': running }, 'dash')).exit, 1);
  }
});

test('a host whose guests share hardware is told when it has no hook script, and none is for a guest', async () => {
  const alone = { 'homelab.yaml': home['homelab.yaml']! };
  assert.deepEqual(
    (await buildTree(alone)).findings.map(({ line, severity, code, message }) => [
      line,
      severity,
      code,
      message,
    ]),
    [
      [
        4,
        'warning',
        'generator_unplaced',
        'proxmox/hookscript has entries and no place: gaming and devtop share gpu0',
      ],
    ],
  );
  const inGuest = {
    ...home,
    'apps/guard/app.yaml': (home['apps/guard/app.yaml'] as string).replace('pve2', 'macos'),
  };
  assert.deepEqual(
    (await buildTree(inGuest)).findings.map(({ code }) => code),
    ['unknown_host', 'generator_unplaced'],
  );
});
