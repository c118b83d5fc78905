import assert from 'node:assert/strict';
import type { CommandView, Plan } from '../../schema/api/orders.ts';
import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { digestOf } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import type { Case } from './case.ts';
import { refusedAs, type Stage } from './stage.ts';

const startGaming = '/v1/guests/gaming/start';
const asText = { accept: 'text/plain' };

const planOf = async ({ asOperator }: Stage, action: string, target: string): Promise<Plan> => {
  const answer = await asOperator('POST', '/v1/plans', { order: { action, target } });
  assert.equal(answer.status, 200, answer.text);
  return answer.json() as Plan;
};

/** A planned intent as the operator's CLI submits it, signed by a key. */
async function submissionOf({ home }: Stage, plan: Plan, key: SigningKey) {
  const bytes = decodeBase64url(plan.intent);
  assert.ok(bytes.ok);
  const digest = await digestOf('intent', bytes.value);
  assert.equal(digest, plan.digest);
  const authorisation = await signJws('intent', { home: home.id, kind: 'intent', digest }, key);
  return { order: plan.order, intent: plan.intent, authorisation };
}

/** Orders, plans and what becomes of them, with two relays that do as they are told. */
export const orderCases: readonly Case[] = [
  {
    name: 'an order is accepted, done by its relay, and told with its receipts',
    run: async (stage) => {
      await stage.wakeTower();
      const accepted = await stage.order(startGaming);
      assert.deepEqual([accepted.state, accepted.steps.length], ['running', 1]);
      await stage.doNext(stage.pve2, { already: false });
      const ended = await stage.command(accepted.id);
      assert.deepEqual([ended.state, ended.code, ended.sentence], ['succeeded', null, 'Gaming is running.']);
      assert.equal(ended.receipts.length, 2);
      assert.equal(ended.principal, 'token:phone');
    },
  },
  {
    name: 'a caller who waits gets the outcome as soon as it is there',
    run: async (stage) => {
      const waiting = stage.asPhone('POST', `${startGaming}?wait=30`);
      await stage.doNext(stage.pve2, { already: true });
      const answer = await waiting;
      assert.equal(answer.status, 200, answer.text);
      const command = answer.json() as CommandView;
      assert.equal(command.state, 'succeeded');
      assert.equal(answer.headers.location, `/v1/commands/${command.id}`);
    },
  },
  {
    name: 'who wants text gets one sentence: 202 while it runs, 200 once it ended, well or badly',
    run: async (stage) => {
      const running = await stage.asPhone('POST', startGaming, undefined, asText);
      assert.deepEqual([running.status, running.text.split('\n').length], [202, 2], running.text);
      assert.match(String(running.headers['content-type']), /^text\/plain/);
      const id = String(running.headers.location).split('/').at(-1)!;
      const following = stage.asPhone('GET', `/v1/commands/${id}?wait=30`, undefined, asText);
      const job = await stage.nextJob(stage.pve2);
      await stage.pve2.say(job, 'started', { state: 'failed', code: 'guest_locked' });
      const ended = await following;
      assert.equal(ended.status, 200);
      assert.match(ended.text, /^Could not start gaming: [^\n]+\n$/);
      const refused = await stage.asPhone('POST', '/v1/guests/nobody/start', undefined, asText);
      assert.equal(refused.status, 403);
      assert.match(refused.text, /^[A-Z][^\n{]+\.\n$/);
    },
  },
  {
    name: 'what holds a target or a resource is named to the next who wants it',
    run: async (stage) => {
      const holder = await stage.order(startGaming);
      const same = refusedAs(await stage.asPhone('POST', startGaming), 409, 'locked');
      assert.equal(same.held_by, holder.id);
      // Another guest, but the same GPU.
      const rival = refusedAs(await stage.asPhone('POST', '/v1/guests/devtop/start'), 409, 'locked');
      assert.equal(rival.held_by, holder.id);
      assert.match(String(rival.detail), /phone/);
      await stage.doNext(stage.pve2);
      assert.equal((await stage.command(holder.id)).state, 'succeeded');
    },
  },
  {
    name: 'of many orders at once for one target, exactly one is accepted',
    run: async (stage) => {
      const answers = await Promise.all(Array.from({ length: 12 }, () => stage.asPhone('POST', startGaming)));
      const statuses = answers.map(({ status }) => status);
      assert.equal(statuses.filter((status) => status === 202).length, 1, statuses.join(' '));
      assert.equal(statuses.filter((status) => status === 409).length, 11, statuses.join(' '));
      await stage.doNext(stage.pve2);
    },
  },
  {
    name: 'the same Idempotency-Key is the same order, also many times at once',
    run: async (stage) => {
      const key = { 'idempotency-key': 'start-it-once' };
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => stage.asPhone('POST', startGaming, undefined, key)),
      );
      const ids = new Set(answers.map((answer) => (answer.json() as CommandView).id));
      assert.deepEqual([ids.size, answers.every(({ status }) => status === 202)], [1, true]);
      assert.equal(answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true').length, 7);
      await stage.doNext(stage.pve2);
      const late = await stage.asPhone('POST', startGaming, undefined, key);
      assert.deepEqual([late.status, late.headers['idempotency-replayed']], [200, 'true']);
      for (const url of ['/v1/guests/gaming/shutdown', '/v1/guests/devtop/start']) {
        refusedAs(await stage.asPhone('POST', url, undefined, key), 409, 'idempotency_mismatch');
      }
    },
  },
  {
    name: 'what is beyond the controller needs the operator, who is told the command line',
    run: async (stage) => {
      const refused = refusedAs(
        await stage.asOperator('POST', '/v1/guests/gaming/stop'),
        403,
        'needs_operator',
      );
      assert.equal(refused.command_line, 'writ stop gaming');
    },
  },
  {
    name: 'the operator plans, signs the very bytes, and submits them once',
    run: async (stage) => {
      const plan = await planOf(stage, 'guest.stop', 'gaming');
      assert.equal(plan.controller_may, false);
      const submission = await submissionOf(stage, plan, stage.home.operator);
      const forged = await submissionOf(stage, plan, stage.home.relays.pve1!.signing);
      refusedAs(await stage.asOperator('POST', '/v1/commands', forged), 403, 'authorisation_invalid');
      const other = await planOf(stage, 'guest.stop', 'devtop');
      const swapped = { ...submission, intent: other.intent, order: other.order };
      refusedAs(
        await stage.asOperator('POST', '/v1/commands', swapped),
        403,
        'authorisation_of_another_intent',
      );
      const accepted = await stage.asOperator('POST', '/v1/commands', submission);
      assert.equal(accepted.status, 202, accepted.text);
      const job = await stage.doNext(stage.pve2);
      assert.equal(job.digest, plan.digest);
      const { id } = accepted.json() as CommandView;
      assert.equal((await stage.command(id)).state, 'succeeded');
      refusedAs(await stage.asOperator('POST', '/v1/commands', submission), 409, 'intent_used');
    },
  },
  {
    name: 'a runbook runs by its name',
    run: async (stage) => {
      const ran = await stage.asPhone('POST', '/v1/runbooks/just-gaming/run');
      assert.equal(ran.status, 202, ran.text);
      await stage.doNext(stage.pve2);
      const command = await stage.command((ran.json() as CommandView).id);
      assert.deepEqual([command.state, command.order], ['succeeded', { runbook: 'just-gaming' }]);
      const books = await stage.asPhone('GET', '/v1/runbooks');
      assert.match(books.text, /"Just gaming"/);
    },
  },
  {
    name: 'commands are listed, the newest first, and paged',
    run: async (stage) => {
      const list = async (query: string): Promise<readonly CommandView[]> =>
        (await stage.asPhone('GET', `/v1/commands${query}`)).json().commands as CommandView[];
      const [newest, next] = await list('?limit=2');
      assert.ok(newest !== undefined && next !== undefined && newest.id > next.id);
      assert.deepEqual(
        (await list(`?limit=1&before=${newest.id}`)).map(({ id }) => id),
        [next.id],
      );
      assert.deepEqual(await list('?running=true'), []);
      const failed = await list('?state=failed');
      assert.ok(failed.length > 0 && failed.every(({ state }) => state === 'failed'));
      refusedAs(await stage.asPhone('GET', `/v1/commands/cmd_${'0'.repeat(26)}`), 404, 'command_unknown');
    },
  },
];
