import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { memoryDoorbell } from '../../../src/store/doorbell.ts';

const longMs = 60_000;

test('a ring ends every wait on its name and no other', async () => {
  const doorbell = memoryDoorbell();
  const mine = [1, 2, 3].map(async () => doorbell.wait(await doorbell.ticket('pve1'), longMs));
  const leaving = new AbortController();
  const other = doorbell.wait(await doorbell.ticket('pve2'), longMs, leaving.signal);
  await turn();
  assert.equal(doorbell.waiting(), 4);
  doorbell.ring('pve1');
  assert.deepEqual(await Promise.all(mine), ['rung', 'rung', 'rung']);
  assert.equal(doorbell.waiting(), 1);
  leaving.abort();
  assert.equal(await other, 'aborted');
});

test('a wait that nothing rings ends after its time, not before', async () => {
  const doorbell = memoryDoorbell();
  const startMs = performance.now();
  assert.equal(await doorbell.wait(await doorbell.ticket('pve1'), 40), 'timeout');
  assert.ok(performance.now() - startMs >= 38);
  assert.equal(doorbell.waiting(), 0);
});

test('a ring between ticket and wait is not missed; one before the ticket does not count', async () => {
  const doorbell = memoryDoorbell();
  doorbell.ring('a');
  const ticket = await doorbell.ticket('a');
  assert.equal(await doorbell.wait(ticket, 0), 'timeout');
  doorbell.ring('a');
  assert.equal(await doorbell.wait(ticket, 0), 'rung');
  assert.equal(await doorbell.wait(ticket, longMs), 'rung');
  // The ticket is plain data.
  assert.equal(await doorbell.wait(JSON.parse(JSON.stringify(ticket)), longMs), 'rung');
  assert.equal(await doorbell.wait(await doorbell.ticket('a'), 0), 'timeout');
});

test('a wait is aborted by its signal, before or while it waits', async () => {
  const doorbell = memoryDoorbell();
  const ticket = await doorbell.ticket('a');
  assert.equal(await doorbell.wait(ticket, longMs, AbortSignal.abort()), 'aborted');
  const leaving = new AbortController();
  const wait = doorbell.wait(ticket, longMs, leaving.signal);
  leaving.abort();
  assert.equal(await wait, 'aborted');
  assert.equal(doorbell.waiting(), 0);
  doorbell.ring('a');
});

test('a name that is no longer remembered wakes too often, never too seldom', async () => {
  const doorbell = memoryDoorbell();
  const ticket = await doorbell.ticket('early');
  doorbell.ring('early');
  for (let index = 0; index < 20_000; index += 1) doorbell.ring(`name-${index}`);
  assert.equal(await doorbell.wait(ticket, longMs), 'rung');
  // Whoever takes a new ticket waits again.
  assert.equal(await doorbell.wait(await doorbell.ticket('early'), 0), 'timeout');
});

test('ten thousand waits cost little, and leave no timer behind', async () => {
  const doorbell = memoryDoorbell();
  const countTimers = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const timersBefore = countTimers();
  const startMs = performance.now();
  const outcomes = { rung: 0, aborted: 0, timeout: 0 };
  const leaving = new AbortController();
  const waits: Promise<void>[] = [];
  for (let index = 0; index < 10_000; index += 1) {
    const ticket = await doorbell.ticket(`relay-${index % 100}`);
    const signal = index % 100 < 50 ? undefined : leaving.signal;
    waits.push(
      doorbell.wait(ticket, longMs, signal).then((outcome) => {
        outcomes[outcome] += 1;
      }),
    );
  }
  assert.equal(doorbell.waiting(), 10_000);
  for (let index = 0; index < 50; index += 1) doorbell.ring(`relay-${index}`);
  leaving.abort();
  await Promise.all(waits);
  assert.deepEqual(outcomes, { rung: 5_000, aborted: 5_000, timeout: 0 });
  assert.equal(doorbell.waiting(), 0);
  assert.ok(countTimers() <= timersBefore, 'timers are left');
  assert.ok(performance.now() - startMs < 5_000);
});

/** What waiters and ringers may do, in any order. */
const step = fc.oneof(
  fc.record({ do: fc.constant('ticket' as const), name: fc.integer({ min: 0, max: 2 }) }),
  fc.record({ do: fc.constant('wait' as const), ticket: fc.nat({ max: 20 }) }),
  fc.record({ do: fc.constant('ring' as const), name: fc.integer({ min: 0, max: 2 }) }),
);

test('in any order of tickets, waits and rings, a wait is woken exactly by rings after its ticket', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const doorbell = memoryDoorbell();
      const leaving = new AbortController();
      const tickets: { ticket: Awaited<ReturnType<typeof doorbell.ticket>>; takenAt: number }[] = [];
      const rings: { name: string; at: number }[] = [];
      const waits: { outcome: ReturnType<typeof doorbell.wait>; taken: (typeof tickets)[number] }[] = [];
      for (const [at, each] of steps.entries()) {
        if (each.do === 'ticket')
          tickets.push({ ticket: await doorbell.ticket(`n${each.name}`), takenAt: at });
        else if (each.do === 'ring') {
          rings.push({ name: `n${each.name}`, at });
          doorbell.ring(`n${each.name}`);
        } else {
          const taken = tickets[each.ticket];
          if (taken) waits.push({ outcome: doorbell.wait(taken.ticket, longMs, leaving.signal), taken });
        }
      }
      leaving.abort();
      for (const { outcome, taken } of waits) {
        const isRung = rings.some(({ name, at }) => name === taken.ticket.name && at > taken.takenAt);
        assert.equal(await outcome, isRung ? 'rung' : 'aborted');
      }
      assert.equal(doorbell.waiting(), 0);
    }),
    { numRuns: 300 },
  );
});
