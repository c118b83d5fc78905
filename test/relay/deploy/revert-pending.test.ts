import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revertPending } from '../../../relay/deploy/activate.ts';
import type { TargetState } from '../../../relay/deploy/target-state.ts';
import type { Machine } from '../../../relay/machine/machine.ts';
import { ok, refuse } from '../../../schema/result.ts';

const service = (name: string, ran: boolean, more: { invocation?: string; reload?: boolean } = {}) => ({
  name,
  ran,
  invocation: ran ? 'before' : '',
  reload: false,
  ...more,
});
const pending: TargetState = {
  v: 1,
  current: null,
  kept: [],
  quarantined: [],
  folders: [],
  pending: {
    part: `sha256:${'a'.repeat(64)}`,
    undo: [{ do: 'remove', path: '/etc/containers/systemd/x.container' }],
    services: [
      service('same.service', true),
      service('other.service', true),
      service('reloaded.service', true, { reload: true }),
      service('new.service', false),
    ],
    enabled: [],
    disabled: [],
    networks: [],
  },
};

type Shown = { readonly active: string; readonly invocation: string };

/** A machine whose services are as the test has it, and on which nothing goes wrong but what it says. */
function machine(
  given: { services?: Record<string, Shown>; changes?: readonly boolean[]; restarts?: boolean } = {},
) {
  const asked: string[] = [];
  const written: string[] = [];
  const services: Record<string, Shown> = {
    'same.service': { active: 'active', invocation: 'before' },
    'other.service': { active: 'active', invocation: 'after' },
    'reloaded.service': { active: 'active', invocation: 'before' },
    'new.service': { active: 'active', invocation: 'after' },
    ...given.services,
  };
  const changes = [...(given.changes ?? [])];
  const fake = {
    name: 'there',
    run: async (argv: readonly string[]) => {
      const names = argv.includes('--') ? argv.slice(argv.indexOf('--') + 1) : [];
      if (argv[1] !== 'show') asked.push(argv.slice(1).join(' '));
      if (argv[1] === 'restart') {
        const active = given.restarts === false ? 'failed' : 'active';
        for (const name of names) services[name] = { active, invocation: 'again' };
      }
      const blocks = names.map((name) => {
        const { active, invocation } = services[name]!;
        return `Id=${name}\nActiveState=${active}\nInvocationID=${invocation}\n`;
      });
      const stdout = new TextEncoder().encode(argv[1] === 'show' ? blocks.join('\n') : '');
      const code = argv[1] === 'restart' && given.restarts === false ? 1 : 0;
      return ok({ code, stdout, stderr: new Uint8Array() });
    },
    change: async () => {
      asked.push('change');
      return changes.shift() === false ? refuse('no_space') : ok(true);
    },
    look: async () => ok({ read: [], paths: [], owners: [], units: [] }),
    stat: async () => ok([null, null]),
    list: async () => ok(['0'.repeat(64)]),
    write: async (_: string, bytes: Uint8Array) => {
      written.push(Buffer.from(bytes).toString());
      return ok(true);
    },
  };
  return { machine: fake as unknown as Machine, asked, written };
}

test('files come back before services, and who still runs what it ran is left alone', async () => {
  const good = machine();
  const back = await revertPending(good, pending);
  assert.equal(back.ok && back.value.pending, null);
  assert.deepEqual(good.asked, [
    'stop -- new.service',
    'change',
    'daemon-reload',
    'reset-failed -- other.service',
    'restart -- other.service',
    'reload-or-restart -- reloaded.service',
  ]);
  assert.equal(good.written.length, 1);
});

test('a crash puts no part into quarantine', async () => {
  const back = await revertPending(machine(), pending);
  assert.deepEqual(back.ok && back.value.quarantined, []);
});

test('what cannot be put back stays pending', async () => {
  const stuck = machine({ changes: [false, true, false] });
  const back = await revertPending(stuck, pending);
  assert.equal(!back.ok && back.reason, 'no_space');
  assert.deepEqual(stuck.written, []);
  assert.ok(
    !stuck.asked.some((words) => words.startsWith('restart')),
    'no service starts with files between',
  );
});

test('on a full disk, bytes that nothing needs make room', async () => {
  const full = machine({ changes: [false, true, true] });
  assert.ok((await revertPending(full, pending)).ok);
  // The way back, then what is not needed goes, then the way back again.
  assert.equal(full.asked.filter((words) => words === 'change').length, 3);
});

test('a service that does not run again is told, and is not undone for ever', async () => {
  const sick = machine({ restarts: false });
  const back = await revertPending(sick, pending);
  assert.deepEqual(
    [!back.ok && back.reason, !back.ok && back.detail],
    ['revert_failed', 'not running: other.service'],
  );
  assert.match(sick.written.join(), /"pending":null/);
});
