import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sha256Of } from '../support/fetching-home.ts';
import { type FileServer, startFileServer } from '../support/lab/file-server.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { differing, filesOf, runsOf } from '../support/lab/target-facts.ts';
import { startTargetGuest, type TargetGuest } from '../support/lab/target-guest.ts';
import { container, homelab, releaseOf } from '../support/lab/target-home.ts';
import { missing } from '../support/missing.ts';

/** An archive of a folder `made-1.0`, as projects offer theirs. */
function pack(files: Readonly<Record<string, string>>, link?: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'writ-pack-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, 'made-1.0', path, '..'), { recursive: true });
    writeFileSync(join(folder, 'made-1.0', path), text, { mode: text.startsWith('#!') ? 0o755 : 0o600 });
  }
  if (link !== undefined) symlinkSync(link, join(folder, 'made-1.0/link'));
  const bytes = execFileSync('tar', ['--create', '--gzip', '--directory', folder, 'made-1.0']);
  rmSync(folder, { recursive: true });
  return bytes;
}

const lacking = whyNoLab();
if (lacking !== null) missing(lacking);
else
  describe('what apps have from elsewhere, on a guest with real apt, tar and Podman', () => {
    let target: TargetGuest;
    let server: FileServer;
    before(async () => {
      target = await startTargetGuest('websvcs');
      server = await startFileServer(target);
    });
    after(async () => {
      server?.close();
      await target?.close();
    });

    const pages = pack({ 'index.html': 'one\n', 'about/who.html': 'who\n', run: '#!/bin/sh\n' });
    const source = pack({
      Containerfile: 'FROM localhost/busy:1\nARG WORD=none\nCOPY page /built/index.html\n',
      page: 'built\n',
    });
    const theme = Buffer.from('black\n');
    const served = { '/pages.tgz': pages, '/source.tgz': source, '/theme.css': theme };

    type Draft = { readonly bytes: Uint8Array; readonly name: string; readonly more?: string };
    const artifact = ({ bytes, name, more = '' }: Draft): string =>
      `  - { url: ${server.url}/${name}, sha256: ${sha256Of(bytes)}, ${more} }\n`;
    const archive = (bytes: Uint8Array, name: string) =>
      artifact({ bytes, name, more: 'to: /etc/opt/web/pages/, unpack: true, strip: 1, owner: "472:33"' });
    const css = (bytes: Uint8Array, name: string) =>
      artifact({ bytes, name, more: 'to: /etc/opt/web/theme.css, mode: "0640"' });
    const home = (artifacts: string, exec = 'httpd -f -p 8080 -h /www') =>
      releaseOf({
        'homelab.yaml': homelab,
        'apps/base/app.yaml': 'on: websvcs\nunits: [apps.network]\n',
        'apps/base/apps.network': '[Network]\nSubnet=10.89.7.0/24\n',
        'apps/web/app.yaml': `on: websvcs\nunits: [web.container]\nhealth: { path: /pages/, port: 8080, within: 20s }\nartifacts:\n${artifacts}`,
        'apps/web/web.container': container('web', exec, ['Volume=/etc/opt/web:/www:ro']),
        'apps/made/app.yaml': [
          'on: websvcs',
          'units: [made.container]',
          'health: { path: /index.html, port: 8090, within: 20s }',
          `builds: { made: { source: ${server.url}/source.tgz, sha256: ${sha256Of(source)}, args: { WORD: "a b" } } }`,
          '',
        ].join('\n'),
        'apps/made/made.container': container('made', 'httpd -f -p 8090 -h /built').replace(
          'localhost/busy:1',
          'made.build',
        ),
      });
    const usual = () => home(archive(pages, 'pages.tgz') + css(theme, 'theme.css'));
    const services = ['web.service', 'made.service'];

    test('it is fetched and unpacked there, an image is built of it, and what is the same is not fetched again', async () => {
      const { guest } = target;
      await server.set(served);
      const release = await usual();
      const done = (await target.activate(release, { pace: 5 }))!.activation;
      assert.equal(done.state, 'succeeded', JSON.stringify(done));
      assert.deepEqual((await server.asked()).sort(), ['/pages.tgz', '/source.tgz', '/theme.css']);
      const files = await filesOf(guest);
      const at = (path: string): string => files.get(`/etc/opt/web/${path}`)!.slice(0, 'MODE UID:GID'.length);
      assert.equal(files.get('/etc/opt/web/theme.css'), `0640 0:0 ${sha256Of(theme)}`);
      assert.equal(at('pages/about/who.html'), '0644 472:33 ');
      assert.equal(at('pages/run'), '0755 472:33 ');
      const inside = await guest.must(['podman', 'exec', 'made', 'wget', '-qO-', 'http://127.0.0.1:8090/']);
      assert.equal(inside, 'built\n');
      assert.deepEqual((await target.look()).drift, []);
      assert.notEqual((await guest.run(['ls', '/var/lib/writ-fetch'])).code, 0);
      const again = (await target.activate(release, { pace: 5 }))!.activation;
      assert.equal(again.state === 'succeeded' && again.result.already, true);
      assert.deepEqual(await server.asked(), []);
    });

    test('what cannot be used is told, and nothing is touched', async (t) => {
      const { guest } = target;
      const white = Buffer.from('white\n');
      const linked = pack({ x: 'x' }, '/etc');
      const long = Buffer.alloc(65 * 1024 * 1024);
      await server.set({
        ...served,
        '/linked.tgz': linked,
        '/other.css': Buffer.from('pink\n'),
        '/long.css': long,
      });
      const [runs, files] = [await runsOf(guest, services), await filesOf(guest)];
      for (const [artifacts, code, says] of [
        [css(white, 'other.css'), 'artifact_wrong', /Hash Sum mismatch/],
        [css(white, 'gone.css'), 'artifact_unreachable', /404/],
        [css(long, 'long.css'), 'artifact_unfit', /more than 64 MiB/],
        [archive(linked, 'linked.tgz'), 'artifact_unfit', /a symbolic link: made-1.0\/link -> \/etc/],
        [archive(theme, 'theme.css'), 'artifact_unfit', /does not look like a tar archive/],
      ] as const) {
        const done = (await target.activate(await home(artifacts), { pace: 5, by: 'exec' }))!.activation;
        assert.ok(done.state === 'failed' && done.back, JSON.stringify(done));
        t.diagnostic(`${done.code}: ${done.detail?.split('\n')[0]}`);
        assert.equal(done.code, code, done.detail);
        assert.match(done.detail!, says);
      }
      assert.deepEqual(differing(files, await filesOf(guest)), []);
      assert.deepEqual(differing(runs, await runsOf(guest, services)), []);
      assert.deepEqual((await target.look()).drift, []);
    });

    test('another archive takes its place by the way of an agent, and goes back when its app does not run', async () => {
      const { guest } = target;
      const next = pack({ 'index.html': 'two\n', 'new.html': 'new\n' });
      await server.set({ ...served, '/next.tgz': next });
      const changed = (exec?: string) => home(archive(next, 'next.tgz') + css(theme, 'theme.css'), exec);
      const files = await filesOf(guest);
      const bad = (await target.activate(await changed('false'), { pace: 5, by: 'exec' }))!.activation;
      assert.ok(bad.state === 'failed' && bad.back && bad.code === 'service_failed', JSON.stringify(bad));
      assert.deepEqual(differing(files, await filesOf(guest)), []);
      const done = (await target.activate(await changed(), { pace: 5, by: 'exec' }))!.activation;
      assert.equal(done.state, 'succeeded', JSON.stringify(done));
      const now = await filesOf(guest);
      assert.ok(!now.has('/etc/opt/web/pages/about/who.html') && now.has('/etc/opt/web/pages/new.html'));
      assert.equal((await target.look()).drift.length, 0);
      // Back to what it was, though nobody offers it any more.
      await server.set({});
      const back = (await target.activate(await usual(), { pace: 5 }))!.activation;
      assert.equal(back.state, 'succeeded', JSON.stringify(back));
      assert.deepEqual(await filesOf(guest), files);
    });
  });
