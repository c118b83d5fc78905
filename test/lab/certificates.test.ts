import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openAuthority } from '../../relay/agent/authority.ts';
import { openLeafBook } from '../../relay/agent/leaf-book.ts';
import { createLeafKeeper, type LeafKeeper } from '../../relay/agent/leaf-keeper.ts';
import { publicKeyOf } from '../../relay/deploy/leaves/leaf-issuer.ts';
import type { Machine } from '../../relay/machine/machine.ts';
import { createRemoteMachine } from '../../relay/machine/remote-machine.ts';
import { toBytes } from '../../schema/jose/digest.ts';
import { ok } from '../../schema/result.ts';
import { permit } from '../../schema/x509/names.ts';
import { fromBase64 } from '../../schema/x509/pem.ts';
import { createMemoryDisk, quietLog } from '../relay/agent/fixture.ts';
import { activateOver } from '../support/lab/engine-over.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { secretsHome } from '../support/lab/secrets-guest.ts';
import { startTargetGuest, type TargetGuest } from '../support/lab/target-guest.ts';
import { missing } from '../support/missing.ts';
import { buildTree, type Tree } from '../support/repo-fixture.ts';
import { type Held, makeIntermediate, makeLeaf, makeRoot } from '../support/test-authority.ts';

const dayMs = 86_400_000;
const tls = '/etc/opt/web/tls';

/** A server that reads its certificate at its start, and again when it is told to. */
const server = `
import { readFileSync } from 'node:fs';
import { createServer } from 'node:tls';
const read = () => ({ cert: readFileSync('${tls}/cert.pem'), key: readFileSync('${tls}/key.pem') });
const server = createServer(read(), (socket) => socket.on('error', () => {}).resume());
process.on('SIGHUP', () => server.setSecureContext(read()));
server.listen(8443);
`;
const home: Tree = {
  'homelab.yaml': secretsHome['homelab.yaml']!,
  'apps/web/app.yaml': [
    'on: websvcs',
    'units: [web.service]',
    'files: [{ from: serve.mjs, to: /etc/opt/web/serve.mjs }]',
    `certs: [{ name: tls, to: ${tls}/, owner: '33:33', on_change: reload }]`,
    'health: { scheme: tcp, port: 8443, within: 30s }',
    '',
  ].join('\n'),
  'apps/web/web.service':
    '[Service]\nUser=www-data\nExecStart=/usr/bin/node /etc/opt/web/serve.mjs\nExecReload=/bin/kill -HUP $MAINPID\n[Install]\nWantedBy=multi-user.target\n',
  'apps/web/serve.mjs': server,
};

const lacking = whyNoLab();
if (lacking !== null) missing(lacking);
else
  describe('certificates of the private CA on a guest with real systemd', () => {
    let target: TargetGuest;
    let machine: Machine;
    let keeper: LeafKeeper;
    let root: Awaited<ReturnType<typeof makeRoot>>;
    let issuer: Held;
    let relayKey: string;
    const folder = mkdtempSync(join(tmpdir(), 'writ-certificates-'));
    // Real clients look at a real clock: what is now was three weeks off when the first was made.
    let now = Date.now() - 21 * dayMs;

    before(async () => {
      target = await startTargetGuest('websvcs');
      machine = createRemoteMachine('websvcs', {
        maxStdin: 64 * 1024,
        maxStdout: 1024 * 1024,
        async run([program, ...args], { stdin, timeoutMs }) {
          const ran = await target.guest.run([program!, ...args], { stdin, timeoutMs });
          return ok({ code: ran.code, stdout: ran.out, stderr: ran.err });
        },
      });
      const disk = createMemoryDisk();
      const [clock, log] = [{ now: () => now, synchronised: async () => true }, quietLog()];
      const [authority, book] = [
        await openAuthority({ disk, clock, log }),
        await openLeafBook({ disk, log }),
      ];
      keeper = createLeafKeeper({ authority, book, clock, log, hold: () => () => {} });
      relayKey = new TextDecoder().decode((await disk.read('authority.pem'))!);
      const spki = fromBase64(publicKeyOf(relayKey));
      assert.ok(spki.ok);
      root = await makeRoot(now);
      const names = permit(['websvcs', 'websvcs.example.net', 'web', '192.168.20.11']);
      issuer = await makeIntermediate(root, names, { spki: spki.value, now });
      writeFileSync(join(folder, 'root.pem'), root.pem);
    });
    after(async () => {
      rmSync(folder, { recursive: true, force: true });
      await target?.close();
    });

    const releaseOf = async (changes: Parameters<typeof buildTree>[1] = {}) => {
      const ca = { 'ca/root.pem': toBytes(root.pem), 'ca/pve1.pem': toBytes(issuer.pem) };
      const { release, findings } = await buildTree(home, { ...ca, ...changes });
      assert.ok(release !== undefined, JSON.stringify(findings));
      return release;
    };
    const apply = async (changes: Parameters<typeof buildTree>[1] = {}): Promise<string> => {
      const done = await activateOver(machine, await releaseOf(changes), undefined, keeper.port);
      assert.equal(done.state, 'succeeded', JSON.stringify(done));
      const state = await target.look();
      return state.part!;
    };
    /** What openssl says as a client in the guest's network, and the serial number that it was shown. */
    const ask = (name: string): { status: number | null; serial: string; out: string } => {
      const ran = spawnSync(
        'ip',
        [
          ...['netns', 'exec', target.netns, 'openssl', 's_client', '-connect', '127.0.0.1:8443'],
          ...['-servername', name, '-verify_hostname', name, '-verify_return_error'],
          ...['-CAfile', join(folder, 'root.pem')],
        ],
        { input: '', encoding: 'utf8' },
      );
      const out = ran.stdout + ran.stderr;
      const [pem] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(out) ?? [''];
      const serial =
        pem === ''
          ? ''
          : execFileSync('openssl', ['x509', '-noout', '-serial'], { input: pem, encoding: 'utf8' }).trim();
      return { status: ran.status, serial, out };
    };
    const pid = async (): Promise<string> =>
      (await target.guest.must(['systemctl', 'show', '-p', 'MainPID', '--value', 'web'])).trim();

    let part = '';
    test('a web server comes up with a leaf that a real client believes, by each of its names', async () => {
      part = await apply();
      for (const name of ['web', 'websvcs']) {
        const said = ask(name);
        assert.equal(said.status, 0, said.out);
        assert.match(said.out, /Verify return code: 0 \(ok\)/);
      }
      assert.notEqual(ask('secsvcs').status, 0);
      const listed = await target.guest.must(['stat', '-c', '%a %u %n', `${tls}/key.pem`, `${tls}/cert.pem`]);
      assert.equal(listed, `600 33 ${tls}/key.pem\n644 33 ${tls}/cert.pem\n`);
      assert.equal(
        (await target.guest.must(['stat', '-c', '%a %u', '/var/lib/writ-target/certificates.json'])).trim(),
        '600 0',
      );
      const kept = await target.guest.run(['grep', '-rl', 'PRIVATE KEY', '/var/lib/writ-target']);
      assert.equal(kept.out, '', 'no key is among what is kept of generations');
    });

    test('with the clock three weeks on it is renewed, and the running server shows the new one', async () => {
      const [before, process] = [ask('web').serial, await pid()];
      await keeper.tend(machine, part);
      assert.equal(ask('web').serial, before);
      now = Date.now();
      const [report] = await keeper.tend(machine, part);
      assert.equal(report!.code, undefined);
      assert.ok(report!.expires > now + 29 * dayMs);
      const after = ask('web');
      assert.equal(after.status, 0, after.out);
      assert.notEqual(after.serial, before);
      assert.equal(await pid(), process, 'it was reloaded, and not restarted');
    });

    test('a leaf of another host’s name, made with the stolen key of the relay, is refused', async () => {
      const { createPrivateKey, createPublicKey } = await import('node:crypto');
      const key = createPrivateKey(relayKey);
      const thief = { key, publicKey: createPublicKey(key), subject: issuer.subject };
      for (const [name, status] of [
        ['web', 0],
        ['secsvcs.example.net', 1],
      ] as const) {
        const stolen = await makeLeaf(thief, [name]);
        const pem = stolen.key.export({ type: 'pkcs8', format: 'pem' }).toString();
        await target.guest.put(`${tls}/cert.pem`, `${stolen.pem}${issuer.pem}`);
        await target.guest.put(`${tls}/key.pem`, pem);
        await target.guest.must(['chown', '33:33', `${tls}/key.pem`]);
        await target.guest.must(['systemctl', 'reload', 'web']);
        const said = ask(name);
        assert.equal(said.status === 0 ? 0 : 1, status, said.out);
        if (status === 1) assert.match(said.out, /permitted subtree violation/);
      }
    });

    test('what somebody else put there is replaced at the next look, with a key of its own', async () => {
      await keeper.tend(machine, part);
      const said = ask('web');
      assert.equal(said.status, 0, said.out);
    });

    test('a name that the intermediate does not permit changes nothing on the guest', async () => {
      const changes = {
        'apps/web/app.yaml': String(home['apps/web/app.yaml']).replace(
          'name: tls,',
          'name: tls, names: [shop],',
        ),
      };
      const done = await activateOver(machine, await releaseOf(changes), undefined, keeper.port);
      assert.ok(
        done.state === 'failed' && done.code === 'certificate_not_permitted' && done.back,
        JSON.stringify(done),
      );
      assert.equal((await target.look()).part, part);
      assert.equal(ask('web').status, 0);
    });

    test('one that is no longer declared goes', async () => {
      const changes = {
        'apps/web/app.yaml': 'on: websvcs\nunits: [web.service]\n',
        'apps/web/web.service':
          '[Service]\nExecStart=/bin/sleep 100000\n[Install]\nWantedBy=multi-user.target\n',
        'apps/web/serve.mjs': undefined,
      };
      await apply(changes);
      assert.notEqual((await target.guest.run(['ls', '/etc/opt/web'])).code, 0);
    });
  });
