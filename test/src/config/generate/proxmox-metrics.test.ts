import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { proxmox } from '../../../../src/config/generate/proxmox.ts';
import { findChecker } from '../../../support/checkers.ts';
import { generateFor } from '../../../support/compiled-home.ts';
import { missing } from '../../../support/missing.ts';
import { watched, watchedHome } from '../../../support/watched-home.ts';

const placed = {
  'apps/house/app.yaml':
    'on: [pve1, pve2, secsvcs]\nfiles: [{ generate: proxmox/metrics, to: /etc/opt/house/metrics }]\n',
};

const programOf = (target: string, changes = {}): string => {
  const { home } = watched({ ...placed, ...changes });
  const { made, doubts } = generateFor(proxmox, 'metrics', home, { app: 'house', target });
  assert.deepEqual(doubts, []);
  assert.ok(made.kind === 'file');
  return made.text;
};

const hasPerl = spawnSync('perl', ['-MJSON::PP', '-MTime::Local', '-e', '1']).status === 0;
if (!hasPerl) missing('perl with JSON::PP, in which the metrics of a Proxmox VE host are gathered');
const skip = !hasPerl && 'there is no perl with JSON::PP';

const lvs = {
  report: [
    {
      lv: [
        { vg_name: 'pve', lv_name: 'data', data_percent: '71.52', metadata_percent: '3.40' },
        { vg_name: 'games', lv_name: 'pool', data_percent: '', metadata_percent: '' },
      ],
    },
  ],
};
const status = `Name             Type     Status           Total            Used       Available        %
hdd               dir     active      1000000000       250000000       750000000   25.00%
local             dir     active        98497780        20000000        73000000   20.30%
local-lvm     lvmthin   inactive               0               0               0    0.00%
`;
const list = `Volid                                                      Format  Type             Size VMID
hdd:backup/vzdump-qemu-200-2024_11_27-03_30_01.vma.zst     vma.zst backup     1234567890 200
hdd:backup/vzdump-qemu-200-2024_11_28-03_30_02.vma.zst     vma.zst backup     1234567890 200
hdd:backup/vzdump-qemu-999-2024_11_29-03_30_02.vma.zst     vma.zst backup     1234567890 999
`;
const storageConfig = `dir: local
	path /var/lib/vz

lvmthin: local-lvm
	thinpool data
	vgname pve
	content rootdir,images
`;

type Said = Readonly<
  Partial<Record<'lvs' | 'status' | 'list', { readonly out: string; readonly exit?: number }>>
>;

/** Runs the program where `lvs` and `pvesm` say what the test has them say. */
function run(t: TestContext, program: string, said: Said = {}, before?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'writ-house-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = (name: string): string => join(folder, name);
  const all = { lvs: { out: JSON.stringify(lvs) }, status: { out: status }, list: { out: list }, ...said };
  for (const [name, { out, exit = 0 }] of Object.entries(all)) {
    writeFileSync(path(`${name}.out`), out);
    writeFileSync(path(`${name}.exit`), `${exit}`);
  }
  const say = (name: string): string =>
    `cat '${path(`${name}.out`)}'; exit "$(cat '${path(`${name}.exit`)}')"`;
  writeFileSync(path('lvs'), `#!/bin/sh\nprintf '%s\\n' "lvs $*" >>'${path('asked')}'\n${say('lvs')}\n`, {
    mode: 0o755,
  });
  writeFileSync(
    path('pvesm'),
    `#!/bin/sh\nprintf '%s\\n' "pvesm $*" >>'${path('asked')}'\ncase $1 in status) ${say('status')} ;; list) ${say('list')} ;; esac\n`,
    { mode: 0o755 },
  );
  writeFileSync(path('house-metrics'), program);
  writeFileSync(path('storage.cfg'), storageConfig);
  const out = path('house.prom');
  if (before !== undefined) writeFileSync(out, before);
  const done = spawnSync('perl', [path('house-metrics'), out, path('storage.cfg')], {
    encoding: 'utf8',
    env: { PATH: `${folder}:${process.env.PATH}`, TZ: 'Europe/Berlin' },
  });
  return {
    exit: done.status,
    err: done.stderr,
    text: existsSync(out) ? readFileSync(out, 'utf8') : null,
    asked: existsSync(path('asked')) ? readFileSync(path('asked'), 'utf8').trim().split('\n') : [],
    left: readdirSync(folder).filter((name) => name.startsWith('house.prom')),
  };
}

const samplesOf = (text: string | null): string[] =>
  text!.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

test('a host tells how full pools and storages are, and when each guest was backed up last', {
  skip,
}, (t) => {
  const { exit, err, text, asked, left } = run(t, programOf('pve2'));
  assert.deepEqual([exit, err], [0, '']);
  assert.deepEqual(samplesOf(text), [
    'house_backup_newest_timestamp_seconds{guest="gaming",storage="hdd"} 0',
    // By the clock of the host: half past three in Berlin.
    `house_backup_newest_timestamp_seconds{guest="websvcs",storage="hdd"} ${Date.parse('2024-11-28T02:30:02Z') / 1000}`,
    'house_metrics_success{part="thin_pools"} 1',
    'house_metrics_success{part="storages"} 1',
    'house_metrics_success{part="backups_hdd"} 1',
    'house_storage_active{storage="hdd"} 1',
    'house_storage_active{storage="vms"} 0',
    'house_storage_used_percent{storage="hdd"} 25.00',
    'house_thin_pool_data_percent{vg="pve",pool="data",storage="vms"} 71.52',
    'house_thin_pool_metadata_percent{vg="pve",pool="data",storage="vms"} 3.4',
  ]);
  assert.deepEqual(asked, [
    'lvs --reportformat json --select lv_attr=~^t --options vg_name,lv_name,data_percent,metadata_percent',
    'pvesm status',
    'pvesm list hdd --content backup',
  ]);
  assert.deepEqual(left, ['house.prom'], 'nothing is left beside it');
  if (findChecker('promtool').length === 0)
    missing('promtool, which judges the metrics of a Proxmox VE host');
  else {
    const [program, ...words] = findChecker('promtool')[0]!.argv;
    const judged = spawnSync(program!, [...words, 'check', 'metrics'], { input: text!, encoding: 'utf8' });
    assert.deepEqual([judged.status, judged.stderr], [0, '']);
  }
});

test('backups of Proxmox Backup Server have their time in UTC', { skip }, (t) => {
  const out = `Volid                                    Format  Type        Size VMID
hdd:backup/vm/200/2024-11-28T03:30:02Z   pbs-vm  backup  1234567890 200
hdd:backup/ct/201/2024-11-27T03:30:02Z   pbs-ct  backup  1234567890 201
`;
  const { text } = run(t, programOf('pve2'), { list: { out } });
  assert.deepEqual(samplesOf(text).slice(0, 2), [
    `house_backup_newest_timestamp_seconds{guest="gaming",storage="hdd"} ${Date.parse('2024-11-27T03:30:02Z') / 1000}`,
    `house_backup_newest_timestamp_seconds{guest="websvcs",storage="hdd"} ${Date.parse('2024-11-28T03:30:02Z') / 1000}`,
  ]);
});

test('a file with a time that is none or is yet to come hides nothing, and no number is made of what is none', {
  skip,
}, (t) => {
  const strange = ['2024_02_30-03_30_00', '2024_13_01-03_30_00', '9999_01_01-00_00_00', 'x" } $(id)'].map(
    (time) => `hdd:backup/vzdump-qemu-200-${time}.vma.zst vma.zst backup 5 200\n`,
  );
  const { exit, err, text } = run(t, programOf('pve2'), {
    list: { out: `${list}\nhdd:x\n${strange.join('')}` },
    status: { out: `${status.split('\n')[0]}\n\nhdd dir\nhdd dir active 100 N/A 0 N/A\n` },
    lvs: {
      out: JSON.stringify({
        report: [
          { lv: [{ vg_name: 'a"\n} b{', lv_name: 'c\\', data_percent: '1.2.3', metadata_percent: '4' }] },
        ],
      }),
    },
  });
  assert.deepEqual([exit, err], [0, '']);
  const samples = samplesOf(text).filter((line) => !line.startsWith('house_metrics'));
  assert.deepEqual(samples, [
    'house_backup_newest_timestamp_seconds{guest="gaming",storage="hdd"} 0',
    `house_backup_newest_timestamp_seconds{guest="websvcs",storage="hdd"} ${Date.parse('2024-11-28T02:30:02Z') / 1000}`,
    'house_storage_active{storage="hdd"} 1',
    'house_thin_pool_metadata_percent{vg="a\\"\\n} b{",pool="c\\\\"} 4',
  ]);
});

test('what one program does not tell is left out and said, and the rest is written', { skip }, (t) => {
  const { exit, err, text } = run(t, programOf('pve2'), {
    list: { out: "storage 'hdd' is not online\n", exit: 255 },
    lvs: { out: 'no JSON' },
  });
  assert.equal(exit, 1);
  assert.match(
    err,
    /house-metrics: thin_pools: .*\n?[\s\S]*house-metrics: backups_hdd: pvesm ended with 255/,
  );
  const samples = samplesOf(text);
  assert.ok(samples.includes('house_metrics_success{part="thin_pools"} 0'));
  assert.ok(samples.includes('house_metrics_success{part="backups_hdd"} 0'));
  assert.ok(samples.includes('house_storage_used_percent{storage="hdd"} 25.00'));
  assert.ok(!samples.some((line) => /^house_(backup|thin)/.test(line)));
});

test('a list that is no list is no word of guests without backups', { skip }, (t) => {
  const { text } = run(t, programOf('pve2'), { list: { out: '' } });
  assert.ok(!text!.includes('house_backup'));
  assert.ok(text!.includes('house_metrics_success{part="backups_hdd"} 0'));
});

test('what cannot be written leaves what was there', { skip }, (t) => {
  const program = programOf('pve2').replace('rename($beside, $file)', '0');
  const { exit, text, left } = run(t, program, {}, 'old 1\n');
  assert.notEqual(exit, 0);
  assert.equal(text, 'old 1\n');
  assert.deepEqual(left, ['house.prom']);
});

test('each host has its own guests and storages, and names of storages are data', { skip }, (t) => {
  assert.match(
    programOf('pve1'),
    /"guest": "secsvcs",\n {3}"vmid": 101,\n {3}"storage": "root",\n {3}"id": "local"/,
  );
  assert.doesNotMatch(programOf('pve1'), /websvcs|local-lvm/);
  const homelab = (watchedHome['homelab.yaml'] as string).replace(
    'storage:\n',
    'storage:\n  usb: { host: pve2, kind: dir }\n',
  );
  assert.match(programOf('pve2', { 'homelab.yaml': homelab }), /"storage": "usb",\n {3}"id": "usb"/);
  const { text } = run(t, programOf('pve1'));
  assert.deepEqual(
    samplesOf(text).filter((line) => line.startsWith('house_storage')),
    ['house_storage_active{storage="root"} 1', 'house_storage_used_percent{storage="root"} 20.31'],
  );
  assert.ok(samplesOf(text).includes('house_thin_pool_data_percent{vg="pve",pool="data"} 71.52'));
});

test('on a guest it is refused', () => {
  const { home } = watched(placed);
  const { doubts } = generateFor(proxmox, 'metrics', home, { app: 'house', target: 'secsvcs' });
  assert.deepEqual(
    doubts.map(({ code }) => code),
    ['unknown_host'],
  );
});
