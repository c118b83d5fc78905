import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { victorialogs } from '../../../../src/config/generate/victorialogs.ts';
import { missing } from '../../../support/missing.ts';
import type { Tree } from '../../../support/repo-fixture.ts';
import { homelabWith, madeFor } from '../../../support/seen-home.ts';

type Options = Readonly<Record<string, unknown>>;

const logs: Tree = {
  'apps/logs/app.yaml': 'on: secsvcs\nunits: [logs.container]\nports: [{ port: 9428 }]\n',
  'apps/logs/logs.container':
    '[Container]\nImage=docker.io/victoriametrics/victoria-logs:v1.36.1\nContainerName=logs\nPublishPort=9428:9428\n',
};
const journal = (uses: string): Tree => ({
  ...logs,
  'apps/journal/app.yaml': [
    'on: [secsvcs, websvcs, cloud]',
    'service: systemd-journal-upload.service',
    'files: [{ generate: victorialogs/journal-upload, to: /etc/systemd/journal-upload.conf.d/home.conf }]',
    `uses: [${uses}]`,
    '',
  ].join('\n'),
});
const used = '{ app: logs, on: secsvcs, port: 9428, after: false }';
const make = (target: string, uses: string = used, options: Options = {}, changes: Tree = {}) =>
  madeFor(
    victorialogs,
    'journal-upload',
    { app: 'journal', target },
    { ...journal(uses), ...changes },
    options,
  );
const linesOf = (...given: Parameters<typeof make>): string[] => {
  const { text, doubts } = make(...given);
  assert.deepEqual(doubts, []);
  return text.trimEnd().split('\n').slice(1);
};

test('each machine sends its journal where VictoriaLogs is, by an address that it reaches', () => {
  const tailnet = homelabWith([
    'address: 192.168.20.11, network: lan }',
    'address: 192.168.20.11, network: lan, tailnet: 100.64.0.11 }',
  ]);
  for (const [target, host] of [
    ['secsvcs', '192.168.20.11'],
    ['websvcs', '192.168.20.11'],
    ['cloud', '100.64.0.11'],
  ] as const) {
    assert.deepEqual(linesOf(target, used, {}, tailnet), [
      '[Upload]',
      `URL=http://${host}:9428/insert/journald`,
    ]);
  }
  assert.deepEqual(
    linesOf('websvcs', '{ app: logs, on: secsvcs, port: 80 }')[1],
    'URL=http://192.168.20.11:80/insert/journald',
  );
  assert.deepEqual(
    linesOf('websvcs', '{ app: logs, on: secsvcs }')[1],
    'URL=http://192.168.20.11:9428/insert/journald',
  );
});

test('where nothing says to which VictoriaLogs, or it has no address, that is told', () => {
  assert.match(
    make('websvcs', '').doubts.join(),
    /^error wrong_option: nothing says where the journal of websvcs goes/,
  );
  assert.match(make('websvcs', '{ app: git, on: websvcs }').doubts.join(), /^error wrong_option/);
  assert.match(make('cloud').doubts.join(), /^error address_missing: cloud cannot send its journal/);
});

const files = { trusted: '/etc/ca.pem', certificate: '/etc/cert.pem', key: '/etc/key.pem' };

test('options say where else, with which certificates, and more', () => {
  const options = {
    url: 'https://logs.example.net:443/insert/journald',
    ...files,
    extra: ['NetworkTimeoutSec=10min'],
  };
  assert.deepEqual(linesOf('websvcs', '', options), [
    '[Upload]',
    'URL=https://logs.example.net:443/insert/journald',
    'ServerKeyFile=/etc/key.pem',
    'ServerCertificateFile=/etc/cert.pem',
    'TrustedCertificateFile=/etc/ca.pem',
    'NetworkTimeoutSec=10min',
  ]);
  for (const wrong of [
    { url: 'logs:9428' },
    { url: 'https://logs.example.net/insert/journald' },
    { url: 'http://a\nb' },
    { extra: ['a\nb'] },
    { trusted: 'ca.pem' },
    { uri: '' },
  ])
    assert.match(make('websvcs', used, wrong).doubts.join(), /^error wrong_option/, JSON.stringify(wrong));
});

const programs = '/lib/systemd';
const hasPrograms = ['systemd-journal-upload', 'systemd-journal-remote'].every((name) =>
  existsSync(join(programs, name)),
);
const lacking = !hasPrograms
  ? 'systemd-journal-upload (package systemd-journal-remote), which reads its configuration'
  : spawnSync('unshare', ['-rm', 'true']).status === 0
    ? null
    : 'mounts of a process of its own (unshare -rm), for journal-upload.conf';
if (lacking !== null) missing(lacking);

test('systemd itself sends a journal as the file says', { skip: lacking ?? false }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-journal-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const entry =
    '__REALTIME_TIMESTAMP=1700000000000000\n__MONOTONIC_TIMESTAMP=1000000\n_BOOT_ID=0123456789abcdef0123456789abcdef\nMESSAGE=a light in the window\n\n';
  const journalFile = join(folder, 'a.journal');
  const written = spawnSync(join(programs, 'systemd-journal-remote'), ['-o', journalFile, '-'], {
    input: entry,
  });
  assert.equal(written.status, 0, String(written.stderr));
  const got: { url: string; body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    got.push({ url: request.url!, body });
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const send = async (text: string): Promise<string> => {
    const conf = join(folder, 'upload.conf');
    writeFileSync(conf, text);
    const line = `mount --bind ${conf} /etc/systemd/journal-upload.conf && exec ${programs}/systemd-journal-upload --file=${journalFile} --follow=no`;
    const child = spawn('unshare', ['-rm', 'sh', '-c', line], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += String(chunk);
    });
    const [code] = await once(child, 'close');
    return `${said}exit ${code}`;
  };
  const text = make('websvcs', used, files).text.replace('192.168.20.11:9428', `127.0.0.1:${port}`);
  const said = await send(text);
  assert.match(said, /exit 0$/);
  assert.doesNotMatch(said, /Unknown|[Ii]gnoring|Failed/);
  // VictoriaLogs answers at this path: systemd puts /upload behind what the file says.
  assert.deepEqual(
    got.map(({ url }) => url),
    ['/insert/journald/upload'],
  );
  assert.match(got[0]!.body, /^MESSAGE=a light in the window$/m);
  for (const key of ['URL', 'ServerKeyFile', 'ServerCertificateFile', 'TrustedCertificateFile'])
    assert.match(await send(text.replace(key, `${key}s`)), new RegExp(`Unknown key '${key}s'`), key);
});
