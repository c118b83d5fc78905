import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createEvidence } from '../../../relay/agent/evidence.ts';
import { createLog, type LogEntry } from '../../../relay/log.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import type { SigningKey } from '../../../schema/jose/keys.ts';
import type { Report } from '../../../schema/wire/report.ts';
import { type FakeApi, startFakeApi } from '../../support/fake-api.ts';
import { fastTime, startTestRelay, startTower } from '../../support/relay.ts';
import { makeTestHome, type TestHome } from '../../support/relay-home.ts';

const reportOf = (home: TestHome, changes: Partial<Report> = {}): Report => ({
  home: home.id,
  relay: 'pve2',
  seq: 1,
  time: 1_000_000,
  boot: 'boot-1',
  uptime_ms: 1_000,
  version: '0.1.0',
  protocol: 1,
  trust_version: 1,
  clock_synchronised: true,
  proxmox: 'ok',
  guests: {},
  progress: [],
  refused: { count: 0, code: null },
  ...changes,
});

async function open() {
  const home = await makeTestHome({ origins: [{ url: 'https://192.0.2.1:8420' }] });
  const entries: LogEntry[] = [];
  const trust = {
    current: () => home.trust(),
    install: async () => ({ changed: false, refusal: null }),
    onChange: () => {},
  };
  const evidence = createEvidence({
    home: home.id,
    trust,
    clock: { now: () => 1_000_000 },
    log: createLog({ now: () => 0, write: (entry) => entries.push(entry) }),
  });
  const sign = (report: Report, by: SigningKey) => signJws('report', report, by);
  return { home, evidence, entries, sign };
}

const briefly = () => AbortSignal.timeout(50);

describe('evidence that a host has woken', () => {
  it('is a report that the host’s own relay signed after the first packet', async () => {
    const { home, evidence, sign } = await open();
    const waiting = evidence.of('pve2', 1_000_000, new AbortController().signal);
    await evidence.take(await sign(reportOf(home, { time: 999_999 }), home.relays.pve2!.signing));
    await evidence.take(await sign(reportOf(home), home.relays.pve2!.signing));
    assert.equal((await waiting)?.time, 1_000_000);
    assert.equal(
      (await evidence.of('pve2', 1_000_000, briefly()))?.time,
      1_000_000,
      'it may be here already',
    );
    assert.equal(await evidence.of('pve2', 1_000_001, briefly()), null);
    assert.equal(await evidence.of('pve1', 0, briefly()), null);
  });

  it('is not what a host says right before it goes down', async () => {
    const { home, evidence, sign } = await open();
    const intent = `sha256:${'0'.repeat(64)}`;
    const last = reportOf(home, { progress: [{ intent, step: 0, phase: 'powering_off' }] });
    await evidence.take(await sign(last, home.relays.pve2!.signing));
    assert.equal(await evidence.of('pve2', 1_000_000, briefly()), null);
  });

  it('is nothing else', async () => {
    const { home, evidence, entries, sign } = await open();
    const other = await makeTestHome({ origins: [{ url: 'https://192.0.2.1:8420' }] });
    const pve2 = home.relays.pve2!.signing;
    const fakes: readonly (readonly [string, string])[] = [
      ['jws_key_unknown', await sign(reportOf(home), other.relays.pve2!.signing)],
      ['jws_key_unknown', await sign(reportOf(home), home.controller)],
      ['evidence_foreign', await sign(reportOf(home), home.relays.pve1!.signing)],
      ['evidence_foreign', await sign(reportOf(home, { home: other.id }), pve2)],
      ['evidence_from_the_future', await sign(reportOf(home, { time: 1_000_000 + 31_000 }), pve2)],
      ['jws_header', await signJws('receipt', reportOf(home), pve2)],
      ['jws_malformed', 'nonsense'],
    ];
    for (const [code, jws] of fakes) {
      entries.length = 0;
      await evidence.take(jws);
      assert.deepEqual(
        entries.map(({ fields }) => fields.code),
        [code],
      );
    }
    assert.equal(await evidence.of('pve2', 0, briefly()), null);
  });
});

describe('two relays and a sleeping tower', () => {
  it('pve1 wakes pve2, and ends its step at the report that pve2 signs', async () => {
    const time = fastTime(20);
    let home: TestHome | null = null;
    const api: FakeApi = await startFakeApi({ home: () => home! });
    home = await makeTestHome({ origins: [{ url: api.url, spki: api.spki }] });
    const tower = await startTower(time);
    let packets = 0;
    let wake: () => void = () => {};
    const awake = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const pve1 = await startTestRelay({
      home,
      relay: 'pve1',
      time,
      overrides: {
        wake: {
          async send() {
            packets += 1;
            if (packets === 2) wake();
            return { ok: true, value: null };
          },
        },
      },
    });
    await pve1.until('connected');
    const intent = await home.intent([{ relay: 'pve1', action: 'host.wake', target: 'pve2' }]);
    api.offer({ relay: 'pve1', intent });
    await awake;
    const pve2 = await startTestRelay({ home, relay: 'pve2', time, overrides: { proxmox: tower.proxmox } });
    const { jws } = await api.until('its report', () => api.reports.find(({ relay }) => relay === 'pve2'));
    api.evidence = [jws];
    const receipt = await api.outcome(intent);
    assert.equal(receipt.state, 'succeeded');
    assert.ok(Number(receipt.result?.packets) >= 2);
    assert.ok(Number(receipt.result?.took_ms) >= 4_500);
    await pve1.discard();
    await pve2.discard();
    await tower.close();
    await api.close();
    assert.deepEqual(api.violations, []);
  });
});
