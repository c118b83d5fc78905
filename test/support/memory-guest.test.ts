import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { MachineResult } from '../../relay/machine/machine.ts';
import { createRemoteMachine } from '../../relay/machine/remote-machine.ts';
import { ok } from '../../schema/result.ts';
import { type GuestCall, runInside } from './memory-guest.ts';
import { createMemoryMachine } from './memory-machine.ts';

const plain = { mode: '0644', owner: 'root:root' };
const text = new TextEncoder();

function got<T>(result: MachineResult<T>): T {
  assert.ok(result.ok, result.ok ? '' : `${result.reason}: ${result.detail}`);
  return result.value;
}

/** A guest in memory as a relay sees it: by its agent. */
function open() {
  const inside = createMemoryMachine();
  const calls: GuestCall[] = [];
  const run = runInside(inside, (call) => calls.push(call));
  const guest = createRemoteMachine('websvcs', {
    maxStdin: 8_192,
    maxStdout: 65_536,
    run: async (argv, { stdin }) => ok(await run(argv, stdin)),
  });
  return { inside, calls, run, guest };
}

test('a relay’s program does in a guest in memory what it does in a real one', async () => {
  const { inside, guest } = open();
  got(await guest.makeFolder('/etc/opt/a', { mode: '0750', owner: 'root:root' }));
  const bytes = randomBytes(30_000);
  got(await guest.write('/etc/opt/a/large', bytes, plain));
  got(await guest.writeAll([{ path: '/etc/opt/a/one', bytes: text.encode('1'), ...plain }]));
  assert.deepEqual(Buffer.from(got(await guest.read('/etc/opt/a/large', 30_000))), bytes);
  assert.deepEqual(got(await guest.list('/etc/opt/a', 9)), ['large', 'one']);
  const paths = ['/etc/opt/a/large', '/etc/opt/a', '/none'];
  assert.deepEqual(got(await guest.stat(paths)), got(await inside.stat(paths)));
  assert.deepEqual(got(await guest.digest(paths)), got(await inside.digest(paths)));
  const owners = ['root:root', 'nobody-here:root'];
  assert.deepEqual(got(await guest.findOwners(owners)), got(await inside.findOwners(owners)));
  const look = { read: ['/etc/opt/a/one', '/none'], maxBytes: 100, paths, owners, units: ['web.service'] };
  assert.deepEqual(got(await guest.look(look)), got(await inside.look(look)));
  got(
    await guest.change([
      { do: 'copy', from: '/etc/opt/a/one', path: '/etc/opt/a/two', ...plain },
      { do: 'listing', path: '/etc/opt/a/two', mode: '0600', owner: 'root:root' },
      { do: 'remove', path: '/etc/opt/a/one' },
    ]),
  );
  got(await guest.rename('/etc/opt/a/two', '/etc/opt/a/three'));
  got(await guest.setListing('/etc/opt/a/three', plain));
  assert.equal(inside.text('/etc/opt/a/three'), '1');
  got(await guest.remove('/etc/opt/a/three'));
  assert.equal(inside.text('/etc/opt/a/three'), null);
  const missing = await guest.read('/none', 10);
  assert.equal(missing.ok ? '' : missing.reason, 'not_found');
});

test('programs run there with their input, however long, and what was asked is told in words', async () => {
  const { inside, guest, calls } = open();
  const limits = { timeoutMs: 1_000, maxBytes: 1_000 };
  got(await guest.run(['podman', 'ps'], { ...limits, stdin: text.encode('x'.repeat(20_000)) }));
  assert.deepEqual(inside.ran, ['podman ps']);
  assert.deepEqual(calls.at(-1)?.words.slice(-2), ['podman', 'ps']);
  assert.deepEqual(inside.files(), {}, 'what was brought for it is gone');
});

test('another program than the relay’s is told, and is not there', async () => {
  const { run, calls } = open();
  assert.equal((await run(['/bin/sh', '-c', 'reboot'], '')).code, 127);
  assert.deepEqual(calls, [{ op: 'exec', words: ['/bin/sh', '-c', 'reboot'] }]);
});
