import assert from 'node:assert/strict';
import type { Approval, CommandView } from '../../schema/api/orders.ts';
import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { digestOf } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import { maxWaitingOrders } from '../../schema/wire/limits.ts';
import type { Case } from './case.ts';
import { refusedAs, type Stage } from './stage.ts';

const stopGaming = '/v1/guests/gaming/stop';

async function waiting({ asOperator }: Stage): Promise<readonly Approval[]> {
  const answer = await asOperator('GET', '/v1/approvals');
  assert.equal(answer.status, 200, answer.text);
  return (answer.json() as { approvals: Approval[] }).approvals;
}

/** What a phone's order of what the controller may not give is answered with, and what then waits. */
async function ask(stage: Stage, headers: Readonly<Record<string, string>> = {}): Promise<Approval> {
  const command = await stage.order(stopGaming, headers);
  assert.equal(command.state, 'waiting');
  const found = (await waiting(stage)).find((one) => one.command.id === command.id);
  assert.ok(found);
  return found;
}

async function signed({ home }: Stage, { intent }: Approval): Promise<{ authorisation: string }> {
  const bytes = decodeBase64url(intent);
  assert.ok(bytes.ok);
  const digest = await digestOf('intent', bytes.value);
  return { authorisation: await signJws('intent', { home: home.id, kind: 'intent', digest }, home.operator) };
}

const approve = async (stage: Stage, approval: Approval) =>
  stage.asOperator('POST', `/v1/commands/${approval.command.id}/approval`, await signed(stage, approval));

/** Orders that wait for the operator. */
export const approvalCases: readonly Case[] = [
  {
    name: 'what is beyond the controller waits, is approved once by its bytes, and is done',
    run: async (stage) => {
      const approval = await ask(stage);
      const { id } = approval.command;
      const following = stage.asPhone('GET', `/v1/commands/${id}?wait=30`);
      const answer = await approve(stage, approval);
      assert.equal(answer.status, 202, answer.text);
      const job = await stage.doNext(stage.pve2, { already: false });
      assert.equal(job.digest, approval.digest);
      const ended = (await following).json() as CommandView;
      assert.deepEqual([ended.id, ended.state, ended.principal], [id, 'succeeded', 'token:phone']);
      refusedAs(await approve(stage, approval), 409, 'approval_over');
      assert.deepEqual(await waiting(stage), []);
    },
  },
  {
    name: 'a phone hears in one sentence that it waits, and neither lists nor approves nor denies',
    run: async (stage) => {
      const said = await stage.asPhone('POST', stopGaming, undefined, { accept: 'text/plain' });
      assert.equal(said.status, 202);
      assert.match(said.text, /^It waits for your approval to stop gaming: writ approve cmd_[^\n]+ UTC\.\n$/);
      const [approval] = await waiting(stage);
      const { id } = approval!.command;
      refusedAs(await stage.asPhone('GET', '/v1/approvals'), 403, 'forbidden');
      const body = await signed(stage, approval!);
      refusedAs(await stage.asPhone('POST', `/v1/commands/${id}/approval`, body), 403, 'forbidden');
      refusedAs(await stage.asPhone('POST', `/v1/commands/${id}/denial`), 403, 'forbidden');
      const denied = await stage.asOperator('POST', `/v1/commands/${id}/denial`);
      assert.deepEqual([denied.status, denied.json().code], [200, 'approval_denied'], denied.text);
      refusedAs(await approve(stage, approval!), 409, 'approval_over');
    },
  },
  {
    name: 'of many approvals at once exactly one counts',
    run: async (stage) => {
      const approval = await ask(stage);
      const answers = await Promise.all(Array.from({ length: 6 }, () => approve(stage, approval)));
      const statuses = answers.map(({ status }) => status);
      assert.deepEqual(statuses.sort(), [202, 409, 409, 409, 409, 409]);
      await stage.doNext(stage.pve2, { already: true });
    },
  },
  {
    name: 'so many of one token wait and no more, also of many at once',
    run: async (stage) => {
      const answers = await Promise.all(
        Array.from({ length: maxWaitingOrders + 2 }, (_, index) =>
          stage.asPhone('POST', stopGaming, undefined, { 'idempotency-key': `waits-${index}-of-many` }),
        ),
      );
      const refused = answers.filter(({ status }) => status !== 202);
      assert.equal(refused.length, 2);
      for (const answer of refused) refusedAs(answer, 429, 'approvals_full');
      for (const { command } of await waiting(stage)) {
        assert.equal((await stage.asOperator('POST', `/v1/commands/${command.id}/denial`)).status, 200);
      }
    },
  },
];
