import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentAfterMs } from '../../../src/domain/world.ts';
import { formatMetrics } from '../../../src/http/metrics.ts';
import { makeControlHome } from '../../support/control-home.ts';
import { testNonce } from '../../support/relay-home.ts';

test('metrics tell a host that is off on purpose from one that is silent, and of guests while their host is awake', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = made.relay('pve2');
  const told = async (): Promise<string[]> =>
    formatMetrics(await made.control.upkeep.metrics(), made.clock.now())
      .split('\n')
      .filter((line) => /^writ_(host|guest)_/.test(line));
  assert.deepEqual(await told(), [], 'of what was never heard nothing is told');

  await pve2.poll();
  await pve2.reportGuests({ gaming: 'running', devtop: 'stopped' });
  assert.deepEqual(await told(), [
    'writ_host_up{host="pve2"} 1',
    'writ_host_expected_off{host="pve2"} 0',
    'writ_guest_state{guest="gaming",host="pve2",state="running"} 1',
    'writ_guest_state{guest="devtop",host="pve2",state="stopped"} 1',
  ]);

  made.clock.advance(silentAfterMs + 1);
  assert.deepEqual(await told(), ['writ_host_up{host="pve2"} 0', 'writ_host_expected_off{host="pve2"} 0']);

  await pve2.reportGuests({}, [{ intent: `sha256:${'0'.repeat(64)}`, step: 0, phase: 'powering_off' }]);
  const off = ['writ_host_up{host="pve2"} 0', 'writ_host_expected_off{host="pve2"} 1'];
  assert.deepEqual(await told(), off, 'from its own word on, though it still answers');
  made.clock.advance(12 * 3_600_000);
  assert.deepEqual(await told(), off, 'however long it stays off');

  pve2.session = testNonce();
  await pve2.poll();
  assert.deepEqual((await told()).slice(0, 2), [
    'writ_host_up{host="pve2"} 1',
    'writ_host_expected_off{host="pve2"} 0',
  ]);
});
