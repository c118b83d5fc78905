import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommandView } from '../../../schema/api/orders.ts';
import { callOrigin } from '../../support/claimed-server.ts';
import { type DeployHome, startDeployHome } from '../../support/deploy-home.ts';

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
