import assert from 'node:assert/strict';
import type { CommandView } from '../../schema/api/orders.ts';
import type { ChainHead } from '../../schema/chain/chain.ts';
import { verifyAuditExport } from '../support/audit-oracle.ts';
import type { Case } from './case.ts';
import { refusedAs, type Stage } from './stage.ts';
import { openEvents } from './stream.ts';

const startGaming = '/v1/guests/gaming/start';

/** The whole audit log, read in small pages. */
async function readAudit({ asOperator }: Stage): Promise<{ entries: string[]; head: ChainHead }> {
  const entries: string[] = [];
  for (;;) {
    const page = await asOperator('GET', `/v1/audit?after=${entries.length}&limit=25`);
    assert.equal(page.status, 200, page.text);
    const json = page.json() as { entries: string[]; head: ChainHead };
    if (json.entries.length === 0) return { entries, head: json.head };
    entries.push(...json.entries);
  }
}

/** What outlasts a request: events, the audit log, the house, and all of it over a restart. */
export const lifeCases: readonly Case[] = [
  {
    name: 'what happens is told as it happens, and from any place on',
    run: async (stage) => {
      const authorization = `Bearer ${await stage.phone()}`;
      const origin = stage.subject.origin();
      const events = await openEvents(origin, '/v1/events', { authorization });
      assert.deepEqual([events.status, events.type], [200, 'text/event-stream']);
      const accepted = await stage.order(startGaming);
      const first = await events.next();
      assert.equal(first.event, 'command.accepted');
      assert.equal((first.data.command as CommandView).id, accepted.id);
      await stage.doNext(stage.pve2);
      let last = first;
      while (last.event !== 'command.succeeded') {
        const next = await events.next();
        assert.ok(next.id > last.id);
        last = next;
      }
      events.close();
      const resumed = await openEvents(origin, '/v1/events', {
        authorization,
        'last-event-id': String(first.id),
      });
      assert.equal((await resumed.next()).id, first.id + 1);
      resumed.close();
    },
  },
  {
    name: 'the audit log is one chain, whose head the heartbeats sign',
    run: async (stage) => {
      const { entries, head } = await readAudit(stage);
      assert.ok(entries.length > 20);
      const answer = await stage.pve1.poll();
      const signed = JSON.parse(Buffer.from(answer.heartbeat.split('.')[1]!, 'base64url').toString()) as {
        audit: ChainHead;
      };
      assert.ok(signed.audit.seq > 0 && signed.audit.seq <= entries.length);
      const verified = await verifyAuditExport(entries, [head, signed.audit]);
      assert.ok(verified.ok, JSON.stringify(verified));
      assert.deepEqual(verified.value, head);
      const altered = entries.map((entry, index) =>
        index === 5 ? entry.replace(/"time":\d/, '"time":2') : entry,
      );
      assert.equal((await verifyAuditExport(altered, [head])).ok, false);
    },
  },
  {
    name: 'the house file is read and replaced by the operator',
    run: async ({ asOperator, asPhone, houseFile }) => {
      const file = await asOperator('GET', '/v1/house');
      assert.deepEqual(file.json(), JSON.parse(JSON.stringify(houseFile)));
      const renamed = structuredClone(houseFile) as { hosts: Record<string, { title: string }> };
      renamed.hosts.pve2!.title = 'the big box';
      assert.equal((await asOperator('PUT', '/v1/house', renamed)).status, 200);
      assert.equal((await asOperator('PUT', '/v1/house', houseFile)).status, 200);
      refusedAs(await asPhone('PUT', '/v1/house', houseFile), 403, 'forbidden');
    },
  },
  {
    name: 'a caller that leaves is waited for no longer than it would have waited itself',
    run: async (stage) => {
      const leaving = new AbortController();
      const gone = assert.rejects(stage.pve2.tryPoll({ wait_ms: 3_000 }, leaving.signal));
      await stage.untilParked(1);
      leaving.abort();
      await gone;
      await stage.untilParked(0);
      // What comes later is for the next poll.
      await stage.order(startGaming);
      await stage.doNext(stage.pve2);
    },
  },
  {
    name: 'a restart loses nothing: commands, jobs, tokens, trust and the audit log',
    run: async (stage) => {
      const key = { 'idempotency-key': 'over-the-restart' };
      const accepted = await stage.order(startGaming, key);
      const before = await readAudit(stage);
      await stage.subject.restart();
      assert.equal((await stage.call({ method: 'GET', url: '/healthz' })).status, 200);
      refusedAs(await stage.claim(), 409, 'already_set_up');
      const again = await stage.asPhone('POST', startGaming, undefined, key);
      assert.equal((again.json() as CommandView).id, accepted.id);
      refusedAs(await stage.asPhone('POST', startGaming), 409, 'locked');
      await stage.doNext(stage.pve2);
      assert.equal((await stage.command(accepted.id)).state, 'succeeded');
      const after = await readAudit(stage);
      assert.deepEqual(after.entries.slice(0, before.entries.length), before.entries);
      assert.ok((await verifyAuditExport(after.entries, [before.head, after.head])).ok);
    },
  },
  {
    name: 'no secret is in the log',
    run: async (stage) => {
      const log = stage.subject.log();
      assert.match(log, /serving/);
      const tokens = stage.phones.flatMap((token) => [token, token.split('.')[2]!]);
      assert.ok(tokens.length > 20);
      for (const secret of [...tokens, stage.setup.secret]) assert.ok(!log.includes(secret));
      assert.ok(!/Writ-Proof|Bearer/.test(log));
    },
  },
];
