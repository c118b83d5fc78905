import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Activation, activate } from '../../../relay/deploy/activate.ts';
import {
  makeTargetFolders,
  maxStateBytes,
  type Op,
  readTargetState,
  type TargetState,
  writeTargetState,
} from '../../../relay/deploy/target-state.ts';
import type { Machine } from '../../../relay/machine/machine.ts';
import { ok } from '../../../schema/result.ts';
import { createMemoryMachine, type MemoryMachine } from '../../support/memory-machine.ts';
import { makePart, type TestPart } from '../../support/test-part.ts';

const page = '/etc/opt/web/index.html';
const pruning = (text: string): Promise<TestPart> =>
  makePart({ files: { [page]: text }, app: { prune: ['/etc/opt/web'] } });

const bring = (machine: MemoryMachine, { part, digest, blobs }: TestPart): Promise<Activation> =>
  activate(
    {
      machine,
      clock: { uptimeMs: () => 0, sleep: async () => undefined },
      signal: new AbortController().signal,
      blob: async (one) => ok(blobs.get(one)!),
      progress: () => {},
    },
    { part, digest, bytes: blobs.get(digest)! },
  );

const stateOf = async (machine: MemoryMachine): Promise<TargetState> => {
  const state = await readTargetState(machine);
  assert.ok(state.ok);
  return state.value;
};
const codeOf = (done: Activation): string =>
  done.state === 'failed' ? `${done.code}, back: ${done.back}` : done.state;

test('a file that nobody may change fails the release, and is not in the way of going back', async () => {
  const machine = createMemoryMachine();
  await bring(machine, await makePart({ files: { [page]: 'one' } }));
  const [fixed, other] = ['/etc/opt/web/fixed', '/etc/opt/web/other'];
  for (const path of [fixed, other]) machine.put(path, 'x');
  machine.fault = (call, about) => (/remove|write/.test(call) && about === fixed ? 'not_permitted' : null);
  assert.equal(codeOf(await bring(machine, await pruning('two'))), 'not_permitted, back: true');
  assert.deepEqual([page, fixed, other].map(machine.text), ['one', 'x', 'x']);
  assert.equal((await stateOf(machine)).pending, null);
});

test('what may have to come back is kept on the target itself, in few calls, and as it was looked at', async () => {
  const machine = createMemoryMachine();
  await bring(machine, await makePart({ files: { [page]: 'one' } }));
  const others = ['a', 'b', 'c'].map((name) => `/etc/opt/web/${name}`);
  for (const path of others) machine.put(path, path);
  const copies: string[][] = [];
  const change: Machine['change'] = async (steps) => {
    const from = steps.flatMap((step) =>
      step.do === 'copy' && others.includes(step.from) ? [step.from] : [],
    );
    if (from.length > 0) copies.push(from);
    if (copies.length === 1 && from.length > 0) machine.put(others[1]!, 'another');
    return machine.change(steps);
  };
  const two = await pruning('two');
  assert.equal(codeOf(await bring({ ...machine, change }, two)), 'file_changes, back: true');
  assert.deepEqual([page, ...others].map(machine.text), ['one', others[0], 'another', others[2]]);
  assert.equal(codeOf(await bring({ ...machine, change }, two)), 'succeeded');
  assert.deepEqual(copies, [others, [others[1]]]);
  assert.deepEqual(Object.keys(machine.files()), [page]);
});

test('what was left half done is undone first, also where a folder cannot be kept free', async () => {
  const machine = createMemoryMachine();
  await bring(machine, await pruning('one'));
  const left = '/etc/opt/web/half';
  machine.put(left, 'x');
  const pending = { part: `sha256:${'a'.repeat(64)}`, undo: [{ do: 'remove', path: left } satisfies Op] };
  const none = { services: [], enabled: [], disabled: [], networks: [] };
  await writeTargetState(machine, { ...(await stateOf(machine)), pending: { ...pending, ...none } });
  const { run } = machine;
  machine.run = async (argv, options) => {
    if (argv[0] !== 'find') return run(argv, options);
    const stdout = new TextEncoder().encode(manyNames);
    return ok({ code: 0, stdout, stderr: new Uint8Array() });
  };
  assert.equal(codeOf(await bring(machine, await pruning('two'))), 'prune_too_much, back: true');
  assert.equal(
    codeOf(await bring(machine, await pruning('one'))),
    'prune_too_much, back: true',
    'nor the same',
  );
  assert.deepEqual([(await stateOf(machine)).pending, machine.text(left)], [null, null]);
});
const manyNames = Array.from({ length: 5_001 }, (_, index) => `/etc/opt/web/${index}\0`).join('');

test('a way back that could not be read again is not begun', async () => {
  const machine = createMemoryMachine();
  const path = (index: number): string =>
    `/etc/opt/${'\u{6f22}'.repeat(240)}/${'\u{6f22}'.repeat(240)}${index}`;
  const folders = Array.from({ length: maxStateBytes / 1400 }, (_, index) => path(index));
  await makeTargetFolders(machine);
  const state = await stateOf(machine);
  assert.ok((await writeTargetState(machine, { ...state, folders: folders.slice(0, 100) })).ok);
  const written = await writeTargetState(machine, { ...state, folders });
  assert.equal(written.ok ? 'ok' : written.reason, 'too_large');
  assert.equal((await stateOf(machine)).folders.length, 100);
});
