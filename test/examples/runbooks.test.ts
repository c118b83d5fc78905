import assert from 'node:assert/strict';
import { test } from 'node:test';
import { houseFileOf } from '../../schema/manifest/homelab.ts';
import { houseOf } from '../../schema/manifest/house.ts';
import { notRunYet } from '../../schema/manifest/runbook.ts';
import { readCommandName } from '../../schema/wire/ids.ts';
import { readManifest } from '../../src/config/read/manifest.ts';
import { plan } from '../../src/domain/planning.ts';
import { input } from '../src/domain/plan-input.ts';
import { buildExample, exampleRepo, partOf } from './example.ts';

/** What each runbook of the example comes to, as the control plane plans it. */
const { homelab } = readManifest(exampleRepo()).manifest!;
const file = houseFileOf(homelab);
const house = houseOf(file);
assert.ok(house.ok, JSON.stringify(house));

const stepsOf = (runbook: string, tower: 'awake' | 'off'): string | readonly string[] => {
  const told = { hosts: { pve2: tower } };
  const planned = plan(input({ runbook }, told, { house: house.value, runbooks: file.runbooks }));
  return planned.ok ? planned.value.steps.map(({ action, target }) => `${action} ${target}`) : planned.reason;
};

test('every runbook of the example can be run as it stands', () => {
  const names = Object.keys(homelab.runbooks);
  assert.ok(names.length >= 7, names.join(' '));
  for (const name of names) {
    assert.deepEqual(notRunYet(homelab.runbooks[name]!), [], name);
    assert.notEqual(typeof stepsOf(name, 'awake'), 'string', name);
  }
});

test('commands that runbooks name are there', async () => {
  const { release } = await buildExample();
  const named = Object.values(file.runbooks).flatMap(({ steps }) =>
    steps.flatMap(({ action, target }) => (action === 'app.command' ? [readCommandName(target)!] : [])),
  );
  assert.ok(named.length > 0);
  for (const { machine, app, command } of named) {
    const { commands } = partOf(release!.manifest.parts, machine).apps.find(({ name }) => name === app)!;
    assert.ok(
      commands.some(({ name }) => name === command),
      `${machine}/${app}/${command}`,
    );
  }
});

test('maintenance shuts the tower down in order, and leaves one that is off alone', () => {
  assert.deepEqual(stepsOf('maintenance', 'awake'), [
    ...['gaming', 'devtop', 'macos', 'websvcs', 'nas'].map((name) => `guest.shutdown ${name}`),
    'host.shutdown pve2',
  ]);
  assert.equal(stepsOf('maintenance', 'off'), 'host_already_off');
});

test('afterwards the tower is woken, and its guests start, what holds the storage first', () => {
  const woken = ['host.wake pve2', 'guest.start nas', 'guest.start websvcs'];
  assert.deepEqual(stepsOf('after-maintenance', 'off'), woken);
  assert.deepEqual(stepsOf('start-gaming', 'off'), [
    'host.wake pve2',
    'guest.shutdown devtop',
    'guest.start gaming',
  ]);
});
