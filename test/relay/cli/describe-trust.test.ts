import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeTrust } from '../../../relay/cli/describe-trust.ts';
import { operatorName } from '../../../schema/trust/document.ts';
import { makeFixture } from '../../src/cli/home-fixture.ts';
import { deployWorkflow } from '../../support/workflow-pins.ts';

test('a host’s console tells workflows, notaries, paths and who is root', async () => {
  const { trust, relays } = await makeFixture();
  const document = structuredClone(trust.document);
  const { pve1 } = document.identities;
  assert.ok(pve1?.kind === 'relay');
  pve1.attests = ['time'];
  document.identities.deploy = deployWorkflow({ on: ['websvcs', 'pve2'], paths: ['/etc/opt/**'] });
  document.identities.house = { ...deployWorkflow({ on: ['websvcs'] }), issuer: 'https://git.example.net/t' };
  const lines = describeTrust({ ...trust, document }, 'pve1', relays.pve1.kid, true);
  const text = lines.join('\n');
  assert.match(text, /^notaries {5}pve1$/m);
  assert.match(
    text,
    /^ {2}deploy {7}release\.apply on websvcs, pve2, paths \/etc\/opt\/\*\*; root on pve2; not taken on pve2$/m,
  );
  assert.match(
    text,
    /^ {15}by \.github\/workflows\/writ\.yml@refs\/heads\/main of repository 1296269, owner 583231, environment home, events push workflow_dispatch, github-hosted, runs from 0$/m,
  );
  assert.match(text, /issuer https:\/\/git\.example\.net\/t$/m);
  const operator = lines.find((line) => line.includes(`${operatorName} `) && line.includes('release.apply'));
  assert.match(operator ?? '', /paths \/etc\/containers.*; root on cloud, pve1, pve2$/);
  assert.doesNotMatch(describeTrust(trust, 'pve1', relays.pve1.kid, true).join('\n'), /workflows/);
});
