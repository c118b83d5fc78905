import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { smallHome, writeTree } from '../../support/repo-fixture.ts';
import { runWrit } from './terminal-fixture.ts';

const homelab = smallHome['homelab.yaml'] as string;
const yaml = smallHome['apps/web/app.yaml'] as string;

test('build writes files of volumes and of devices beside those of machines', async (t) => {
  const repo = writeTree(t, {
    ...smallHome,
    'homelab.yaml': `${homelab}devices: { ap: { network: lan } }\n`,
    'apps/web/app.yaml': yaml.replace('files:', 'files:\n  - { from: motd, to: volume:webdata/a/ }'),
    'apps/ap/app.yaml': 'on: ap\nfiles: [{ from: ap.cfg, to: /ap.cfg }]\n',
    'apps/ap/ap.cfg': 'name ap\n',
  });
  const out = join(repo, 'out');
  const ran = await runWrit(['config', 'build', '--repo', repo, '-o', out]);
  assert.equal(ran.exit, 0, ran.err);
  assert.equal(readFileSync(join(out, 'websvcs/volume:webdata/a/motd'), 'utf8'), 'hello\n');
  assert.equal(readFileSync(join(out, 'websvcs/etc/opt/web/motd'), 'utf8'), 'hello\n');
  assert.equal(readFileSync(join(out, 'ap/ap.cfg'), 'utf8'), 'name ap\n');
});

test('a runbook that nothing can run yet is a warning to check', async (t) => {
  const repo = writeTree(t, {
    ...smallHome,
    'runbooks/pair.yaml': 'title: Pair\nsteps: [{ wait: 30s }]\n',
  });
  const ran = await runWrit(['config', 'check', '--repo', repo]);
  assert.equal(ran.exit, 0);
  assert.match(
    ran.out,
    /^runbooks\/pair\.yaml:2:11: warning: nothing can run wait yet, so the control plane refuses this runbook whole; its form is checked \[runbook_not_run\]$/m,
  );
});
