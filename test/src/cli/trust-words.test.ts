import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import { trustInWords } from '../../../src/cli/trust-words.ts';
import { deployWorkflow } from '../../support/workflow-pins.ts';
import { makeFixture, now } from './home-fixture.ts';

let trust: Trust;
before(async () => {
  trust = (await makeFixture()).trust;
});

const shown = (change: (document: TrustDocument) => void): string => {
  const document = structuredClone(trust.document);
  change(document);
  return trustInWords({ ...trust, document }, now);
};
const says = (text: string, line: string): void =>
  assert.ok(text.split('\n').includes(line), `not there: ${line}\n${text}`);

test('a workflow is told by repository, file, branch, machines and paths, and by all that its tokens must say', () => {
  const text = shown((document) => {
    document.identities.deploy = {
      ...deployWorkflow({ on: ['secsvcs', 'websvcs'], paths: ['/etc/opt/**'] }),
      repository_id: '123',
      workflow: '.github/workflows/deploy.yml',
    };
  });
  says(
    text,
    '  GitHub workflow deploy.yml of repository 123 on main may apply releases to secsvcs and websvcs under /etc/opt',
  );
  says(
    text,
    '  Its tokens must say the owner 583231, the environment home, the event push or workflow_dispatch, a runner of GitHub’s own, run 0 or a later one.',
  );
  const other = shown((document) => {
    document.identities.deploy = {
      ...deployWorkflow({ on: ['websvcs'], paths: ['/srv/**', '/etc/motd', '/etc/*/x/**'] }),
      event_name: ['schedule'],
      runner_environment: 'self-hosted',
      issuer: 'https://git.example.net/_services/token',
      min_run: 41,
    };
  });
  says(
    other,
    '  GitHub workflow writ.yml of repository 1296269 on main may apply releases to websvcs under /srv, and at /etc/motd and /etc/*/x/**',
  );
  says(
    other,
    '  Its tokens must say the owner 583231, the environment home, the event schedule, a runner of yours, run 41 or a later one, the issuer https://git.example.net/_services/token.',
  );
});

test('who may touch every path is told so', () => {
  const text = shown((document) => {
    document.identities.deploy = deployWorkflow({ on: ['websvcs'], paths: ['/**', '/srv/**'] });
  });
  says(
    text,
    '  GitHub workflow writ.yml of repository 1296269 on main may apply releases to websvcs under / and /srv',
  );
});

test('who may release to a host is root there, and a workflow is told that it is not taken there yet', () => {
  const text = shown((document) => {
    document.identities.deploy = deployWorkflow({ on: ['websvcs', 'pve2'] });
  });
  const web = 'GitHub workflow writ.yml of repository 1296269 on main may apply releases to';
  says(text, `  ${web} websvcs under /etc/opt`);
  says(
    text,
    `  ${web} pve2 under /etc/opt; root on this machine (which is not taken there yet: workflows release to virtual machines alone)`,
  );
  const where =
    'under /etc/containers/systemd, /etc/systemd/system, /etc/opt, /opt, /srv and /var/opt; root on this machine';
  for (const host of ['cloud', 'pve1', 'pve2']) says(text, `  apply releases to ${host} ${where}`);
  assert.equal(text.match(/root on this machine/g)?.length, 4);
});

test('a release grant without paths, a workflow without grants, a notary and what relays do alone are told as what they are', () => {
  const text = shown((document) => {
    document.identities.deploy = { ...deployWorkflow({ on: ['websvcs'] }), may: [] };
    document.identities.bare = deployWorkflow({ on: ['websvcs'], paths: [] });
    const { pve1 } = document.identities;
    assert.ok(pve1?.kind === 'relay');
    pve1.attests = ['time'];
    const may = [{ action: 'release.heal', on: ['websvcs'], limit: '4/1d', paths: ['/srv/**'] }];
    document.identities.standing = { kind: 'standing', may };
  });
  assert.match(
    text,
    /^By themselves, without a caller, relays may\n {2}\S.* websvcs under \/srv, at most 4 times in a day$/m,
  );
  says(text, '  GitHub workflow writ.yml of repository 1296269 on main may order nothing');
  assert.match(text, /may apply releases to websvcs, which may touch no path$/m);
  assert.match(text, /^ {2}pve1: .*, a notary, which says when it saw tokens, and nothing else$/m);
  assert.doesNotMatch(
    shown(() => {}),
    /notary/,
  );
});
