import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CommandView } from '../../../schema/api/orders.ts';
import { callOrigin } from '../../support/claimed-server.ts';
import { type DeployHome, startDeployHome } from '../../support/deploy-home.ts';
import { runWrit } from './terminal-fixture.ts';

/** A phone of the home, by a token with a scope. */
async function phoneOf(home: DeployHome, ...scope: string[]) {
  const words = scope.flatMap((one) => ['--scope', one]);
  const made = await home.writ(['tokens', 'create', 'phone', ...words, '--json']);
  assert.equal(made.exit, 0, made.err);
  const { token } = JSON.parse(made.out) as { token: string };
  return (method: string, url: string, headers: Readonly<Record<string, string>> = {}) =>
    callOrigin(home.server.origin, {
      method,
      url,
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
}

const asText = { accept: 'text/plain' };

test('a phone asks, the owner looks and approves, and a real relay does it', async (t) => {
  const home = await startDeployHome(t);
  const phone = await phoneOf(home, 'guest.stop@websvcs');
  const asked = await phone('POST', '/v1/guests/websvcs/stop');
  assert.equal(asked.status, 202, asked.text);
  const { id, state, sentence } = asked.json() as CommandView;
  assert.equal(state, 'waiting');
  assert.match(
    sentence,
    new RegExp(
      `^It waits for your approval to stop websvcs: writ approve ${id}, until \\d\\d:\\d\\d UTC\\.$`,
    ),
  );
  assert.match((await home.writ(['approvals'])).out, new RegExp(`^${id}  stop websvcs  token:phone  until `));
  assert.match((await home.writ(['status'])).out, /One order waits for your approval: writ approvals\./);

  const no = await home.writ(['approve', id], { answers: ['n'] });
  assert.deepEqual([no.exit, /not_confirmed/.test(no.err)], [3, true], no.err);
  const ran = await home.writ(['approve', id], { answers: ['y'] });
  assert.equal(ran.exit, 0, ran.err);
  assert.match(ran.err, /1\. stop websvcs, by the relay on pve2\n/);
  assert.match(ran.err, /by token:phone: that is the control plane's word, and proved by nobody\./);
  assert.match(ran.out, /websvcs is off\.\nVerified against the receipts of its relays\./i);

  const followed = await phone('GET', `/v1/commands/${id}?wait=10`, asText);
  assert.deepEqual([followed.status, followed.text], [200, ran.out.replace(/\n[\s\S]*/, '\n')]);
  const again = await home.writ(['approve', id, '--yes']);
  assert.deepEqual([again.exit, /approval_over/.test(again.err)], [3, true], again.err);
  assert.match((await home.writ(['approvals'])).out, /^Nothing waits/);
});

test('one approval is of a plan on two relays: the tower is woken, and its relay does the rest', async (t) => {
  const home = await startDeployHome(t, { tower: 'off' });
  const phone = await phoneOf(home, 'guest.reboot@websvcs');
  const asked = (await phone('POST', '/v1/guests/websvcs/reboot')).json() as CommandView;
  const ran = await home.writ(['approve', asked.id], { answers: ['yes'] });
  assert.equal(ran.exit, 0, ran.err);
  assert.match(ran.err, / 1\. wake pve2, by the relay on pve1\n/);
  assert.match(ran.err, / 2\. reboot websvcs, by the relay on pve2, after step 1\n/);
  assert.match(ran.out, /Verified against the receipts of its relays\./);
  const followed = (await phone('GET', `/v1/commands/${asked.id}`)).json() as CommandView;
  assert.deepEqual([followed.state, followed.intents.length], ['succeeded', 1]);
});

test('what is denied is told to the phone, and a script approves by --yes what it looked at', async (t) => {
  const home = await startDeployHome(t);
  const phone = await phoneOf(home, 'guest.stop@websvcs', 'guest.reboot@websvcs');
  const first = (await phone('POST', '/v1/guests/websvcs/stop')).json() as CommandView;
  const unasked = await home.writ(['approve', first.id]);
  assert.deepEqual([unasked.exit, /--yes/.test(unasked.err)], [2, true], unasked.err);
  assert.match((await home.writ(['deny', first.id])).out, /is denied: nothing of it was signed or done\./);
  const told = await phone('GET', `/v1/commands/${first.id}`, asText);
  assert.match(told.text, /^Could not stop websvcs: it was not approved\. Nothing was changed\.\n$/);
  const late = await home.writ(['approve', first.id, '--yes']);
  assert.deepEqual([late.exit, /approval_over/.test(late.err)], [3, true], late.err);
  assert.equal((await home.writ(['deny', 'cmd_1'])).exit, 2);

  const second = (await phone('POST', '/v1/guests/websvcs/reboot')).json() as CommandView;
  const { approvals } = JSON.parse((await home.writ(['approvals', '--json'])).out) as {
    approvals: { id: string; steps: unknown; digest: string }[];
  };
  assert.deepEqual(
    approvals.map(({ id, steps }) => [id, steps]),
    [[second.id, [{ relay: 'pve2', action: 'guest.reboot', target: 'websvcs' }]]],
  );
  const blind = await home.writ(['approve', second.id, '--yes']);
  assert.deepEqual([blind.exit, /--digest/.test(blind.err)], [2, true], blind.err);
  const ran = await home.writ(['approve', second.id, '--yes', '--digest', approvals[0]!.digest, '--json']);
  assert.equal(ran.exit, 0, ran.err);
  assert.deepEqual((JSON.parse(ran.out) as { proven: { proven: string }[] }).proven[0]?.proven, 'succeeded');
});

test('threat 6: a second computer, whose key may order the same, approves nothing', async (t) => {
  const home = await startDeployHome(t);
  const phone = await phoneOf(home, 'guest.stop@websvcs');
  const { id } = (await phone('POST', '/v1/guests/websvcs/stop')).json() as CommandView;
  const laptop = join(home.configDir, 'laptop');
  const at = (...words: string[]) => runWrit([...words, '--config', laptop]);
  const { key } = JSON.parse((await at('desk', 'new', '--json')).out) as { key: string };
  const may = ['--may', 'guest.stop@websvcs,6/1h'];
  const added = await home.writ(['trust', 'add-key', 'laptop', key, ...may, '--yes']);
  assert.equal(added.exit, 0, added.err);
  const joined = await at('desk', 'join', /writ-desk\.\S+/.exec(added.out)![0]);
  assert.equal(joined.exit, 0, joined.err);
  for (const words of [['approvals'], ['approve', id, '--yes'], ['deny', id]]) {
    const ran = await at(...words);
    assert.deepEqual([ran.exit, /\(forbidden\)/.test(ran.err)], [3, true], `${words}: ${ran.err}`);
  }
  const waits = (await phone('GET', `/v1/commands/${id}`)).json() as CommandView;
  assert.equal(waits.state, 'waiting');
});
