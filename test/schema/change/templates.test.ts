import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedUnits } from '../../../schema/change/units.ts';
import { buildTree, smallHome, type Tree } from '../../support/repo-fixture.ts';

const home: Tree = {
  'homelab.yaml': smallHome['homelab.yaml']!,
  'apps/workers/app.yaml': [
    'on: websvcs',
    'units: [worker@.container, workers.target, echo.socket, echo@.service]',
    'files: [{ from: work.conf, to: /etc/opt/workers/work.conf }]',
    '',
  ].join('\n'),
  'apps/workers/worker@.container': '[Container]\nImage=localhost/busy:1\nExec=sleep %i\n',
  'apps/workers/workers.target': '[Unit]\nWants=worker@one.service\n[Install]\nWantedBy=multi-user.target\n',
  'apps/workers/work.conf': 'one\n',
  'apps/workers/echo.socket': '[Socket]\nListenStream=7\nAccept=yes\n',
  'apps/workers/echo@.service': '[Service]\nExecStart=/bin/cat\nStandardInput=socket\n',
};

async function effects(changes: Parameters<typeof buildTree>[1]): Promise<Record<string, string>> {
  const [old, next] = [await buildTree(home), await buildTree(home, changes)];
  assert.ok(old.release && next.release, JSON.stringify([old.findings, next.findings]));
  const part = ({ parts }: typeof old.release.manifest) => parts.find(({ target }) => target === 'websvcs');
  const changed = changedUnits(part(old.release.manifest), part(next.release.manifest));
  return Object.fromEntries(changed.map(({ service, effect }) => [service, effect]));
}

test('instances of a template follow its file and the files of their app', async () => {
  const file = await effects({ 'apps/workers/work.conf': 'two\n' });
  assert.equal(file['worker@.service'], 'restart');
  const unit = await effects({
    'apps/workers/worker@.container': '[Container]\nImage=localhost/busy:1\nExec=sleep 1%i\n',
  });
  assert.deepEqual([unit['worker@.service'], unit['workers.target']], ['restart', 'untouched']);
});

test('what a socket starts for each connection is not touched', async () => {
  const unit = await effects({
    'apps/workers/echo@.service': '[Service]\nExecStart=/bin/cat -n\nStandardInput=socket\n',
  });
  assert.deepEqual([unit['echo@.service'], unit['echo.socket']], ['untouched', 'untouched']);
});
