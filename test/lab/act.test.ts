import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { Release } from '../../schema/wire/release.ts';
import type { TargetReport } from '../../schema/wire/report.ts';
import { sha256Of } from '../support/fetching-home.ts';
import { granted, releaseOf } from '../support/lab/act-home.ts';
import { type ActHost, bundleForGuest, startActHost, wordOf } from '../support/lab/act-host.ts';
import { type FileServer, startFileServer } from '../support/lab/file-server.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { missing } from '../support/missing.ts';

/** Two generations that differ in a file of each app. */
const generation = (word: string): Promise<Release> =>
  releaseOf({ 'apps/web/index.html': `${word}\n`, 'apps/note/note.txt': `note ${word}\n` });

const lacking = whyNoLab();
if (lacking !== null) missing(lacking);
else
  describe('the helper as root on a host with real systemd and Podman, by its package', () => {
    let host: ActHost;
    let server: FileServer;
    before(async () => {
      host = await startActHost({
        paths: granted,
        prepare: async (guest, netns) => {
          server = await startFileServer({ guest, netns });
        },
      });
    });
    after(async () => {
      server?.close();
      await host?.close();
    });

    const show = async (unit: string, property: string): Promise<string> =>
      (await host.guest.must(['systemctl', 'show', unit, '-p', property, '--value'])).trim();
    const journal = (): Promise<string> =>
      host.guest.must(['journalctl', '-o', 'cat', '-n', '60', '--no-pager', '-u', 'writ-relay*']);
    /** Everything that a release may have written, by content, mode and owner. */
    const listing = (): Promise<string> =>
      host.guest.must([
        ...['find', '/etc', '/usr', '/root', '/var/lib/writ-target', '-xdev', '-type', 'f'],
        ...['-printf', '%p %m %u %g %s %T@\\n'],
      ]);
    /** Waits until the helper has written down what came of an order. */
    const settledBy = async (digest: string): Promise<string> => {
      const until = Date.now() + 60_000;
      for (;;) {
        const text = await host.guest.must(['cat', '/var/lib/writ-relay-act/state.json']);
        const { targets } = JSON.parse(text) as {
          targets: Record<string, { digest: string; outcome: { state: string } | null }>;
        };
        const { digest: last, outcome } = targets.pve2!;
        if (last === digest && outcome !== null) return outcome.state;
        assert.ok(Date.now() < until, await journal());
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    };
    const generationOf = async (): Promise<string> => {
      const [page, note] = [
        await host.guest.must(['cat', '/etc/opt/web/index.html']),
        await host.guest.must(['cat', '/etc/opt/note/note.txt']),
      ];
      assert.equal(note, `note ${page}`, 'both files are of one generation');
      return page.trim();
    };

    test('an empty host becomes healthy, through a relay that is not root', async () => {
      const receipt = await host.deploy(await host.order(await releaseOf()));
      assert.equal(receipt.state, 'succeeded', `${JSON.stringify(receipt)}\n${await journal()}`);
      assert.equal(receipt.result?.already, false);
      assert.equal(await generationOf(), 'one');
      const facts = await host.guest.must(['stat', '-c', '%a %U:%G', '/etc/opt/note/note.txt']);
      assert.equal(facts.trim(), '640 nobody:nogroup');
      for (const service of ['web', 'note']) assert.equal(await show(service, 'ActiveState'), 'active');
      assert.equal(await show('writ-relay', 'User'), 'writ');
      const page = await host.guest.must(['wget', '-qO-', 'http://127.0.0.1:8080/']);
      assert.equal(page, 'one\n');
    });

    test('the same release again writes and restarts nothing', async () => {
      const before = [await listing(), await show('web', 'MainPID')];
      const receipt = await host.deploy(await host.order(await releaseOf()));
      assert.deepEqual([receipt.state, receipt.result?.already], ['succeeded', true]);
      assert.deepEqual([await listing(), await show('web', 'MainPID')], before);
    });

    test('what an app has from elsewhere is fetched outside of the helper’s confinement', async () => {
      const theme = Buffer.from('black\n');
      const pages = execFileSync('tar', [
        '--create',
        '--gzip',
        '--directory',
        import.meta.dirname,
        'act.test.ts',
      ]);
      await server.set({ '/theme.css': theme, '/pages.tgz': pages });
      const release = await releaseOf({
        'apps/note/app.yaml': [
          'on: pve2',
          'units: [note.service]',
          'files: [{ from: note.txt, to: /etc/opt/note/note.txt, mode: "0640", owner: "nobody:nogroup" }]',
          'artifacts:',
          `  - { url: ${server.url}/theme.css, sha256: ${sha256Of(theme)}, to: /etc/opt/note/theme.css }`,
          `  - { url: ${server.url}/pages.tgz, sha256: ${sha256Of(pages)}, to: /etc/opt/note/pages/, unpack: true }`,
          '',
        ].join('\n'),
      });
      const receipt = await host.deploy(await host.order(release));
      assert.equal(receipt.state, 'succeeded', `${JSON.stringify(receipt)}\n${await journal()}`);
      assert.equal(await host.guest.must(['cat', '/etc/opt/note/theme.css']), 'black\n');
      const unpacked = await host.guest.must(['sha256sum', '/etc/opt/note/pages/act.test.ts']);
      assert.equal(unpacked.slice(0, 64), sha256Of(readFileSync(import.meta.filename)));
      const back = await host.deploy(await host.order(await releaseOf()));
      assert.equal(back.state, 'succeeded', JSON.stringify(back));
      assert.notEqual((await host.guest.run(['ls', '/etc/opt/note/pages'])).code, 0);
    });

    test('what differs from the release is in the relay’s reports', async () => {
      const drifted = (count: number) =>
        host.api.until(`${count} differences`, () => {
          const target = host.api.reports.at(-1)?.report.targets?.pve2;
          return target?.seen === 'ok' && target.part !== null && target.drifted === count ? target : null;
        });
      await drifted(0);
      await host.guest.must(['sh', '-c', 'echo by hand >> /etc/opt/note/note.txt']);
      const seen = await host.ask('writ', { ask: 'look', target: 'pve2' });
      assert.ok(seen?.heard.ok);
      assert.deepEqual((seen.heard.value as unknown as { report: TargetReport }).report.drift, [
        { kind: 'file', name: '/etc/opt/note/note.txt', is: 'changed' },
      ]);
      const receipt = await host.deploy(await host.order(await releaseOf()));
      assert.deepEqual([receipt.state, receipt.result?.files], ['succeeded', 1], JSON.stringify(receipt));
    });

    test('newer trust reaches the helper by itself', async () => {
      const { version } = host.home.trust().document;
      assert.equal(version, 2, 'the first was told at the console, the second came with the admission');
      const state = JSON.parse(await host.guest.must(['cat', '/var/lib/writ-relay-act/state.json'])) as {
        trust: { version: number };
      };
      assert.equal(state.trust.version, 2);
    });

    test('a user who is not the relay’s may not ask', async () => {
      const asked = { ask: 'look', target: 'pve2' } as const;
      assert.equal(wordOf(await host.ask('nobody', asked)), 'act_not_permitted');
      const seen = await host.ask('writ', asked);
      assert.ok(seen?.heard.ok);
    });

    test('threat 31: a taken relay gets nothing done that no authority signed, or signed anew', async () => {
      const before = await listing();
      const latest = await host.order(await generation('two'));
      const forged = await host.order(await generation('evil'), { by: host.home.relays.pve1!.signing });
      const byController = await host.order(await generation('evil'), { by: host.home.controller });
      const spliced = { ...latest, authorisation: byController.authorisation };
      const older = await host.order(await generation('old'), { order: { desk: 1 } });
      const never = await host.order(
        await releaseOf({
          'apps/note/app.yaml':
            'on: pve2\nunits: [note.service]\nfiles: [{ from: note.txt, to: /etc/ssh/sshd_config.d/x.conf }]\n',
        }),
      );
      const strange = await host.order(
        await releaseOf({
          'apps/note/app.yaml':
            'on: pve2\nunits: [note.service]\nfiles: [{ from: note.txt, to: /etc/strange/x }]\n',
        }),
      );
      const words: [string, string][] = [];
      for (const [wanted, order] of [
        ['authorisation_invalid', forged],
        ['not_granted', byController],
        ['authorisation_digest', spliced],
        ['release_stale', older],
        ['path_never', never],
        ['path_not_granted', strange],
      ] as const) {
        words.push([wanted, wordOf(await host.ask('writ', host.asking(order)))]);
      }
      for (const [wanted, word] of words) assert.equal(word, wanted, JSON.stringify(words));
      assert.equal(await listing(), before, 'nothing was written');
    });

    test('a relay that is killed in the middle confirms nothing: all is put back, and told when it is there again', async () => {
      const old = await generationOf();
      const order = await host.order(await generation('three'));
      const killed = host.api.until('the activation', () =>
        host.api.reports
          .at(-1)
          ?.report.progress.some(({ phase }) => phase === 'staged' || phase === 'activated'),
      );
      host.api.offer({ relay: 'pve2', intent: order });
      await killed;
      await host.guest.must(['systemctl', 'kill', '-s', 'KILL', 'writ-relay']);
      const receipt = await host.api.outcome(order);
      const told = `${JSON.stringify(receipt)}\n${await journal()}`;
      assert.deepEqual([receipt.state, receipt.code], ['failed', 'cut_off'], told);
      assert.equal(await generationOf(), old);
      const again = await host.deploy(await host.order(await generation('three')));
      assert.equal(again.state, 'succeeded', JSON.stringify(again));
      assert.equal(await generationOf(), 'three');
    });

    test('threat 10: a helper that is killed leaves one generation, settles by itself and never begins again', async (t) => {
      const seed = Number(process.env.WRIT_SEED ?? Date.now() % 1_000_000);
      t.diagnostic(`seed ${seed}`);
      const points = [
        'need',
        'staged',
        'activated',
        `staged+${1 + (seed % 400)}`,
        `activated+${1 + (seed % 900)}`,
      ];
      for (const [index, point] of points.entries()) {
        const old = await generationOf();
        const next = `kill${index}`;
        const order = await host.order(await generation(next));
        const note = await show('note', 'MainPID');
        const asked = host.asking(order);
        const heard = await host.ask('root', asked, point);
        // Nobody has to ask for it.
        const kept = point === 'need' ? null : await settledBy(order.digest);
        const { ask: _, ...rest } = asked;
        const settled = await host.ask('writ', { ...rest, ask: 'settle', digest: order.digest });
        const word = wordOf(settled);
        const now = await generationOf();
        const told = `${point}: ${kept} ${JSON.stringify(heard)} ${JSON.stringify(settled)}\n${await journal()}`;
        assert.ok(['succeeded', 'activation_undone', 'order_unknown'].includes(word), told);
        assert.equal(now, word === 'succeeded' ? next : old, told);
        const state = JSON.parse(await host.guest.must(['cat', '/var/lib/writ-target/state.json'])) as {
          pending: unknown;
        };
        assert.equal(state.pending, null, told);
        for (const service of ['web', 'note'])
          assert.equal(await show(service, 'ActiveState'), 'active', told);
        if (now === old && point === 'need') assert.equal(await show('note', 'MainPID'), note, told);
        const again = wordOf(await host.ask('writ', asked));
        // What had not begun begins now; all else is told again.
        if (word !== 'order_unknown') assert.equal(again, word, told);
        t.diagnostic(`${point}: ${word}`);
      }
    });

    test('its way to this host is as every machine’s, under its own confinement', async () => {
      const shipped = await host.guest.must(['cat', '/usr/lib/systemd/system/writ-relay-act.service']);
      const unit = shipped
        .split('\n')
        .filter((line) => !/^(Requires|After|Restart|Type|StateDirectory)/.test(line))
        .map((line) =>
          line.startsWith('ExecStart=') ? 'ExecStart=/usr/bin/node --test /opt/contract.mjs' : line,
        )
        .join('\n')
        .replace('[Service]', '[Service]\nType=oneshot\nEnvironment=NODE_OPTIONS=--jitless');
      host.guest.put('/opt/contract.mjs', await bundleForGuest('act-contract-main.ts'));
      host.guest.put('/etc/systemd/system/contract.service', unit);
      await host.guest.must(['systemctl', 'daemon-reload']);
      const ran = await host.guest.run(['systemctl', 'start', 'contract'], { timeoutMs: 180_000 });
      const said = await host.guest.must(['journalctl', '-o', 'cat', '--no-pager', '-u', 'contract']);
      assert.equal(ran.code, 0, said);
      assert.match(said, /pass 1\d|pass 2\d/, said);
    });

    test('it ends when nobody asks, and leaves no program behind', async () => {
      const until = Date.now() + 60_000;
      while ((await show('writ-relay-act.service', 'ActiveState')) !== 'inactive') {
        assert.ok(Date.now() < until, await journal());
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      const units = await host.guest.must([
        'systemctl',
        'list-units',
        '--all',
        '--plain',
        '--no-legend',
        'writ-relay-act-run-*',
      ]);
      assert.equal(units.trim(), '');
      assert.equal(await show('writ-relay-act.socket', 'ActiveState'), 'active');
    });

    test('doctor finds its socket, its confinement and its trust as they should be', async () => {
      const ran = await host.guest.run(['writ-relay', 'doctor', '--json']);
      const { findings } = JSON.parse(ran.out) as {
        findings: { code: string; state: string; says: string }[];
      };
      const helper = findings.filter(({ code }) => code.startsWith('helper_'));
      assert.deepEqual(
        helper.map(({ code, state }) => `${code} ${state}`),
        ['helper_socket ok', 'helper_confined ok', 'helper_trust ok'],
        JSON.stringify(helper),
      );
    });
  });
