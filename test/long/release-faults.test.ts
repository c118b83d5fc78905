import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { isFinal, type Receipt } from '../../schema/wire/receipt.ts';
import type { Release } from '../../schema/wire/release.ts';
import { seeded } from '../demo/kill-scene.ts';
import { type ActHost, startActHost } from '../support/lab/act-host.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { differing, filesOf, filesWanted, runsOf } from '../support/lab/target-facts.ts';
import { releaseOf, towerHomelab } from '../support/lab/target-home.ts';
import { missing } from '../support/missing.ts';
import type { Tree } from '../support/repo-fixture.ts';

const waits = '[Service]\nExecStart=/bin/sleep 100000\n[Install]\nWantedBy=multi-user.target\n';
const app = (name: string): Tree => ({
  [`apps/${name}/app.yaml`]: `on: pve2\nunits: [${name}.service]\nfiles: [{ from: ${name}.conf, to: /etc/opt/${name}.conf }]\n`,
  [`apps/${name}/${name}.service`]: waits,
  [`apps/${name}/${name}.conf`]: 'one\n',
});
const home: Tree = {
  'homelab.yaml': towerHomelab,
  ...app('main'),
  ...app('still'),
};

const victims = ['relay', 'helper', 'api', 'guest'] as const;
/** An activation of this home takes about so long, from the order to the receipt. */
const spanMs = 4_000;
const patienceMs = 240_000;

const lacking = whyNoLab();
if (lacking !== null) missing(lacking);
else
  describe('a release on its whole way, to a host of which something is killed', () => {
    let host: ActHost;
    before(async () => {
      host = await startActHost({ paths: ['/etc/opt/**', '/etc/systemd/system/**'] });
    });
    after(() => host?.close());

    const partOf = ({ manifest }: Release) => manifest.parts.find(({ target }) => target === 'pve2')!;
    const finalOf = async (digest: string): Promise<Receipt> => {
      const until = Date.now() + patienceMs;
      for (;;) {
        const found = host.api.receipts.find(
          ({ receipt }) => receipt.intent === digest && isFinal(receipt.state),
        );
        if (found !== undefined) return found.receipt;
        if (Date.now() > until) {
          const ran = await host.guest.run(['journalctl', '-o', 'cat', '-n', '80', '--no-pager']);
          throw new Error(`no receipt: ${host.api.violations.join('; ')}\n${ran.out}`);
        }
        await pause(100);
      }
    };
    const strike = async (victim: (typeof victims)[number], downMs: number): Promise<void> => {
      const { guest, api } = host;
      switch (victim) {
        case 'relay':
          return void (await guest.must(['systemctl', 'kill', '-s', 'KILL', 'writ-relay']));
        case 'helper':
          // It may not run at the moment: it is started by its socket.
          return void (await guest.run(['systemctl', 'kill', '-s', 'KILL', 'writ-relay-act.service']));
        case 'api':
          api.answering = false;
          await pause(downMs);
          api.answering = true;
          return;
        case 'guest':
          await guest.cut();
          await guest.boot();
      }
    };

    test('leaves one generation, interrupts nobody else, and is told as it is', async (t) => {
      const seed = Number(process.env.WRIT_SEED ?? Date.now() % 1_000_000);
      const count = Number(process.env.WRIT_KILLS ?? 20);
      t.diagnostic(`WRIT_SEED=${seed} WRIT_KILLS=${count}`);
      const random = seeded(seed);
      let current = await releaseOf(home);
      const first = await host.deploy(await host.order(current));
      assert.equal(first.state, 'succeeded', JSON.stringify(first));
      const own = new Set(filesWanted(partOf(current)).keys());
      const bare = [...(await filesOf(host.guest))].filter(([path]) => !own.has(path));
      const seen = new Map<string, number>();
      for (let index = 0; index < count; index += 1) {
        const next = await releaseOf(home, { 'apps/main/main.conf': `number ${index}\n` });
        const victim = victims[index % victims.length]!;
        const blow = {
          victim,
          afterMs: Math.round(random() * spanMs),
          downMs: Math.round(random() * spanMs),
        };
        const runs = await runsOf(host.guest, ['still.service']);
        const order = await host.order(next);
        host.api.offer({ relay: 'pve2', intent: order });
        await pause(blow.afterMs);
        await strike(victim, blow.downMs);
        const { state, code } = await finalOf(order.digest);
        const what = `${JSON.stringify(blow)}: ${state} ${code}`;
        assert.ok(state === 'succeeded' || state === 'failed', what);
        if (state === 'succeeded') current = next;
        assert.deepEqual(
          differing(await filesOf(host.guest), new Map([...bare, ...filesWanted(partOf(current))])),
          [],
          what,
        );
        const text = host.guest.read('/var/lib/writ-target/state.json').toString();
        assert.equal((JSON.parse(text) as { pending: unknown }).pending, null, what);
        const now = await runsOf(host.guest, ['still.service', 'main.service']);
        for (const run of now.values()) assert.match(run, /ActiveState=active/, what);
        if (victim !== 'guest') assert.equal(now.get('still.service'), runs.get('still.service'), what);
        const word = `${victim}: ${state}${code === null || code === undefined ? '' : ` ${code}`}`;
        seen.set(word, (seen.get(word) ?? 0) + 1);
      }
      const lines = [...seen].sort().map(([word, times]) => `${String(times).padStart(3)}  ${word}`);
      t.diagnostic(`${count} faults\n${lines.join('\n')}`);
      assert.deepEqual(host.api.violations, []);
    });
  });
