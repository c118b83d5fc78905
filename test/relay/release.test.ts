import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { generateKey } from '../../schema/jose/keys.ts';
import { ok } from '../../schema/result.ts';
import type { TargetReport } from '../../schema/wire/report.ts';
import { makeIdentity } from '../../src/cli/secrets/age.ts';
import type { TestRelease } from '../support/relay-home.ts';
import { playReleases, type ReleaseScene } from '../support/release-play.ts';
import { type TestPart, webPart } from '../support/test-part.ts';
import { noHelper } from './agent/fixture.ts';

/** Lets an activation come as far as its first restart, which never ends. */
async function deployHalf({ deploy, machine }: ReleaseScene, part: TestPart): Promise<TestRelease> {
  const { resolve, promise } = Promise.withResolvers<void>();
  machine.before = (call, about) => {
    if (call !== 'run' || !about.startsWith('systemctl restart')) return Promise.resolve();
    resolve();
    return new Promise<void>(() => {});
  };
  const release = await deploy(part);
  await promise;
  machine.before = null;
  return release;
}

describe('a release, from the API to a guest', () => {
  test('is applied, receipted and reported; what fails is put back', () =>
    playReleases(async ({ api, deploy, outcome, machine, reported, relay }) => {
      const fresh = await reported(({ seen }) => seen === 'ok');
      assert.equal(fresh.part, null);
      const one = await webPart('one\n');
      const release = await deploy(one);
      assert.equal(await outcome(release), 'succeeded');
      const receipts = api.receipts.filter(({ receipt }) => receipt.intent === release.digest);
      assert.deepEqual(
        receipts.map(({ receipt }) => receipt.state),
        ['started', 'succeeded'],
      );
      assert.deepEqual(receipts.at(-1)!.receipt.result, {
        already: false,
        files: 3,
        started: 1,
        restarted: 0,
        reloaded: 0,
        stopped: 0,
      });
      assert.deepEqual(machine.running(), ['web.service']);
      const report = await reported(({ part }) => part === one.digest);
      assert.partialDeepStrictEqual(report, { seen: 'ok', drifted: 0, drift: [] });
      assert.ok(report.seen_at > 0);
      assert.equal(api.reports.at(-1)?.report.targets?.files?.seen, 'act_missing');

      assert.equal(
        await outcome(await deploy(await webPart('two\n', '[Container]\n# Fails\n'))),
        'failed service_failed',
      );
      assert.equal(machine.text('/etc/opt/web/index.html'), 'one\n');
      await relay.idle();
      assert.equal((await reported(() => true)).part, one.digest);
    }));

  test('shows how far it is', () =>
    playReleases(async ({ api, deploy, outcome, machine }) => {
      let go = (): void => undefined;
      machine.before = (call, about) =>
        call === 'run' && about.startsWith('systemctl start')
          ? new Promise<void>((resolve) => {
              go = resolve;
            })
          : Promise.resolve();
      const release = await deploy(await webPart('one\n'));
      const progress = await api.until('the phase', () =>
        api.reports
          .flatMap(({ report }) => report.progress)
          .find(({ intent, phase }) => intent === release.digest && phase === 'activated'),
      );
      assert.equal(progress.step, 0);
      go();
      assert.equal(await outcome(release), 'succeeded');
    }));

  test('threat 1: by the controller, a stranger or a relay is not applied, whatever trust grants', () =>
    playReleases(async ({ api, home, deploy, outcome, machine, relay }) => {
      const part = await webPart('one\n');
      assert.equal(await outcome(await deploy(part, { by: home.controller })), 'refused not_granted');
      for (const by of [(await generateKey()).signing, home.relays.pve2!.signing, home.root]) {
        const release = await deploy(part, { by });
        await relay.until('job_dropped', ({ fields }) => fields.code === 'authorisation_invalid');
        assert.ok(api.receipts.every(({ receipt }) => receipt.intent !== release.digest));
      }
      assert.deepEqual(machine.files(), {});
    }));

  test('threat 10: is applied once, however often it is ordered, over restarts', () =>
    playReleases(async (scene) => {
      const { api, deploy, outcome, machine } = scene;
      const release = await deploy(await webPart('one\n'));
      assert.equal(await outcome(release), 'succeeded');
      const { length } = api.receipts;
      const ran = machine.ran.length;
      for (let i = 0; i < 2; i += 1) api.offer({ relay: 'pve2', intent: release });
      await scene.restart();
      const polls = api.polls.length;
      api.offer({ relay: 'pve2', intent: release });
      await api.until('that the job was seen', () => api.polls.slice(polls).some(({ seen }) => seen > 0));
      await scene.relay.idle();
      assert.deepEqual([api.receipts.length, machine.ran.length], [length, ran]);
    }));

  test('threat 3: an older one, delivered late, is refused', () =>
    playReleases(async ({ api, home, deploy, outcome, machine }) => {
      const old = await webPart('old\n');
      for (const [digest, bytes] of old.blobs) api.blobs.set(digest, bytes);
      const older = await home.release([{ digest: old.digest }]);
      assert.equal(await outcome(await deploy(await webPart('new\n'))), 'succeeded');
      api.offer({ relay: 'pve2', intent: older });
      assert.equal(await outcome(older), 'refused release_stale');
      assert.equal(machine.text('/etc/opt/web/index.html'), 'new\n');
    }));

  for (const what of ['part', 'unit', 'file']) {
    test(`threat 6: with another ${what} than was signed is not applied`, () =>
      playReleases(async ({ api, home, outcome, machine }) => {
        const part = await webPart('one\n');
        const digests = new Map([
          ['part', part.digest],
          ...part.part.files.map(({ kind, digest }): [string, string] => [kind, digest]),
        ]);
        for (const [digest, bytes] of part.blobs) api.blobs.set(digest, bytes);
        const forged = await webPart('two\n');
        api.blobs.set(digests.get(what)!, forged.blobs.get(forged.digest)!);
        const release = await home.release([{ digest: part.digest }]);
        api.offer({ relay: 'pve2', intent: release });
        assert.match(await outcome(release), /^(refused blob_unreachable|failed blob_missing)$/);
        assert.deepEqual([machine.files(), machine.running()], [{}, []]);
      }));
  }

  test('threat 10: that the relay’s death cut short is settled at its next start, and never run again', () =>
    playReleases(async (scene) => {
      const { api, deploy, outcome, machine } = scene;
      assert.equal(await outcome(await deploy(await webPart('one\n'))), 'succeeded');
      const release = await deployHalf(scene, await webPart('two\n'));
      await scene.restart();
      assert.equal(await outcome(release), 'failed activation_undone');
      assert.equal(machine.text('/etc/opt/web/index.html'), 'one\n');
      assert.deepEqual(machine.running(), ['web.service']);
      const states = api.receipts.filter(({ receipt }) => receipt.intent === release.digest);
      assert.deepEqual(
        states.map(({ receipt }) => receipt.state),
        ['started', 'failed'],
      );
    }));
});

describe('a relay’s look at its targets', () => {
  test('undoes an activation that no step brings to its end', () =>
    playReleases(async (scene) => {
      const { api, deploy, outcome, machine, tower, time, reported } = scene;
      const one = await webPart('one\n');
      assert.equal(await outcome(await deploy(one)), 'succeeded');
      const release = await deployHalf(scene, await webPart('two\n'));
      // The guest goes down with it, so that nothing can be told of the step.
      assert.ok((await tower.proxmox.stop({ kind: 'qemu', vmid: 100 })).ok);
      time.speed = 500;
      await scene.restart();
      assert.equal(await outcome(release), 'unknown guest_not_running');
      const off = await reported(({ seen }) => seen === 'guest_not_running');
      assert.equal(off.part, null, 'this run has not seen it yet');
      time.speed = 25;
      assert.ok((await tower.proxmox.start({ kind: 'qemu', vmid: 100 })).ok);
      time.speed = 500;
      await scene.relay.until('activation_undone');
      assert.equal(machine.text('/etc/opt/web/index.html'), 'one\n');
      assert.equal((await reported(({ seen }) => seen === 'ok')).part, one.digest);
      assert.deepEqual(api.violations, []);
    }));

  test('tells what differs from the release', () =>
    playReleases(
      async ({ deploy, outcome, machine, reported }) => {
        assert.equal(await outcome(await deploy(await webPart('one\n'))), 'succeeded');
        await reported(({ part, drifted }) => part !== null && drifted === 0);
        machine.put('/etc/opt/web/index.html', 'by hand\n');
        const { drift, drifted } = await reported((report) => report.drifted > 0);
        assert.deepEqual(drift, [{ kind: 'file', name: '/etc/opt/web/index.html', is: 'changed' }]);
        assert.equal(drifted, 1);
      },
      { targetIntervalMs: 20_000 },
    ));

  test('keeps what it saw last while the guest is off, and holds up no report', () =>
    playReleases(
      async ({ api, deploy, outcome, machine, tower, time, reported, relay }) => {
        const one = await webPart('one\n');
        assert.equal(await outcome(await deploy(one)), 'succeeded');
        const on = await reported(({ part }) => part === one.digest);
        assert.ok((await tower.proxmox.stop({ kind: 'qemu', vmid: 100 })).ok);
        const off = await reported(({ seen }) => seen === 'guest_not_running');
        // It may have been looked at once more before it went off.
        assert.ok(off.seen_at >= on.seen_at);
        assert.deepEqual(off, { ...on, seen: 'guest_not_running', seen_at: off.seen_at });
        // A machine that never answers.
        machine.before = () => new Promise<void>(() => {});
        assert.ok((await tower.proxmox.start({ kind: 'qemu', vmid: 100 })).ok);
        time.speed = 1_000;
        const { length } = api.reports;
        api.reportWanted = true;
        await api.until('a further report', () => api.reports.length > length);
        await relay.until('target_not_seen', ({ fields }) => fields.code === 'target_timeout');
      },
      { targetIntervalMs: 20_000 },
    ));

  test('gives the recipients of guests, and of what the helper looks at as root', async () => {
    const [own, helpers] = await Promise.all([makeIdentity('classic'), makeIdentity('classic')]);
    const report: TargetReport = { part: null, seen: 'ok', seen_at: 1, drifted: 0, drift: [] };
    const helper = {
      ...noHelper,
      look: async () => ok({ report, recipient: helpers.recipient }),
    };
    await playReleases(
      async ({ api, deploy, outcome, machine }) => {
        machine.recipient = own.recipient;
        assert.equal(await outcome(await deploy(await webPart('one\n'))), 'succeeded');
        await api.until('both recipients', () => {
          const { recipients, targets } = api.reports.at(-1)!.report;
          return (
            recipients?.websvcs === own.recipient &&
            recipients.files === helpers.recipient &&
            targets?.files?.seen === 'ok'
          );
        });
      },
      { helper },
    );
  });

  test('is at the targets that trust lets somebody release to, and at no other', () =>
    playReleases(async ({ api, home, reported, relay }) => {
      await reported(({ seen }) => seen === 'ok');
      assert.deepEqual(Object.keys(api.reports.at(-1)!.report.targets!), ['files', 'websvcs']);
      await home.amend((document) => ({
        ...document,
        identities: {
          ...document.identities,
          operator: { ...document.identities.operator!, may: [] } as never,
        },
      }));
      api.reportWanted = true;
      await relay.until('trust_in_force');
      await api.until('a report without targets', () => api.reports.at(-1)?.report.targets === undefined);
    }));
});
