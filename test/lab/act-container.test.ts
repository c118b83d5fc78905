import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { actClock } from '../../relay/act/act-clock.ts';
import { createContainerExec } from '../../relay/act/container-exec.ts';
import type { Outside } from '../../relay/act/outside-exec.ts';
import { findTargetMachine } from '../../relay/act/target-machine.ts';
import { createTargetWork } from '../../relay/act/target-work.ts';
import { createRemoteMachine } from '../../relay/machine/remote-machine.ts';
import { digestBytes, toBytes } from '../../schema/jose/digest.ts';
import { ok, refuse } from '../../schema/result.ts';
import { canonicalJson } from '../../schema/wire/canonical.ts';
import type { Release } from '../../schema/wire/release.ts';
import { type Desk, nowMs, startDesk, wordOf } from '../relay/act/service-fixture.ts';
import { webContainer } from '../support/lab/act-home.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { startTargetGuest, type TargetGuest } from '../support/lab/target-guest.ts';
import { machineContract } from '../support/machine-contract.ts';
import { missing } from '../support/missing.ts';
import { buildTree, type Tree } from '../support/repo-fixture.ts';

const home: Tree = {
  'homelab.yaml': [
    'v: 1',
    'site: { domain: example.net }',
    'networks: { lan: { subnet: 192.168.20.0/24 } }',
    'hosts: { pve2: { network: lan, address: 192.168.20.2 } }',
    'guests: { files: { host: pve2, kind: lxc, vmid: 110, network: lan, address: 192.168.20.30 } }',
    '',
  ].join('\n'),
  'apps/web/app.yaml': [
    'on: files',
    'units: [web.container, beat.service, beat.timer]',
    'files: [{ from: index.html, to: /etc/opt/web/index.html }]',
    'health: { path: /, port: 8080, within: 30s }',
    '',
  ].join('\n'),
  'apps/web/web.container': webContainer,
  'apps/web/beat.service': '[Service]\nType=oneshot\nExecStart=/bin/true\n',
  'apps/web/beat.timer': '[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=timers.target\n',
  'apps/web/index.html': 'one\n',
};

async function releaseOf(changes: Parameters<typeof buildTree>[1] = {}): Promise<Release> {
  const { release, findings } = await buildTree(home, changes);
  assert.ok(release !== undefined, JSON.stringify(findings));
  return release;
}

const lacking = whyNoLab();
if (lacking !== null) missing(lacking);
else
  describe('a container with real systemd and Podman, by a stand-in for pct', () => {
    let target: TargetGuest;
    let volume = 'local-lvm:vm-110-disk-0';
    before(async () => {
      target = await startTargetGuest('files');
    });
    after(() => target?.close());

    /** In place of systemd and of `pct exec 110`, which enters the container as lxc-attach would. */
    const outside: Outside = async (argv, { stdin, timeoutMs, signal }) => {
      assert.deepEqual(argv.slice(0, 6), ['pct', 'exec', '110', '--keep-env', '0', '--']);
      const enter = ['env', '-i', 'container=lxc', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', ...argv.slice(6)];
      if (signal?.aborted === true) return refuse('aborted');
      const running = target.guest.run(enter, { stdin: Buffer.from(stdin).toString(), timeoutMs });
      const aborted = new Promise<null>((resolve) => signal?.addEventListener('abort', () => resolve(null)));
      const ran = await Promise.race([running, aborted]);
      if (ran === null) return refuse('aborted');
      if (ran.code < 0) return refuse('timeout');
      return ok({
        code: ran.code,
        stdout: new Uint8Array(Buffer.from(ran.out)),
        stderr: new Uint8Array(Buffer.from(ran.err)),
      });
    };
    const rootOf = async (vmid: number): Promise<string | null> => (vmid === 110 ? volume : null);

    let folders = 0;
    machineContract('a container with systemd by a stand-in for pct', async () => {
      folders += 1;
      const folder = `/srv/contract-${folders}`;
      await target.guest.must(['mkdir', folder]);
      const pinned = { vmid: 110, identity: volume };
      return { machine: createRemoteMachine('files', createContainerExec(pinned, outside, rootOf)), folder };
    });

    const openDesk = (t: TestContext): Promise<Desk> =>
      startDesk(t, {
        ...createTargetWork(actClock),
        machineOf: (name): ReturnType<typeof findTargetMachine> =>
          findTargetMachine({ house: desk.home.trust().document.house, relay: 'pve2' }, name, {
            outside,
            rootOf,
          }),
      }).then((opened) => {
        desk = opened;
        return opened;
      });
    let desk: Desk;

    /** Has the helper bring the container to a release. */
    const apply = async (release: Release): Promise<{ word: string; phases: string[] }> => {
      const part = release.manifest.parts.find((one) => one.target === 'files')!;
      const bytes = toBytes(canonicalJson(part));
      const digest = await digestBytes(bytes);
      const order = await desk.home.release([{ target: 'files', digest }], { issuedAt: nowMs });
      const phases: string[] = [];
      const word = await desk.apply(order, {
        blob: async (one) => {
          const found = one === digest ? bytes : release.blobs.get(one);
          return found === undefined ? refuse('blob_missing') : ok(found);
        },
        progress: (phase) => phases.push(phase),
      });
      return { word, phases };
    };
    const page = (): Promise<string> => target.guest.must(['cat', '/etc/opt/web/index.html']);

    test('becomes healthy, changes, puts back what fails, and is left alone when another has its number', async (t) => {
      await openDesk(t);
      assert.deepEqual(await apply(await releaseOf()), {
        word: 'succeeded',
        phases: ['staged', 'activated'],
      });
      const served = await target.guest.must(['wget', '-qO-', 'http://127.0.0.1:8080/']);
      assert.equal(served, 'one\n');
      assert.equal((await target.guest.must(['systemctl', 'is-active', 'beat.timer'])).trim(), 'active');

      assert.equal((await apply(await releaseOf({ 'apps/web/index.html': 'two\n' }))).word, 'succeeded');
      assert.equal(await page(), 'two\n');
      const broken = await releaseOf({
        'apps/web/index.html': 'three\n',
        'apps/web/web.container': '[Container]\nImage=localhost/busy:1\nExec=false\n',
      });
      assert.match((await apply(broken)).word, /^service_(failed|flaps)$/);
      assert.equal(await page(), 'two\n');
      assert.equal((await target.guest.must(['systemctl', 'is-active', 'web'])).trim(), 'active');
      const seen = await desk.client.look('files', new AbortController().signal);
      assert.ok(seen.ok && seen.value.report.part !== null, JSON.stringify(seen));
      // It made an age identity of its own, to which its secrets are encrypted.
      assert.equal(
        seen.value.recipient,
        (await target.guest.must(['cat', '/var/lib/writ-target/recipient'])).trim(),
      );
      const identity = await target.guest.must(['stat', '-c', '%a %U', '/var/lib/writ-target/identity']);
      assert.equal(identity.trim(), '400 root');

      volume = 'local-lvm:vm-110-disk-1';
      const next = await releaseOf({ 'apps/web/index.html': 'four\n' });
      assert.equal((await apply(next)).word, 'guest_mismatch');
      assert.equal(await page(), 'two\n');
      volume = 'local-lvm:vm-110-disk-0';
      const settled = await desk.client.settle(
        'files',
        `sha256:${'0'.repeat(64)}`,
        new AbortController().signal,
      );
      assert.equal(wordOf(settled), 'order_unknown');
    });
  });
