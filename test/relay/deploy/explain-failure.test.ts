import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainFailure } from '../../../relay/deploy/explain-failure.ts';
import { createSystemd } from '../../../relay/deploy/systemd.ts';
import { createMemoryMachine } from '../../support/memory-machine.ts';

const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`);

test('a failure is told with the last lines of its services’ logs, which may name its cause', async () => {
  const machine = createMemoryMachine();
  machine.put('/etc/systemd/system/web.service', '# Fails\n');
  const systemd = createSystemd(machine);
  await systemd.reloadUnits();
  await systemd.ask('start', ['web.service']);
  const explain = (code: 'service_failed' | 'service_flaps' | 'probe_failed' | 'container_unhealthy') =>
    explainFailure({ machine, systemd }, ['web.service'], { code, detail: 'what was seen' }, 5_000);

  machine.journal = `${lines.join('\n')}\n`;
  assert.deepEqual(await explain('service_failed'), {
    code: 'service_failed',
    detail: ['web.service is failed (exit-code)', ...lines].join('\n'),
  });
  assert.equal(
    machine.ran.at(-1),
    'journalctl -b -q --no-pager -o cat -n 40 --since=-7s -u web.service',
    'of this activation alone',
  );

  machine.journal = 'bind: address already in use\n';
  assert.equal((await explain('service_flaps')).code, 'port_taken');
  // What a probe or a check of Podman found stays what it is.
  for (const code of ['probe_failed', 'container_unhealthy'] as const)
    assert.deepEqual(await explain(code), { code, detail: 'what was seen\nbind: address already in use' });
});
