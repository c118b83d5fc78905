import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommandView, Order } from '../../../../schema/api/orders.ts';
import { decodeBase64url } from '../../../../schema/jose/base64url.ts';
import { parseIntent } from '../../../../schema/wire/intent.ts';
import { startDesk } from '../../../support/deploy-desk.ts';
import { says } from '../../../support/lying-control.ts';
import { homeId, planOf, step } from '../home-fixture.ts';

test('threat 1: nothing is shut down because a control plane says that its start failed', async (t) => {
  for (const end of ['failed', 'unknown', 'expired'] as const) {
    const desk = await startDesk(t);
    const seen = { proxmox: null, since: null, last_seen: null, held_by: null, sentence: '' };
    const host = { name: 'pve2', title: 'pve2', state: 'awake', sleeps: true, ...seen };
    const guest = {
      ...{ name: 'websvcs', title: 'websvcs', host: 'pve2', state: 'stopped', lock: null },
      ...{ agent: 'silent', in_use: null, exclusive: [], reported_at: null, held_by: null, sentence: '' },
    };
    const status = { home: homeId, time: Date.now(), sentence: '', warnings: [] };
    desk.answer('GET /v1/status', says({ ...status, hosts: [host], guests: [guest] }));
    const planned: string[] = [];
    desk.answer('POST /v1/plans', async (_, response, body) => {
      const { order } = JSON.parse(body) as { order: Order & { action: string; target: string } };
      planned.push(`${order.action} ${order.target}`);
      const steps = [step('pve2', order.action, order.target)];
      const plan = await planOf(steps, { issued_at: Date.now(), expires: Date.now() + 60_000 });
      response.end(JSON.stringify({ order, ...plan, steps, controller_may: true, notes: [] }));
    });
    desk.answer('POST /v1/commands', async (_, response, body) => {
      const { order, intent } = JSON.parse(body) as { order: Order; intent: string };
      const bytes = decodeBase64url(intent);
      assert.ok(bytes.ok);
      const read = parseIntent(bytes.value);
      assert.ok(read.ok);
      const { digest } = await planOf(read.value.steps, read.value);
      const command: CommandView = {
        ...{ id: 'cmd_01JD8Q3S5T7V9W0X1Y2Z3A4B5C', order, state: end, code: null, principal: 'operator' },
        ...{ sentence: 'It did not start.', created_at: Date.now(), ended_at: Date.now() },
        ...{ intents: [digest], steps: [], receipts: [] },
      };
      response.end(JSON.stringify(command));
    });
    desk.answer('GET /v1/commands', says({ commands: [] }));
    const ran = await desk.deploy('--wake');
    assert.match(ran.out + ran.err, /It did not start/, end);
    assert.deepEqual(planned, ['guest.start websvcs'], end);
  }
});
