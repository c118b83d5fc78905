import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { programVersion } from '../../schema/version.ts';
import { makeGuest } from '../support/lab/guest.ts';
import { makeHomeNetwork } from '../support/lab/network.ts';
import { labRoot, whyNoLab } from '../support/lab/root.ts';
import { missing } from '../support/missing.ts';

const root = join(import.meta.dirname, '../..');
const files = [
  `writ-relay_${programVersion}_all.deb`,
  `writ_${programVersion}_amd64.deb`,
  `writ_${programVersion}_arm64.deb`,
] as const;
const [relayDeb, writDeb] = files;

/** The digests that the build prints, by file. */
function build(): Map<string, string> {
  const printed = execFileSync('npm', ['run', '-s', 'build:deb'], { cwd: root, encoding: 'utf8' });
  return new Map(
    printed
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/).reverse() as [string, string]),
  );
}

const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

if (!has('dpkg-deb')) missing('dpkg-deb, to build the Debian packages');
else
  describe('the Debian packages', () => {
    let first: Map<string, string>;
    before(() => {
      first = build();
    });

    test('are the same bytes each time', () => {
      assert.deepEqual(
        [...first.keys()],
        files.map((file) => `dist/${file}`),
      );
      assert.deepEqual(build(), first);
    });

    test('have no error that lintian knows', () => {
      if (!has('lintian')) return missing('lintian, to check the Debian packages');
      const paths = files.map((file) => join(root, 'dist', file));
      const { stdout } = spawnSync('lintian', ['--allow-root', ...paths], { encoding: 'utf8' });
      assert.deepEqual(
        stdout.split('\n').filter((line) => line.startsWith('E:')),
        [],
      );
    });

    test('confine each service: systemd’s exposure level is 3.0 or less', () => {
      if (!has('systemd-analyze')) return missing('systemd-analyze, to judge the units');
      for (const unit of [
        'writ/writ.service',
        'writ-relay/writ-relay.service',
        'writ-relay/writ-relay-act.service',
      ]) {
        const words = ['security', '--offline=yes', '--threshold=30', join(root, 'debian', unit)];
        const judged = spawnSync('systemd-analyze', words, { encoding: 'utf8' });
        assert.match(judged.stdout, /Overall exposure level/);
        assert.equal(judged.status, 0, judged.stdout);
      }
    });

    test('the CLI knows the digest of the relay’s package beside it', () => {
      const folder = join(root, 'dist/writ');
      const chunks = readdirSync(folder).filter((name) => name.endsWith('.mjs'));
      const bundle = chunks.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
      assert.ok(bundle.includes(first.get(`dist/${relayDeb}`)!.replace('sha256:', '')));
    });

    test('keep state over upgrade and downgrade, and leave nothing after a purge', async (t) => {
      const lacks = whyNoLab();
      if (lacks !== null) return missing(lacks);
      const folder = mkdtempSync(join(tmpdir(), 'writ-lab-'));
      const network = makeHomeNetwork();
      const guest = makeGuest({
        name: 'cloud',
        netns: network.netns('cloud'),
        root: await labRoot((line) => t.diagnostic(line)),
        folder,
        cgroup: `writ-lab-${process.pid}-packages`,
      });
      t.after(async () => {
        await guest.cut();
        network.remove();
        rmSync(folder, { recursive: true, force: true });
      });
      await guest.boot();
      for (const file of [relayDeb, writDeb]) {
        guest.put(`/root/${file}`, readFileSync(join(root, 'dist', file)));
        guest.put(`/root/next_${file}`, repack(join(root, 'dist', file), '99.0.0', folder));
      }
      const install = (...names: string[]): Promise<string> =>
        guest.must([
          'apt-get',
          'install',
          '-y',
          '--allow-downgrades',
          ...names.map((name) => `/root/${name}`),
        ]);
      const before = await guest.must(['sh', '-c', listing]);
      await install(relayDeb, writDeb);
      await guest.must(['test', '-s', '/usr/share/doc/writ/examples/house.yaml']);
      const astray = await guest.run(['writ', 'serve', '--install', '--listen', '203.0.113.99:8420']);
      assert.equal(astray.code, 1);
      assert.match(astray.err, /did not come up\. It said:\n.*203\.0\.113\.99:8420 cannot be listened on/);
      await guest.must(['writ', 'serve', '--install']);
      const state = [
        ...['/var/lib/writ-relay/note', '/var/lib/writ-relay-act/note', '/var/lib/writ-target/note'],
        ...['/etc/writ/credentials/note', '/var/lib/writ/note'],
      ];
      for (const folder of ['writ-relay', 'writ-relay-act', 'writ-target'])
        await guest.must(['install', '-d', '-m', '0700', `/var/lib/${folder}`]);
      for (const path of state) guest.put(path, 'kept');
      // As after an enrolment: the socket listens, whatever is installed over it.
      guest.put('/var/lib/writ-relay-act/state.json', '{}', 0o600);
      await guest.must(['systemctl', 'enable', '--now', 'writ-relay-act.socket']);
      const pin = (): Promise<string> =>
        guest.must(['sha256sum', '/var/lib/writ/tls.key', '/etc/writ/serve.env']);
      const pinned = await pin();

      for (const [names, version] of [
        [[`next_${relayDeb}`, `next_${writDeb}`], '99.0.0'],
        [[relayDeb, writDeb], programVersion],
      ] as const) {
        await install(...names);
        const shown = await guest.must(['dpkg-query', '-W', 'writ', 'writ-relay']);
        assert.equal(shown, `writ\t${version}\nwrit-relay\t${version}\n`);
        for (const path of state) assert.equal(await guest.must(['cat', path]), 'kept');
        assert.equal(await pin(), pinned);
        assert.match(await guest.must(['systemctl', 'is-active', 'writ']), /^active/);
        assert.match(await guest.must(['systemctl', 'is-active', 'writ-relay-act.socket']), /^active/);
        assert.equal(
          (await guest.must(['stat', '-c', '%a %U', '/run/writ-relay/act.sock'])).trim(),
          '600 writ',
        );
      }

      await guest.must(['apt-get', 'purge', '-y', 'writ', 'writ-relay']);
      const after = await guest.must(['sh', '-c', listing]);
      assert.equal(after, before);
      assert.notEqual((await guest.run(['getent', 'passwd', 'writ'])).code, 0);
      for (const unit of ['writ', 'writ-relay-act.socket', 'writ-relay-act.service'])
        assert.equal((await guest.run(['systemctl', 'is-active', unit])).out.trim(), 'inactive');
      assert.notEqual((await guest.run(['test', '-e', '/run/writ-relay'])).code, 0);
    });
  });

/** Whatever of Writ is on a machine, by name. */
const listing =
  'find / -xdev \\( -path /proc -o -path /sys -o -path /root -o -path /run -o -path /tmp -o -path /var/log -o -path /var/cache -o -path "/var/lib/dpkg*" -o -path "/var/lib/apt*" \\) -prune -o -iname "*writ*" -print | sort';

/** The same package as another version. */
function repack(file: string, version: string, folder: string): Buffer {
  const work = mkdtempSync(join(folder, 'repack-'));
  copyFileSync(file, join(work, 'old.deb'));
  execFileSync('dpkg-deb', ['-R', join(work, 'old.deb'), join(work, 'content')]);
  const control = join(work, 'content/DEBIAN/control');
  writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, `Version: ${version}`));
  execFileSync('dpkg-deb', ['--root-owner-group', '-b', join(work, 'content'), join(work, 'new.deb')], {
    stdio: 'ignore',
  });
  return readFileSync(join(work, 'new.deb'));
}
