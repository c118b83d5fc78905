import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { toBytes } from '../../schema/jose/digest.ts';
import { excerptOf } from '../../schema/wire/excerpt.ts';
import type { Release } from '../../schema/wire/release.ts';
import { decryptAge, encryptSecret, makeIdentity } from '../../src/cli/secrets/age.ts';
import { formsOf } from '../support/http-tap.ts';
import { granted, home, releaseOf } from '../support/lab/act-home.ts';
import { type ActHost, startActHost } from '../support/lab/act-host.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { missing } from '../support/missing.ts';

const lacking = whyNoLab();
if (lacking !== null) missing(lacking);
else
  describe('secrets of a host, brought as root by the helper, and what its failing apps say', () => {
    let host: ActHost;
    before(async () => {
      host = await startActHost({ paths: granted });
      const receipt = await host.deploy(await host.order(await releaseOf()));
      assert.equal(receipt.state, 'succeeded', JSON.stringify(receipt));
    });
    after(() => host?.close());

    const journal = (): Promise<string> =>
      host.guest.must(['journalctl', '-o', 'cat', '-n', '60', '--no-pager', '-u', 'writ-relay*']);
    /** The apps, and a secret that one of them reads from a file. */
    const withSecret = async (value: string, recipient: string, service: string): Promise<Release> => {
      const sealed = await encryptSecret(toBytes(value), [recipient]);
      assert.ok(sealed.ok);
      return releaseOf({
        'apps/note/app.yaml': `${home['apps/note/app.yaml']}secrets: [word]\n`.replace(
          'files: [',
          "files: [{ from: s.conf.j2, to: /etc/opt/note/s.conf, mode: '0600' }, ",
        ),
        'apps/note/s.conf.j2': "w={{ secret('word') }}\n",
        'apps/note/note.service': service,
        'secrets/pve2/word.age': sealed.value,
      });
    };
    const recipientOfHost = (): Promise<string> =>
      host.api.until('the recipient of the host', () => host.api.reports.at(-1)?.report.recipients?.pve2);

    test('the host makes its age identity, tells its recipient, and gets secrets', async () => {
      const recipient = await recipientOfHost();
      const kept = await host.guest.must(['cat', '/var/lib/writ-target/recipient']);
      assert.equal(recipient, kept.trim());
      const facts = await host.guest.must(['stat', '-c', '%a %U', '/var/lib/writ-target/identity']);
      assert.equal(facts.trim(), '400 root');
      const service = String(home['apps/note/note.service']);
      const receipt = await host.deploy(await host.order(await withSecret('a secret', recipient, service)));
      assert.equal(receipt.state, 'succeeded', `${JSON.stringify(receipt)}\n${await journal()}`);
      assert.equal(await host.guest.must(['cat', '/etc/opt/note/s.conf']), 'w=a secret\n');
      const place = await host.guest.must(['readlink', '-f', '/etc/opt/note/s.conf']);
      assert.match(place, /^\/run\/writ-target\//);
    });

    test('threat 32: what a failing app says is sent to the readers of trust alone, and found nowhere else', async () => {
      const owner = await makeIdentity('classic');
      await host.home.amend((document) => ({ ...document, recipients: [owner.recipient] }));
      const canary = `canary-${randomBytes(16).toString('hex')}`;
      const service = '[Service]\nExecStart=/bin/sh -c "cat /etc/opt/note/s.conf; sleep 1; exit 3"\n';
      const wanted = await withSecret(canary, await recipientOfHost(), service);
      const { version } = host.home.trust().document;
      host.api.reportWanted = true;
      await host.api.until('the newer trust at the relay', () =>
        host.api.reports.some(({ report }) => report.trust_version === version),
      );
      const receipt = await host.deploy(await host.order(wanted));
      assert.deepEqual([receipt.state, receipt.code], ['failed', 'service_failed'], await journal());
      const file = excerptOf(receipt);
      assert.ok(file !== null, `${JSON.stringify(receipt)}\n${await journal()}`);
      const opened = await decryptAge(file, [{ identity: owner.identity }]);
      assert.ok(opened.ok);
      const said = Buffer.from(opened.value).toString();
      assert.match(said, new RegExp(`^note\\.service is failed \\(exit-code\\)\n[\\s\\S]*w=${canary}`));

      const heard = JSON.stringify([host.api.receipts, host.api.reports]);
      for (const blob of host.api.blobs.values()) assert.ok(!Buffer.from(blob).includes(canary), 'in a blob');
      const kept = await host.guest.must(['journalctl', '-o', 'export', '--no-pager', '-u', 'writ-relay*']);
      assert.ok(kept.length > 1000);
      for (const form of formsOf(canary)) {
        assert.ok(!heard.includes(form.toString()), 'at the control plane');
        assert.ok(!kept.includes(form.toString()), "in the relay's or the helper's journal");
      }
      const folders = [
        '/var/lib/writ-relay',
        '/var/lib/writ-relay-act',
        '/var/lib/writ-target',
        '/etc',
        '/run',
      ];
      const found = await host.guest.run(['grep', '-ralF', canary, ...folders]);
      assert.equal(found.out.replace(/^\/run\/log\/journal\/.*\n/gm, ''), '', 'in a file');
    });
  });
