import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { makeIdentity, readRecipient } from '../../relay/deploy/identity.ts';
import { lookAtGuest } from '../../relay/deploy/prepare.ts';
import { makeIdentity as makeStranger } from '../../src/cli/secrets/age.ts';
import { whyNoLab } from '../support/lab/root.ts';
import {
  container,
  type SecretsGuest,
  secretsHome,
  services,
  startSecretsGuest,
} from '../support/lab/secrets-guest.ts';
import { missing } from '../support/missing.ts';

const lacking = whyNoLab();
if (lacking !== null) missing(lacking);
else
  describe('secrets on a guest with real systemd, Podman and age', () => {
    let guest: SecretsGuest;
    before(async () => {
      guest = await startSecretsGuest();
    });
    after(() => guest?.target.close());

    test('a guest says what it has and lacks, and nothing is changed by asking', async () => {
      const look = async () => {
        const seen = await lookAtGuest(guest.machine, 'lxc');
        assert.ok(seen.ok, JSON.stringify(seen));
        return seen.value;
      };
      const { system, debian, versions, lacks } = await look();
      assert.match(system, /^Debian GNU\/Linux 13/);
      assert.deepEqual([debian, lacks], [13, []]);
      assert.deepEqual(await readRecipient(guest.machine), { ok: true, value: guest.recipient });
      assert.match(versions.podman!, /^5\.\d/);
      assert.deepEqual(Object.keys(versions).sort(), [
        'aardvark-dns',
        'age',
        'age-keygen',
        'catatonit',
        'podman',
        'systemd',
      ]);
      await guest.without('/usr/bin/podman', async () => {
        assert.deepEqual((await look()).lacks, [{ program: 'podman', package: 'podman', is: 'missing' }]);
        const agent = await lookAtGuest(guest.machine, 'qemu');
        assert.deepEqual(agent.ok && agent.value.lacks.map(({ program }) => program), ['podman', 'qemu-ga']);
      });
      guest.target.guest.put('/usr/local/bin/podman', '#!/bin/sh\necho podman version 4.9.3\n', 0o755);
      assert.deepEqual((await look()).lacks, [
        { program: 'podman', package: 'podman', is: 'old', found: '4.9.3', needs: '5.0' },
      ]);
      await guest.run('rm', '/usr/local/bin/podman');
      assert.equal((await guest.target.guest.run(['ls', '/usr/lib/writ-target'])).code, 2);
    });

    test('apps get their secrets by variables, mounts, files and folders', async () => {
      await guest.succeeds(await guest.releaseOf());
      await guest.allAreThere();
      const listing = await guest.run(
        'stat',
        '-L',
        '-c',
        '%a %u:%g',
        '/etc/opt/file/f.conf',
        '/etc/opt/native/n.conf',
      );
      assert.equal(listing, '640 0:33\n600 0:0\n');
      assert.equal(await guest.run('stat', '-c', '%a %U', '/var/lib/writ-target/identity'), '400 root\n');
      await guest.isInForce(await guest.releaseOf());
    });

    for (const [name, user] of [
      ['token', 'env'],
      ['password', 'file'],
      ['word', 'folder'],
      ['native', 'native'],
    ] as const) {
      test(`another value of ${name} reaches the running process of ${user}, and nobody else restarts`, async () => {
        const old = await guest.pids();
        guest.values[name] = `other-${guest.values[name]}`;
        await guest.succeeds(await guest.releaseOf());
        await guest.allAreThere();
        const now = await guest.pids();
        for (const service of services) {
          if (service === user) assert.notEqual(now[service], old[service], service);
          else assert.equal(now[service], old[service], service);
        }
      });
    }

    test('after a power cut apps come up with their secrets, and no relay is there', async () => {
      await guest.target.guest.cut();
      await guest.target.guest.boot();
      for (const service of services) {
        assert.equal((await guest.run('systemctl', 'is-active', service)).trim(), 'active', service);
      }
      await guest.allAreThere();
      assert.equal((await guest.run('systemctl', 'is-active', 'writ-secrets')).trim(), 'active');
      await guest.isInForce(await guest.releaseOf());
    });

    test('an app whose files cannot be filled in at boot does not start', async () => {
      const away = '/var/lib/writ-target/identity';
      await guest.without(away, async () => {
        await guest.target.guest.cut();
        await guest.target.guest.boot();
        const states = await guest.target.guest.run(['systemctl', 'is-active', 'writ-secrets', ...services]);
        const [own, ...others] = states.out.trim().split('\n');
        assert.equal(own, 'failed');
        for (const [index, service] of services.entries()) {
          if (service === 'none') assert.equal(others[index], 'active');
          else assert.notEqual(others[index], 'active', service);
        }
        assert.match(
          await guest.run('journalctl', '-b', '-u', 'writ-secrets'),
          /writ identity_(lost|missing) /,
        );
        assert.notEqual((await guest.target.guest.run(['cat', '/etc/opt/file/f.conf'])).code, 0);
      });
      await guest.run('systemctl', 'restart', 'writ-secrets');
      await guest.run('systemctl', 'restart', ...services);
      await guest.allAreThere();
    });

    test('what cannot be decrypted is told by its own code, and changes nothing', async () => {
      const stranger = await makeStranger('classic');
      const path = 'secrets/websvcs/token.age';
      const foreign = await guest.releaseOf({ [path]: await guest.fileOf('token', stranger.recipient) });
      await guest.failsAndGoesBack(foreign, 'secret_not_for_target');
      const again = await guest.activate(foreign);
      assert.ok(again.state === 'failed' && again.code === 'part_quarantined', JSON.stringify(again));
      const damaged = (await guest.fileOf('token')).slice();
      damaged[damaged.length - 3]! ^= 1;
      await guest.failsAndGoesBack(await guest.releaseOf({ [path]: damaged }), 'secret_unreadable');
      await guest.failsAndGoesBack(await guest.releaseOf({ [path]: undefined }), 'secret_missing');
    });

    test('a target without age, or without its identity, says so', async () => {
      const next = await guest.releaseWith('token', 'newer');
      await guest.without('/usr/bin/age', () => guest.failsAndGoesBack(next, 'age_missing'));
      await guest.without('/var/lib/writ-target/identity', async () => {
        await guest.failsAndGoesBack(next, 'identity_lost');
        for (const asked of [readRecipient, makeIdentity]) {
          const said = await asked(guest.machine);
          assert.ok(!said.ok && said.reason === 'identity_lost', JSON.stringify(said));
          assert.match(said.detail!, new RegExp(guest.recipient));
        }
      });
      assert.deepEqual(await makeIdentity(guest.machine), { ok: true, value: guest.recipient });
    });

    test('a hash for which the guest has no program is refused, and the program is named', async () => {
      const app = String(secretsHome['apps/file/app.yaml']);
      const release = await guest.releaseOf({
        'apps/file/app.yaml': `${app}  digest: { from: password, as: pbkdf2-sha512 }\n`,
      });
      await guest.failsAndGoesBack(release, 'derived_program_missing');
    });

    test('a driver that fails for Podman puts the old value back', async () => {
      const next = await guest.releaseWith('token', 'newer');
      // Podman cannot run it; who reads it sees the same bytes.
      const folder = '/usr/lib/writ-target';
      await guest.run('mount', '--bind', folder, folder);
      await guest.run('mount', '-o', 'remount,bind,noexec', folder);
      const old = await guest.pids();
      const done = await guest.activate(next);
      assert.ok(done.state === 'failed' && done.code === 'secret_driver_failed', JSON.stringify(done));
      await guest.run('umount', folder);
      await guest.target.goBack();
      assert.equal((await guest.pids()).none, old.none);
      await guest.allAreThere();
      await guest.succeeds(await guest.releaseOf({ 'apps/folder/plain.conf': 'plain\n' }));
    });

    test('an app that does not come up with a new secret gets the old one back', async () => {
      const broken = await guest.releaseWith('token', 'newer', {
        'apps/env/env.container': container('env', ['Secret=token,type=env,target=TOKEN']).replace(
          'sleep 100000',
          'false',
        ),
      });
      const old = await guest.pids();
      const done = await guest.activate(broken);
      assert.ok(done.state === 'failed' && done.back, JSON.stringify(done));
      await guest.allAreThere();
      const now = await guest.pids();
      for (const name of ['file', 'folder', 'native', 'none']) assert.equal(now[name], old[name], name);
    });
  });
