import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { describe, it } from 'node:test';
import { createWakeOnLan, magicPacket } from '../../../relay/drivers/wake-on-lan.ts';
import type { House } from '../../../schema/trust/document.ts';
import type { Report } from '../../../schema/wire/report.ts';
import { observeAfter, perform, type Stage } from '../../support/perform.ts';
import { fastTime } from '../../support/relay.ts';
import { testHouse } from '../../support/relay-home.ts';
import { steppedTime } from '../../support/stepped-time.ts';

const time = steppedTime();

describe('host.wake', () => {
  /** A wake port that notes its packets, and the report of a host that wakes after some of them. */
  const wakeStage = (wakesAfter: number) => {
    const sent: { mac: string; address: string; at: number }[] = [];
    let tell: (report: Report | null) => void = () => {};
    const stage: Stage = {
      time,
      tower: null,
      relay: 'pve1',
      wake: {
        async send(mac, address) {
          sent.push({ mac, address, at: time.clock.uptimeMs() });
          if (sent.length === wakesAfter) tell({} as Report);
          return { ok: true, value: null };
        },
      },
      evidence: (_host, _sinceMs, signal) =>
        new Promise((resolve) => {
          tell = resolve;
          signal.addEventListener('abort', () => resolve(null));
        }),
    };
    return { stage, sent };
  };

  it('sends packets of trust’s MAC to trust’s address until the host reports', async () => {
    const { stage, sent } = wakeStage(4);
    const done = await perform(stage, 'host.wake', 'pve2');
    assert.ok('outcome' in done && done.outcome.state === 'succeeded', JSON.stringify(done));
    assert.equal(done.outcome.result.packets, 4);
    assert.equal(done.outcome.result.took_ms, 15_000);
    for (const packet of sent) {
      assert.partialDeepStrictEqual(packet, { mac: '02:00:00:00:00:02', address: '127.0.0.1:40009' });
    }
    for (const [at, packet] of sent.entries()) {
      if (at > 0) assert.equal(packet.at - sent[at - 1]!.at, 5_000);
    }
  });

  it('ends after 120 s, having sent a packet every 5 s', async () => {
    const { stage, sent } = wakeStage(Number.POSITIVE_INFINITY);
    const began = time.clock.uptimeMs();
    const done = await perform(stage, 'host.wake', 'pve2');
    assert.deepEqual('outcome' in done && done.outcome, { state: 'failed', code: 'host_did_not_wake' });
    const tookMs = time.clock.uptimeMs() - began;
    assert.deepEqual([tookMs, sent.length], [120_000, 25]);
  });

  it('fails with wake_not_sent when no packet could leave', async () => {
    const { stage } = wakeStage(1);
    const wake = { send: async () => ({ ok: false, reason: 'send_failed', detail: 'ENETUNREACH' }) as const };
    const done = await perform({ ...stage, wake }, 'host.wake', 'pve2');
    assert.deepEqual('outcome' in done && done.outcome, {
      state: 'failed',
      code: 'wake_not_sent',
      detail: 'ENETUNREACH',
    });
  });

  it('is refused for a host of which trust has no MAC', async () => {
    const { stage, sent } = wakeStage(1);
    assert.partialDeepStrictEqual(await perform(stage, 'host.wake', 'pve1'), { refused: 'wake_unknown' });
    assert.deepEqual(sent, []);
  });

  it('ends at once when the relay stops', async () => {
    const { stage } = wakeStage(Number.POSITIVE_INFINITY);
    const stop = new AbortController();
    time.simulator.after(7_000, () => stop.abort());
    const done = await perform({ ...stage, signal: stop.signal }, 'host.wake', 'pve2');
    assert.deepEqual('outcome' in done && done.outcome, { state: 'unknown', code: 'interrupted' });
  });

  it('sends real packets over UDP', async () => {
    const socket = createSocket('udp4');
    const got = new Promise<Buffer>((resolve) => socket.once('message', resolve));
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const house: House = {
      ...testHouse,
      hosts: {
        ...testHouse.hosts,
        pve2: { ...testHouse.hosts.pve2!, wake_address: `127.0.0.1:${socket.address().port}` },
      },
    };
    const { stage } = wakeStage(1);
    const evidence = async () => {
      await got;
      return {} as Report;
    };
    const real = { ...stage, time: fastTime(1), house, wake: createWakeOnLan(), evidence };
    const done = await perform(real, 'host.wake', 'pve2');
    assert.equal('outcome' in done && done.outcome.state, 'succeeded');
    assert.deepEqual(await got, magicPacket('02:00:00:00:00:02'));
    socket.close();
  });

  it('after a crash waits for what is left of the host’s time', async () => {
    const since = time.clock.now() - 60_000;
    const evidence = async (_: string, sinceMs: number) => {
      assert.equal(sinceMs, since);
      return { time: since + 41_000 } as Report;
    };
    const stage: Stage = { time, tower: null, relay: 'pve1', evidence };
    const observed = await observeAfter(stage, 'host.wake', 'pve2', { agoMs: 60_000 });
    assert.equal(observed.state, 'succeeded');
    const { stage: silent } = wakeStage(Number.POSITIVE_INFINITY);
    const began = time.clock.uptimeMs();
    assert.deepEqual(await observeAfter(silent, 'host.wake', 'pve2', { agoMs: 100_000 }), {
      state: 'unknown',
      code: 'interrupted',
    });
    assert.equal(time.clock.uptimeMs() - began, 20_000);
  });
});
