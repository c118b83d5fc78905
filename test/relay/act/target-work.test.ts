import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { actClock } from '../../../relay/act/act-clock.ts';
import { createTargetWork } from '../../../relay/act/target-work.ts';
import { readTargetState, writeTargetState } from '../../../relay/deploy/target-state.ts';
import { ok, refuse } from '../../../schema/result.ts';
import { excerptOf } from '../../../schema/wire/excerpt.ts';
import { decryptAge, makeIdentity } from '../../../src/cli/secrets/age.ts';
import { createMemoryMachine, type MemoryMachine } from '../../support/memory-machine.ts';
import { makePart, type TestPart, webPart } from '../../support/test-part.ts';
import { type Desk, nowMs, startDesk } from './service-fixture.ts';

const forever = new AbortController().signal;
const stateText = ({ disk }: Desk): string => Buffer.from(disk.files.get('state.json')!).toString();
const clock = { ...actClock, sleep: async () => {} };

type Bench = { desk: Desk; machine: MemoryMachine; apply(part: TestPart): Promise<string> };

/** The helper with the real engine, and this host in memory. */
async function openBench(t: TestContext): Promise<Bench> {
  const machine = createMemoryMachine('pve2');
  const desk = await startDesk(t, { ...createTargetWork(clock), machineOf: async () => ok(machine) });
  return {
    desk,
    machine,
    async apply({ digest, blobs }) {
      const order = await desk.home.release([{ target: 'pve2', digest }], { issuedAt: nowMs });
      return desk.apply(order, {
        blob: async (one) => {
          const found = blobs.get(one);
          return found === undefined ? refuse('blob_missing') : ok(found);
        },
      });
    },
  };
}
const onHost = async (page: string, unit?: string): Promise<TestPart> => {
  const { part } = await webPart(page, unit);
  const files = {
    '/etc/containers/systemd/web.container': unit ?? '[Container]\nImage=x\n',
    '/etc/opt/web/index.html': page,
  };
  return makePart({ target: 'pve2', files, units: part.apps[0]!.units });
};

test('a host is brought to its part, and to another that removes what it had', async (t) => {
  const { machine, apply, desk } = await openBench(t);
  assert.equal(await apply(await onHost('one\n')), 'succeeded');
  assert.deepEqual(machine.running(), ['web.service']);
  const none = await makePart({ target: 'pve2', files: { '/etc/opt/other': 'x' } });
  assert.equal(await apply(none), 'succeeded');
  assert.deepEqual(Object.keys(machine.files()), ['/etc/opt/other']);
  const seen = await desk.client.look('pve2', forever);
  assert.ok(seen.ok);
  assert.deepEqual([seen.value.report.part, seen.value.report.drifted], [none.digest, 0]);
  machine.put('/etc/opt/other', 'by hand');
  const again = await desk.client.look('pve2', forever);
  assert.deepEqual(again.ok && again.value.report.drift, [
    { kind: 'file', name: '/etc/opt/other', is: 'changed' },
  ]);
});

test('threat 31: what would rewrite the judge is refused by the helper itself, and nothing is written', async (t) => {
  const { machine, apply } = await openBench(t);
  const refusals: readonly (readonly [string, Parameters<typeof makePart>[0]])[] = [
    ['path_never', { files: { '/etc/systemd/system/writ-relay.service': 'x' } }],
    ['path_never', { files: { '/etc/sudoers.d/x': 'x' } }],
    ['path_never', { files: { '/var/lib/writ-relay-act/state.json': '{}' } }],
    ['path_never', { files: { '/usr/lib/writ-relay/writ-relay-act.cjs': 'x' } }],
    ['path_not_granted', { files: { '/etc/haproxy/haproxy.cfg': 'x' } }],
    ['unit_takes_place', { units: [{ service: 'writ-relay-act.service', files: [], kind: 'run' }] }],
    ['part_foreign', { target: 'files' }],
    ['part_foreign', { relay: 'pve1' }],
  ];
  for (const [code, draft] of refusals) {
    assert.equal(await apply(await makePart({ target: 'pve2', ...draft })), code, JSON.stringify(draft));
  }
  assert.deepEqual(machine.files(), {});
  assert.equal(machine.text('/var/lib/writ-target/state.json'), null);
});

test('a removal is judged by the grant in force, not by the one under which the file came', async (t) => {
  const { desk, machine, apply } = await openBench(t);
  assert.equal(await apply(await onHost('one\n')), 'succeeded');
  await desk.home.amend((document) => {
    const operator = document.identities.operator!;
    if (operator.kind !== 'key') throw new Error('the operator has a key');
    const may = operator.may.map((grant) =>
      grant.action === 'release.apply' ? { ...grant, paths: ['/etc/opt/**'] } : grant,
    );
    return { ...document, identities: { ...document.identities, operator: { ...operator, may } } };
  });
  const less = await makePart({ target: 'pve2', files: { '/etc/opt/web/index.html': 'one\n' } });
  assert.equal(await apply(less), 'path_not_granted');
  assert.equal(machine.files()['/etc/opt/web/index.html'], 'one\n');
});

test('a helper that is told to stop puts back what it was changing, and says so', async (t) => {
  const { desk, machine, apply } = await openBench(t);
  assert.equal(await apply(await onHost('one\n')), 'succeeded');
  machine.run = ((run) => async (argv, options) => {
    if (argv[1] !== 'restart' || options.signal === undefined) return run(argv, options);
    desk.stop.abort();
    return refuse('aborted');
  })(machine.run);
  assert.equal(await apply(await onHost('two\n')), 'activation_undone');
  assert.equal(machine.text('/etc/opt/web/index.html'), 'one\n');
  assert.deepEqual(machine.running(), ['web.service']);
});

test('threat 10: what a helper that was killed left half done is put back, or found to be done', async (t) => {
  const { desk, machine, apply } = await openBench(t);
  const one = await onHost('one\n');
  const two = await onHost('two\n');
  assert.equal(await apply(one), 'succeeded');
  const order = await desk.home.release([{ target: 'pve2', digest: two.digest }], { issuedAt: nowMs });
  machine.before = async (call, about) => {
    // As if it was killed there: nothing further is done.
    if (call === 'run' && /restart/.test(about)) await new Promise(() => {});
  };
  const dying = new AbortController();
  const asked = desk.apply(order, {
    signal: dying.signal,
    blob: async (digest) => {
      const found = two.blobs.get(digest);
      return found === undefined ? refuse('blob_missing') : ok(found);
    },
  });
  while (machine.text('/etc/opt/web/index.html') !== 'two\n')
    await new Promise((resolve) => setImmediate(resolve));
  machine.before = null;
  const next = await desk.again();
  await next.service.recover(async () => {});
  assert.equal(machine.text('/etc/opt/web/index.html'), 'one\n');
  const told = await next.client.settle('pve2', order.digest, forever);
  assert.deepEqual(told.ok && told.value, { state: 'failed', code: 'activation_undone', back: true });
  dying.abort();
  await asked;

  // Killed after the last write of the target and before its own: it is found to be done.
  const state = await readTargetState(machine);
  assert.ok(state.ok);
  await writeTargetState(machine, { ...state.value, current: two.digest });
  const work = createTargetWork(clock);
  const settled = await work.settle(machine, two.digest);
  assert.equal(settled.ok && settled.value.state, 'succeeded');
});

test('a target that runs a release makes its age identity, and its recipient comes with each look', async (t) => {
  const { machine, apply, desk } = await openBench(t);
  const seen = async () => {
    const looked = await desk.client.look('pve2', forever);
    assert.ok(looked.ok, JSON.stringify(looked));
    return looked.value.recipient ?? null;
  };
  const { recipient } = await makeIdentity('classic');
  machine.recipient = recipient;
  assert.equal(await seen(), null, 'nothing is made where nothing runs');
  assert.ok(machine.ran.every((words) => !words.includes('writ-secrets identity')));
  assert.equal(await apply(await onHost('one\n')), 'succeeded');
  assert.equal(await seen(), recipient);
  machine.recipient = null;
  assert.equal(await seen(), null, 'it has no age');
  assert.ok(desk.log.every(({ event }) => event !== 'identity_unfit'));
  machine.recipient = 'age1nonsense';
  assert.equal(await seen(), null);
  const told = desk.log.find(({ event }) => event === 'identity_unfit');
  assert.equal(told?.fields.code, 'identity_malformed');
});

test('threat 32: the helper keeps and tells what failed only encrypted to the readers of its own trust', async (t) => {
  const { machine, apply, desk } = await openBench(t);
  const owner = await makeIdentity('classic');
  await desk.home.amend((document) => ({ ...document, recipients: [owner.recipient] }));
  const canary = 'canary-of-a-host';
  machine.journal = `${canary}\n`;
  const failing = await onHost('one\n', '[Container]\n# Fails\n');
  assert.equal(await apply(failing), 'service_failed');
  const order = Object.values(
    (JSON.parse(stateText(desk)) as { targets: Record<string, { digest: string }> }).targets,
  )[0]!.digest;
  const told = await desk.client.settle('pve2', order, forever);
  assert.ok(told.ok && told.value.state === 'failed');
  assert.doesNotMatch(JSON.stringify([stateText(desk), desk.log, told]), new RegExp(canary));
  const result = { excerpt: told.value.excerpt! };
  const opened = await decryptAge(excerptOf({ state: 'failed', result })!, [{ identity: owner.identity }]);
  assert.ok(opened.ok);
  assert.equal(Buffer.from(opened.value).toString(), `web.service is failed (exit-code)\n${canary}`);
});
