import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTree, smallHome, type Tree } from '../../../support/repo-fixture.ts';

const unit = (...lines: readonly string[]): string =>
  ['[Container]', 'Image=docker.io/library/nginx:1.29.1', ...lines, ''].join('\n');

async function told(lines: readonly string[], more: Tree = {}, app = ''): Promise<string[]> {
  const yaml = (smallHome['apps/web/app.yaml'] as string).replace('files:\n', `files:\n${app}`);
  const { findings } = await buildTree(smallHome, {
    'apps/web/web.container': unit(...lines),
    'apps/web/app.yaml': yaml,
    ...more,
  });
  return findings
    .filter(({ code }) => code === 'file_beside')
    .map(({ line, severity, message, suggestion }) => `${line} ${severity}: ${message}. ${suggestion}`);
}

test('a relative volume is told: on the machine the unit is not in the folder of its app', async () => {
  const files: Tree = { 'apps/web/files/a': 'a' };
  assert.deepEqual(await told(['Volume=./files:/files'], files), [
    '3 error: Podman looks for ./files at /etc/containers/systemd/files on websvcs, where nothing puts it. Place it by files: and write the path where it is then.',
  ]);
  assert.deepEqual(
    await told(['Volume=./files/:/files:ro'], files, '  - { from: files/, to: /etc/opt/web/files/ }\n'),
    [
      '3 error: Podman looks for ./files/ at /etc/containers/systemd/files on websvcs, where nothing puts it. Did you mean /etc/opt/web/files?',
    ],
  );
});

test('what the repo does not have may be there already, and is doubted', async () => {
  const lines = ['Volume=./data:/data', 'Mount=type=bind,src=../conf,dst=/conf', 'EnvironmentFile=web.env'];
  assert.deepEqual(
    (await told(lines)).map((line) => line.split(' on ')[0]),
    [
      '3 warning: Podman looks for ./data at /etc/containers/systemd/data',
      '4 warning: Podman looks for ../conf at /etc/containers/conf',
      '5 warning: Podman looks for web.env at /etc/containers/systemd/web.env',
    ],
  );
});

test('what is put beside the unit is found there, and other paths are not relative', async () => {
  const more: Tree = { 'apps/web/files/a': 'a', 'apps/web/web.env': 'A=b\n' };
  const app = [
    '  - { from: files/, to: /etc/containers/systemd/files/ }',
    '  - { from: web.env, to: /etc/containers/systemd/web.env }',
    '',
  ].join('\n');
  assert.deepEqual(
    await told(['Volume=./files:/f', 'Volume=./files/a:/a', 'EnvironmentFile=web.env'], more, app),
    [],
  );
  const dirs = (smallHome['apps/web/app.yaml'] as string).concat(
    'dirs: [{ path: /etc/containers/systemd/data }]\n',
  );
  assert.deepEqual(await told(['Volume=./data:/d'], { 'apps/web/app.yaml': dirs }), []);
  assert.deepEqual(await told(['Volume=/srv/a:/a', 'Volume=named:/b', 'Volume=%h/x:/c', 'Volume=/d']), []);
});
