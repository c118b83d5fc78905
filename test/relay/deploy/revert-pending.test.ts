import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revertPending } from '../../../relay/deploy/activate.ts';
import type { TargetState } from '../../../relay/deploy/target-state.ts';
import type { Machine } from '../../../relay/machine/machine.ts';
import { ok, refuse } from '../../../schema/result.ts';

const part = `sha256:${'a'.repeat(64)}`;
const pending: TargetState = {
  v: 1,
  current: null,
  kept: [],
  quarantined: [],
  folders: [],
  pending: {
    part,
    undo: [{ do: 'remove', path: '/etc/opt/x' }],
    was: ['web.service'],
    fresh: [],
    networks: [],
  },
};

/** A machine on which everything goes well but removing, as the test has it; what was asked of it is kept. */
function machine(removes = true) {
  const asked: string[] = [];
  const written: string[] = [];
  const fake = {
    name: 'there',
    run: async (argv: readonly string[]) => {
      asked.push(argv.join(' '));
      return ok({ code: 0, stdout: new Uint8Array(), stderr: new Uint8Array() });
    },
    remove: async () => (removes ? ok(true) : refuse('read_only')),
    write: async (_: string, bytes: Uint8Array) => {
      written.push(Buffer.from(bytes).toString());
      return ok(true);
    },
  };
  return { machine: fake as unknown as Machine, asked, written };
}

test('what is the part’s own fault is not tried again; what the machine could not is', async () => {
  const own = await revertPending(machine(), pending, { code: 'service_failed' });
  assert.deepEqual(own.ok && own.value.quarantined, [{ part, code: 'service_failed' }]);
  for (const code of ['no_space', 'unreachable', 'aborted', 'timeout']) {
    const other = await revertPending(machine(), pending, { code });
    assert.deepEqual(other.ok && [other.value.quarantined, other.value.pending], [[], null], code);
  }
  const crash = await revertPending(machine(), pending);
  assert.deepEqual(crash.ok && [crash.value.quarantined, crash.value.pending], [[], null]);
});

test('services run again once the files are back, and not before', async () => {
  const good = machine();
  assert.ok((await revertPending(good, pending)).ok);
  assert.deepEqual(good.asked, [
    'systemctl daemon-reload',
    'systemctl reset-failed -- web.service',
    'systemctl restart -- web.service',
  ]);
  const stuck = machine(false);
  const back = await revertPending(stuck, pending);
  assert.equal(!back.ok && back.reason, 'read_only');
  assert.deepEqual([stuck.asked, stuck.written], [[], []], 'it stays pending');
});
