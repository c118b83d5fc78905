import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Release } from '../../schema/wire/release.ts';
import type { ActHost } from '../support/lab/act-host.ts';
import { apiName, cloudEdits, cloudHome, cloudServices, startCloud } from '../support/lab/cloud-home.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { filesOf, runsOf } from '../support/lab/target-facts.ts';
import { releaseOf } from '../support/lab/target-home.ts';
import { missing } from '../support/missing.ts';

type Edit = (typeof cloudEdits)[keyof typeof cloudEdits];
const release = ({ file }: Edit, text: string): Promise<Release> => releaseOf(cloudHome, { [file]: text });

const cases = {
  'HAProxy that leads to the API no longer': cloudEdits.haproxy,
  'DNS that gives another address': cloudEdits.address,
  'DNS that has no such name': cloudEdits.name,
  'a policy of the tailnet that closes the way': cloudEdits.policy,
} as const satisfies Readonly<Record<string, Edit>>;

const lacking = whyNoLab();
if (lacking !== null) missing(lacking);
else {
  missing('Headscale, which Debian does not have: a stand-in of the lab applies its policy by nftables');
  describe('a host that reaches the API by its own HAProxy, its own Unbound and its tailnet', () => {
    let host: ActHost;
    before(async () => {
      host = await startCloud();
    });
    after(() => host?.close());

    const journal = (): Promise<string> =>
      host.guest.must(['journalctl', '-o', 'cat', '-n', '60', '--no-pager']);
    const json = <T>(path: string): T => JSON.parse(host.guest.read(path).toString()) as T;
    type Told = { readonly digest: string; readonly outcome: { state: string; code?: string } | null };
    const helperKnows = (): Told =>
      json<{ targets: { cloud: Told } }>('/var/lib/writ-relay-act/state.json').targets.cloud;
    /** All that a release may change, byte for byte; which generation is in force; and the run of each service. */
    const standing = async () => ({
      files: await filesOf(host.guest),
      state: json<object>('/var/lib/writ-target/state.json'),
      runs: await runsOf(host.guest, cloudServices),
    });
    const reached = async (): Promise<string> => {
      const ran = await host.guest.run(['curl', '-sk', '-m', '3', `https://${apiName}/healthz`]);
      return ran.out;
    };
    const until = async (what: string, holds: () => Promise<boolean> | boolean): Promise<void> => {
      const end = Date.now() + 60_000;
      while (!(await holds())) {
        assert.ok(Date.now() < end, `${what} does not come: ${await journal()}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    const succeeds = async (wanted: Release): Promise<void> => {
      const receipt = await host.deploy(await host.order(wanted));
      assert.equal(receipt.state, 'succeeded', `${JSON.stringify(receipt)}\n${await journal()}`);
    };

    test('takes over what was set up by hand, and interrupts none of it', async () => {
      const [proxy, dns, tailnet] = cloudServices;
      const by = [proxy!, dns!, tailnet!];
      const runs = await runsOf(host.guest, by);
      await succeeds(await releaseOf(cloudHome));
      assert.deepEqual(await runsOf(host.guest, by), runs);
      assert.equal(await reached(), 'ok\n');
    });

    for (const [title, edit] of Object.entries(cases)) {
      test(`threat 27: ${title}: all is put back, and told as cut off`, async (t) => {
        const old = await standing();
        const bad = await host.order(await release(edit, edit.bad));
        host.api.offer({ relay: 'cloud', intent: bad });
        const begun = performance.now();
        let wasCut = false;
        await until('the outcome', async () => {
          wasCut ||= (await reached()) !== 'ok\n';
          const { digest, outcome } = helperKnows();
          return digest === bad.digest && outcome !== null;
        });
        const receipt = await host.api.outcome(bad);
        t.diagnostic(`put back and told after ${Math.round(performance.now() - begun)} ms`);
        const told = `${JSON.stringify(receipt)}\n${await journal()}`;
        assert.deepEqual([receipt.state, receipt.code], ['failed', 'cut_off'], told);
        assert.match(told, /https:\/\/writ\.example\.net does not answer any more/);
        assert.ok(wasCut, 'meanwhile the API was not reached from here');
        assert.deepEqual(await standing(), old, told);
        assert.equal(await reached(), 'ok\n');
        await succeeds(await release(edit, edit.good));
        assert.notDeepEqual(await filesOf(host.guest), old.files);
      });
    }

    test('an API that goes while a good release is put in force: all is put back, told later, and done the next time', async () => {
      const edit = cloudEdits.policy;
      await succeeds(await releaseOf(cloudHome));
      const old = await standing();
      const wanted = await release(edit, edit.good);
      const order = await host.order(wanted);
      host.api.offer({ relay: 'cloud', intent: order });
      await until('the new generation', async () => {
        const now = await filesOf(host.guest);
        return now.get('/etc/headscale/policy.hujson') !== old.files.get('/etc/headscale/policy.hujson');
      });
      host.api.answering = false;
      await until('the way back', () => helperKnows().outcome !== null);
      assert.deepEqual(await standing(), old, await journal());
      host.api.answering = true;
      const receipt = await host.api.outcome(order);
      assert.deepEqual([receipt.state, receipt.code], ['failed', 'cut_off']);
      await succeeds(wanted);
    });

    test('threat 27: a relay that is killed while it waits: the helper puts it back by itself', async () => {
      const edit = cloudEdits.haproxy;
      await succeeds(await releaseOf(cloudHome));
      const old = await standing();
      // The same part failed before, and is tried again: being cut off is no fault that is remembered.
      const bad = await host.order(await release(edit, edit.bad));
      host.api.offer({ relay: 'cloud', intent: bad });
      await until('the cut', async () => (await reached()) !== 'ok\n');
      await host.guest.must(['systemctl', 'mask', '--runtime', 'writ-relay']);
      await host.guest.must(['systemctl', 'kill', '-s', 'KILL', 'writ-relay']);
      assert.deepEqual([helperKnows().digest, helperKnows().outcome], [bad.digest, null]);
      await until('the way back', () => helperKnows().outcome !== null);
      assert.equal(helperKnows().outcome?.code, 'cut_off', await journal());
      assert.deepEqual(await standing(), old, await journal());
      assert.equal(await reached(), 'ok\n');

      await host.guest.must(['systemctl', 'unmask', '--runtime', 'writ-relay']);
      await host.guest.must(['systemctl', 'restart', 'writ-relay']);
      const receipt = await host.api.outcome(bad);
      assert.deepEqual([receipt.state, receipt.code], ['failed', 'cut_off']);
      await succeeds(await release(edit, edit.good));
    });
  });
}
