import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { Decrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { decodeBase64url } from '../../../schema/jose/base64url.ts';
import { ok } from '../../../schema/result.ts';
import { type Declared, partWith, putInForce, reindex, reindexOn } from '../../support/app-commands.ts';
import { createMemoryMachine, type MemoryMachine } from '../../support/memory-machine.ts';
import { observeAfter, type Performed, perform, type Stage } from '../../support/perform.ts';
import { createStages, running } from '../../support/stages.ts';
import { makePart } from '../../support/test-part.ts';

const stages = createStages();
afterEach(() => stages.close());

type Answer = { readonly code: number; readonly stdout: string };
type Scene = Stage & {
  readonly machine: MemoryMachine;
  /** Programs that were run, without the shell around them. */
  readonly ran: string[];
  /** What a program that is run answers; by default nothing, with 0. */
  answer: (words: string) => Answer | undefined;
};

/** A guest whose part in force declares commands. */
async function open(
  declared: Declared,
  { guest = running, more = {} }: { readonly guest?: object; readonly more?: object } = {},
): Promise<Scene> {
  const stage = await stages.open({ 100: guest });
  const machine = createMemoryMachine();
  putInForce(machine, await partWith(declared), more);
  const encode = (text: string) => new Uint8Array(Buffer.from(text));
  const scene: Scene = {
    ...stage,
    machine,
    ran: [],
    answer: () => undefined,
    machineOf: () => ({
      ...machine,
      async run(argv, options) {
        const words = argv.slice(argv.indexOf('writ-command') + 1).join(' ');
        const done = await machine.run(argv, options);
        if (!done.ok || argv[0] === 'age') return done;
        scene.ran.push(words);
        const { code, stdout } = scene.answer(words) ?? { code: 0, stdout: '' };
        return ok({ code, stdout: encode(stdout), stderr: encode('') });
      },
    }),
  };
  return scene;
}
const run = (scene: Stage, target = reindexOn('websvcs')): Promise<Performed> =>
  perform(scene, 'app.command', target);
const codeOf = (done: Performed): string =>
  'refused' in done
    ? `refused ${done.refused}`
    : 'code' in done.outcome
      ? `${done.outcome.state} ${done.outcome.code}`
      : done.outcome.state;

test('what the part in force declares is run by its words, and nothing of what it prints is told', async () => {
  const scene = await open([reindex]);
  scene.answer = () => ({ code: 0, stdout: 'a canary' });
  const done = await run(scene);
  assert.partialDeepStrictEqual(done, { outcome: { state: 'succeeded' }, phases: ['waiting'] });
  assert.doesNotMatch(JSON.stringify(done), /canary/);
  assert.deepEqual(scene.ran, ['wiki-reindex --all']);
});

test('words are arguments of the program, and never a line of a shell', async () => {
  const hostile = ['wiki', '$(reboot)', '; reboot', '`reboot`', '--', "'", '*', ''];
  const scene = await open([{ ...reindex, exec: hostile }]);
  let argv: readonly string[] = [];
  const machineOf = scene.machineOf!;
  const outcome = await run({
    ...scene,
    machineOf: (...of) => {
      const machine = machineOf(...of);
      return {
        ...machine,
        run: (words, options) => {
          argv = words;
          return machine.run(words, options);
        },
      };
    },
  });
  assert.equal(codeOf(outcome), 'succeeded');
  assert.deepEqual(argv.slice(-hostile.length), hostile);
  assert.ok(!argv[2]!.includes('reboot'), 'the text of the shell is fixed');
});

test('in a container it is run in the one that its service runs now', async () => {
  const scene = await open([{ ...reindex, container: 'web.container' }]);
  const id = 'abcdef012345';
  const line = (service: string) => `${id}\tUp 2 minutes\t${service}\n`;
  scene.answer = (words) =>
    words.startsWith('podman ps')
      ? { code: 0, stdout: line('other.service') + line('web.service') }
      : undefined;
  assert.equal(codeOf(await run(scene)), 'succeeded');
  assert.equal(scene.ran.at(-1), `podman exec ${id} wiki-reindex --all`);

  scene.ran.splice(0);
  scene.answer = (words) =>
    words.startsWith('podman ps') ? { code: 0, stdout: line('other.service') } : undefined;
  assert.equal(codeOf(await run(scene)), 'failed command_container_off');
  assert.ok(scene.ran.every((words) => !words.includes('wiki-reindex')));
});

test('an exit code is told, and the end of the output to readers alone', async () => {
  const scene = await open([reindex]);
  scene.answer = (words) => (words.startsWith('wiki') ? { code: 3, stdout: 'no such index' } : undefined);
  const unread = await run(scene);
  assert.deepEqual('outcome' in unread && unread.outcome, {
    state: 'failed',
    code: 'command_failed',
    exit: 3,
  });

  const identity = await generateIdentity();
  const read = await run({ ...scene, recipients: [await identityToRecipient(identity)] });
  assert.ok('outcome' in read && read.outcome.state === 'failed' && read.outcome.excerpt !== undefined);
  assert.doesNotMatch(JSON.stringify(read.outcome), /no such index/);
  const file = decodeBase64url(read.outcome.excerpt);
  assert.ok(file.ok);
  const reader = new Decrypter();
  reader.addIdentity(identity);
  assert.equal(await reader.decrypt(file.value, 'text'), 'websvcs/web/reindex ended with 3\nno such index');
});

test('a command that takes too long, or a guest that is gone: nobody can say what came of it', async () => {
  for (const [fault, code] of [
    ['timeout', 'unknown command_timeout'],
    ['unreachable', 'unknown target_unreachable'],
    ['aborted', 'unknown interrupted'],
    ['program_missing', 'failed target_program_missing'],
  ] as const) {
    const scene = await open([reindex]);
    scene.machine.fault = (call) => (call === 'run' ? fault : null);
    assert.equal(codeOf(await run(scene)), code);
  }
});

test('the time-out is the one that it declares', async () => {
  const scene = await open([{ ...reindex, timeout: '90m' }]);
  const machineOf = scene.machineOf!;
  let ms = 0;
  await run({
    ...scene,
    machineOf: (...of) => {
      const machine = machineOf(...of);
      return {
        ...machine,
        run(words, options) {
          ms = options.timeoutMs;
          return machine.run(words, options);
        },
      };
    },
  });
  assert.equal(ms, 90 * 60_000);
});

describe('nothing is run', () => {
  const cases: Readonly<Record<string, readonly [string, () => Promise<Scene>, string?]>> = {
    'of an app that declares none': ['command_undeclared', () => open([])],
    'of another name': ['command_undeclared', () => open([reindex]), 'websvcs/web/purge'],
    'of another app': ['command_undeclared', () => open([reindex]), 'websvcs/wiki/reindex'],
    'where no release runs': [
      'command_undeclared',
      () => open([reindex], { more: { current: null, kept: [] } }),
    ],
    'where an activation has not settled': [
      'target_unsettled',
      () =>
        open([reindex], {
          more: {
            pending: {
              part: `sha256:${'b'.repeat(64)}`,
              ...{ undo: [], services: [], enabled: [], disabled: [], networks: [] },
            },
          },
        }),
    ],
    'without a word': ['command_unfit', () => open([{ ...reindex, exec: [] }])],
    'with a NUL in a word': ['command_unfit', () => open([{ ...reindex, exec: ['wiki', 'a\0b'] }])],
    'with a time-out above the longest': ['command_unfit', () => open([{ ...reindex, timeout: '3h' }])],
    'with a time-out that is none': ['target_state_malformed', () => open([{ ...reindex, timeout: 'soon' }])],
    'in a container that is no unit of its app': [
      'command_unfit',
      () => open([{ ...reindex, container: 'db.container' }]),
    ],
    'on a guest that is off': ['guest_not_running', () => open([reindex], { guest: {} })],
    'in a container of Proxmox': ['command_not_there', () => open([reindex]), reindexOn('files')],
    'on a host': ['command_not_there', () => open([reindex]), reindexOn('pve2')],
  };
  for (const [name, [code, make, target]] of Object.entries(cases)) {
    test(name, async () => {
      const scene = await make();
      assert.equal(codeOf(await run(scene, target)), `refused ${code}`);
      assert.deepEqual(scene.ran, []);
    });
  }

  test('that a kept generation declares, or a newer one, but not the one in force', async () => {
    const scene = await open([reindex]);
    const before = await partWith([reindex]);
    const now = await makePart({ files: { '/etc/opt/web/a': 'x' } });
    putInForce(scene.machine, before);
    putInForce(scene.machine, now, { kept: [now.digest, before.digest] });
    assert.equal(codeOf(await run(scene)), 'refused command_undeclared');
    assert.deepEqual(scene.ran, []);
  });

  test('of a part whose bytes are not those of its digest', async () => {
    const scene = await open([]);
    const part = await partWith([]);
    const forged = await partWith([reindex]);
    const bytes = forged.blobs.get(forged.digest)!;
    putInForce(scene.machine, { ...part, blobs: new Map([[part.digest, bytes]]) });
    assert.equal(codeOf(await run(scene)), 'refused target_state_malformed');
    assert.deepEqual(scene.ran, []);
  });
});

test('after a crash nobody knows, and nothing is run again', async () => {
  const scene = await open([reindex]);
  const outcome = await observeAfter(scene, 'app.command', reindexOn('websvcs'));
  assert.deepEqual(outcome, { state: 'unknown', code: 'interrupted' });
  assert.deepEqual(scene.ran, []);
});
