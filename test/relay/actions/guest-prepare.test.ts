import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { refuse } from '../../../schema/result.ts';
import { createDebianMachine, type DebianMachine } from '../../support/debian-machine.ts';
import { observeAfter, type Performed, perform, type Stage } from '../../support/perform.ts';
import { createStages, running } from '../../support/stages.ts';

const stages = createStages();
afterEach(() => stages.close());

async function openStage(machine: DebianMachine, guest: object = running): Promise<Stage> {
  const stage = await stages.open({ 100: guest });
  return { ...stage, machineOf: () => machine };
}
const prepare = (stage: Stage): Promise<Performed> => perform(stage, 'guest.prepare', 'websvcs');
const codeOf = (done: Performed): string =>
  'refused' in done
    ? `refused ${done.refused}`
    : 'code' in done.outcome
      ? `${done.outcome.state} ${done.outcome.code}`
      : done.outcome.state;

test('what a guest lacks is told by package, and nothing is done', async () => {
  const machine = createDebianMachine(['qemu-guest-agent', 'podman']);
  const stage = await openStage(machine);
  const seen = await perform(stage, 'guest.look', 'websvcs');
  const result = {
    podman: true,
    age: false,
    'qemu-guest-agent': true,
    'aardvark-dns': false,
    catatonit: false,
  };
  assert.deepEqual('outcome' in seen && seen.outcome, { state: 'succeeded', result });
  assert.deepEqual(machine.apt, []);
});

test('what is missing is installed, and a second time nothing is run', async () => {
  const machine = createDebianMachine(['qemu-guest-agent', 'age']);
  const stage = await openStage(machine);
  const done = await prepare(stage);
  assert.deepEqual('outcome' in done && done.outcome, { state: 'succeeded', result: { already: false } });
  assert.deepEqual(machine.apt, [
    'apt-get -qq update',
    'apt-get -qq --no-install-recommends --no-remove -y install -- podman aardvark-dns catatonit',
  ]);
  const again = await prepare(stage);
  assert.deepEqual('outcome' in again && again.outcome, { state: 'succeeded', result: { already: true } });
  assert.equal(machine.apt.length, 2);
});

describe('a guest that packages do not make fit is refused before anything is run', () => {
  const osRelease = (text: string) => (machine: DebianMachine) =>
    machine.files.put('/usr/lib/os-release', text);
  const cases: Readonly<Record<string, readonly [string, (machine: DebianMachine) => void]>> = {
    'no Debian': ['guest_not_debian', osRelease('ID=fedora\nVERSION_ID=43\n')],
    'an older Debian': ['guest_too_old', osRelease('ID=debian\nVERSION_ID="12"\n')],
    'a Podman of before': [
      'guest_too_old',
      (machine) => {
        machine.has.add('podman');
        machine.versions.set('podman', '4.9.3');
      },
    ],
  };
  for (const [name, [code, change]] of Object.entries(cases)) {
    test(name, async () => {
      const machine = createDebianMachine();
      change(machine);
      assert.equal(codeOf(await prepare(await openStage(machine))), `refused ${code}`);
      assert.deepEqual(machine.apt, []);
    });
  }
  test('a container, and a guest that is off or whose agent is silent', async () => {
    const machine = createDebianMachine();
    assert.equal(codeOf(await prepare(await openStage(machine, {}))), 'refused guest_not_running');
    const silent = { ...running, agent: { enabled: true, answersAfterMs: Number.POSITIVE_INFINITY } };
    assert.equal(codeOf(await prepare(await openStage(machine, silent))), 'refused agent_silent');
    const stage = await openStage(machine);
    assert.equal(codeOf(await perform(stage, 'guest.prepare', 'files')), 'refused guest_by_hand');
    assert.deepEqual(machine.apt, []);
  });
});

describe('why apt fails is told', () => {
  const cases: Readonly<Record<string, readonly [string, string]>> = {
    'no network': [
      'apt_no_network',
      'E: Failed to fetch http://deb.debian.org/x  Temporary failure resolving',
    ],
    'no room': ['guest_disk_full', "E: You don't have enough free space in /var/cache/apt/archives/."],
    'packages that would go': ['apt_would_remove', 'E: Packages need to be removed but remove is disabled.'],
    'a package that no source has': ['apt_package_unknown', 'E: Unable to locate package podman'],
    'anything else': ['apt_failed', 'E: Sub-process /usr/bin/dpkg returned an error code (1)'],
  };
  for (const [name, [code, printed]] of Object.entries(cases)) {
    test(name, async () => {
      const machine = createDebianMachine();
      machine.fails = (words) => (words.includes('install') ? printed : null);
      assert.equal(codeOf(await prepare(await openStage(machine))), `failed ${code}`);
      assert.equal(machine.has.has('podman'), false);
    });
  }
  test('lists that could not be fetched are the reason why a package is unknown', async () => {
    const machine = createDebianMachine();
    machine.fails = (words) =>
      words.endsWith('update')
        ? 'W: Failed to fetch http://deb.debian.org/  Could not connect'
        : 'E: Unable to locate package podman';
    assert.equal(codeOf(await prepare(await openStage(machine))), 'failed apt_no_network');
  });
  test('a way to the guest that is lost leaves it open', async () => {
    const machine = createDebianMachine();
    const run = machine.run;
    machine.run = async (argv, options) =>
      argv.includes('install') ? refuse('unreachable') : run(argv, options);
    assert.equal(codeOf(await prepare(await openStage(machine))), 'unknown target_unreachable');
  });
});

test('a lock that somebody holds is waited for, two minutes at most', async () => {
  const locked = 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 812 (apt-get)';
  const machine = createDebianMachine();
  let left = 3;
  machine.fails = () => {
    left -= 1;
    return left >= 0 ? locked : null;
  };
  const stage = await openStage(machine);
  assert.equal(codeOf(await prepare(stage)), 'succeeded');
  const held = createDebianMachine();
  held.fails = () => locked;
  stages.time.speed = 10_000;
  assert.equal(codeOf(await prepare(await openStage(held))), 'failed apt_locked');
  stages.time.speed = 100;
});

test('an installation that was cut off before is ended first', async () => {
  const machine = createDebianMachine();
  let broken = true;
  machine.fails = (words) => {
    if (words.startsWith('dpkg')) broken = false;
    return broken && words.includes('install')
      ? "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem."
      : null;
  };
  assert.equal(codeOf(await prepare(await openStage(machine))), 'succeeded');
  assert.deepEqual(
    machine.apt.map((words) => words.split(' ').find((word) => !/^(apt-get|-.*)$/.test(word))),
    ['update', 'install', 'dpkg', 'install'],
  );
});

test('after a crash it says what is there, and installs nothing', async () => {
  const machine = createDebianMachine();
  const stage = await openStage(machine);
  assert.deepEqual(await observeAfter(stage, 'guest.prepare', 'websvcs'), {
    state: 'unknown',
    code: 'interrupted',
  });
  for (const name of ['podman', 'age', 'aardvark-dns', 'catatonit']) machine.has.add(name);
  assert.deepEqual(await observeAfter(stage, 'guest.prepare', 'websvcs'), {
    state: 'succeeded',
    result: { already: false },
  });
  assert.deepEqual(machine.apt, []);
});

test('whoever gives up leaves apt to its own end', async () => {
  const machine = createDebianMachine();
  const person = new AbortController();
  let end = (): void => {};
  machine.before = async (words) => {
    if (!words.startsWith('apt-get')) return;
    person.abort();
    await new Promise<void>((resolve) => {
      end = resolve;
    });
  };
  const stage = await openStage(machine);
  assert.equal(codeOf(await prepare({ ...stage, signal: person.signal })), 'unknown interrupted');
  end();
});
