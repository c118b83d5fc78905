import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type FakeApi, startFakeApi } from '../../support/fake-api.ts';
import { fastTime, startTestRelay, startTower, type TestRelay, type Tower } from '../../support/relay.ts';
import { makeTestHome, type TestHome } from '../../support/relay-home.ts';

describe('a relay at the API', () => {
  const time = fastTime(50);
  let home: TestHome;
  let api: FakeApi;
  let tower: Tower;
  let relay: TestRelay;

  before(async () => {
    api = await startFakeApi({ home: () => home });
    home = await makeTestHome({ origins: [{ url: api.url, spki: api.spki }] });
    tower = await startTower(time);
    relay = await startTestRelay({ home, relay: 'pve2', time, overrides: { proxmox: tower.proxmox } });
  });
  after(async () => {
    await relay.discard();
    await tower.close();
    await api.close();
    assert.deepEqual(api.violations, []);
    assert.deepEqual(tower.simulator.violations, []);
  });
  afterEach(() => {
    api.heartbeat = null;
    api.draft = null;
  });

  it('connects, polls with rising numbers of one session, and reports', async () => {
    await relay.until('connected');
    const polls = await api.until('three polls', () => (api.polls.length >= 3 ? api.polls : null));
    assert.deepEqual(
      polls.slice(0, 3).map(({ poll }) => poll),
      [1, 2, 3],
    );
    assert.equal(new Set(polls.map(({ session }) => session)).size, 1);
    assert.equal(polls[0]?.wait_ms, 0);
    const { report } = await api.until('a report', () =>
      api.reports.find((entry) => entry.report.proxmox === 'ok'),
    );
    assert.equal(report.guests.gaming?.state, 'stopped');
    assert.equal(report.boot, 'boot-1');
  });

  it('runs a step that an authority signed, and brings the receipts', async () => {
    const intent = await home.intent([{ action: 'guest.start', target: 'gaming' }]);
    api.offer({ relay: 'pve2', intent });
    const receipt = await api.outcome(intent);
    assert.equal(receipt.state, 'succeeded');
    assert.deepEqual(receipt.result, { already: false });
    assert.deepEqual(
      api.receipts.filter((entry) => entry.receipt.intent === intent.digest).map(({ receipt: r }) => r.state),
      ['started', 'succeeded'],
    );
    assert.equal(tower.simulator.guest(102).running, true);
    await api.until('a report that it runs', () =>
      api.reports.find(({ report }) => report.guests.gaming?.state === 'running'),
    );
  });
});
