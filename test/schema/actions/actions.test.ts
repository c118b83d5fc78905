import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { defaultPatienceS, locksConflict } from '../../../schema/actions/action.ts';
import {
  actionOf,
  actions,
  allActions,
  commandActionOf,
  commandActions,
} from '../../../schema/actions/index.ts';
import { atStart, seconds } from '../../../schema/actions/sentence.ts';
import type { House } from '../../../schema/trust/document.ts';
import { stepSchema } from '../../../schema/wire/intent.ts';
import { intentLifetimeMs, maxIntentLifetimeMs } from '../../../schema/wire/limits.ts';
import { scopeSchema } from '../../../schema/wire/token.ts';

const folder = join(import.meta.dirname, '..', '..', '..', 'schema', 'actions');

const house: House = {
  hosts: {
    cloud: { proxmox: false, sleeps: false },
    pve1: { proxmox: true, sleeps: false },
    pve2: {
      proxmox: true,
      sleeps: true,
      wake_via: 'pve1',
      mac: '02:00:00:00:00:02',
      wake_address: '192.0.2.255',
    },
  },
  guests: {
    gaming: {
      host: 'pve2',
      kind: 'qemu',
      vmid: 102,
      exclusive: ['gpu0', 'usb'],
      order: 1,
      in_use: 'sessions',
      agent: true,
    },
    router: { host: 'pve1', kind: 'lxc', vmid: 100, exclusive: [], order: 1, in_use: 'never', agent: false },
  },
};

/** What a succeeded receipt of each action may carry; a new action stands here, or its test fails. */
const already = [{ already: false }, { already: true }];
const applied = { already: false, files: 3, started: 1, restarted: 1, reloaded: 0, stopped: 0 };
const looked = {
  podman: true,
  age: true,
  'qemu-guest-agent': true,
  'aardvark-dns': true,
  catatonit: true,
};
const results: Readonly<Record<string, readonly Record<string, number | boolean>[]>> = {
  'host.wake': [{ packets: 3, took_ms: 41_000 }],
  'host.shutdown': [{}],
  'host.shutdown-in-use': [{}],
  'host.reboot': [{}],
  'host.reboot-in-use': [{}],
  'guest.start': already,
  'guest.shutdown': already,
  'guest.shutdown-in-use': already,
  'guest.stop': already,
  'guest.reboot': [{}],
  'guest.reboot-in-use': [{}],
  'guest.suspend': already,
  'guest.suspend-in-use': already,
  'guest.resume': already,
  'guest.look': [looked, { ...looked, podman: false, age: false }],
  'guest.prepare': already,
  'app.command': [{ took_ms: 41_000 }],
  'release.apply': [applied, { ...applied, already: true }],
  'release.heal': [applied, { ...applied, already: true }],
};

/** Parameters that an action cannot do without. */
const part = `sha256:${'a'.repeat(64)}`;
const needed: Readonly<Record<string, object>> = { 'release.apply': { part }, 'release.heal': { part } };
/** Which part, and whether one that failed is tried again, is what the order of a release is about. */
const ofReleases: Readonly<Record<string, readonly string[]>> = {
  'release.apply': ['part', 'again'],
  'release.heal': ['part'],
};

describe('the registry of actions', () => {
  test('lists every action of the folder under its own type', () => {
    const files = globSync('{host,guest,app,release}-*.ts', { cwd: folder }).map((file) =>
      file.replace(/\.ts$/, ''),
    );
    assert.deepEqual(
      Object.keys(actions)
        .map((type) => type.replace('.', '-'))
        .sort(),
      files.sort(),
    );
    for (const [type, action] of Object.entries(actions)) {
      assert.equal(action.type, type);
      assert.equal(actionOf(type), action);
      const text = readFileSync(join(folder, `${type.replace('.', '-')}.ts`), 'utf8');
      assert.ok(text.includes(`type: '${type}'`), `${type} stands in the file of its name`);
    }
    assert.deepEqual(Object.keys(results).sort(), Object.keys(actions).sort());
  });

  test('finds nothing under names that every object has', () => {
    for (const type of [
      'constructor',
      '__proto__',
      'toString',
      'hasOwnProperty',
      '',
      'guest',
      'guest.Start',
      'guest.*',
    ]) {
      assert.equal(actionOf(type), undefined, type);
      assert.equal(commandActionOf(type), undefined, type);
    }
  });

  test('relays do one thing by themselves', () => {
    const alone = allActions.filter(({ byItself }) => byItself === true).map(({ type }) => type);
    assert.deepEqual(alone, ['release.heal']);
  });

  test('callers order all but what releases do', () => {
    const ofRelease = ['release.apply', 'release.heal'];
    const ordered = allActions.filter(({ type }) => !ofRelease.includes(type));
    assert.deepEqual(commandActions, ordered);
    for (const action of ordered) assert.equal(commandActionOf(action.type), action);
    for (const type of ofRelease) assert.equal(commandActionOf(type), undefined);
  });
});

for (const action of allActions) {
  describe(action.type, () => {
    test('is a complete card', () => {
      const kind = action.on === 'target' ? 'release' : action.on;
      assert.match(action.type, new RegExp(`^${kind}\\.[a-z]+(-[a-z]+)*$`));
      assert.match(action.title, /^[A-Z][^\n.]{9,79}$/, 'the title is one line without a full stop');
      // Nobody orders what relays do by themselves, so its verb is no button and no command.
      assert.match(action.verb, action.byItself === true ? /^[a-z]+( [a-z]+)*$/ : /^[a-z]+( [a-z]+)?$/);
      assert.ok(['low', 'medium', 'high'].includes(action.risk));
      assert.ok(action.lifetimeMs >= intentLifetimeMs && action.lifetimeMs <= maxIntentLifetimeMs);
      const target = action.on === 'app' ? 'gaming/wiki/reindex' : 'gaming';
      const step = { relay: 'pve1', action: action.type, target, params: {}, after: [] };
      assert.ok(v.is(stepSchema, step), 'its type can stand in an intent');
      assert.ok(v.is(scopeSchema, `${action.type}@${target}`), 'and in a scope');
    });

    test('has a sentence for each result, and takes no other result', () => {
      for (const result of results[action.type]!) {
        assert.ok(action.acceptsResult(result));
        assert.match(`The tower ${action.done(result)}.`, /^The tower (is|was|has) [a-z0-9; ]+\.$/);
        assert.equal(action.acceptsResult({ ...result, output: 'text from a guest' }), false);
        for (const member of Object.keys(result)) {
          assert.equal(action.acceptsResult({ ...result, [member]: 'text' }), false);
          assert.equal(action.acceptsResult({ ...result, [member]: undefined }), false);
        }
      }
      for (const other of [null, 'done', 1, [], { packets: -1, took_ms: 1 }]) {
        assert.equal(action.acceptsResult(other), false);
      }
    });

    test('threat 33: takes no parameter that is not of its shape', () => {
      const least = needed[action.type] ?? {};
      assert.ok(action.acceptsParams(least), 'no other parameter is needed');
      const { entries } = action.params as unknown as { entries: Record<string, unknown> };
      const known = Object.keys(entries);
      for (const name of [
        ...[
          'force',
          'forced',
          'forceStop',
          'skiplock',
          'override',
          'in_use',
          'ignore_in_use',
          'even_if_in_use',
          'prune',
        ],
        ...[
          'timeout',
          'timeoutS',
          'node',
          'vmid',
          'host',
          'guest',
          'command',
          'purge',
          'destroy',
          'toString',
        ],
        ...['constructor', 'hasOwnProperty', '', '0'],
      ]) {
        assert.equal(action.acceptsParams({ ...least, [name]: true }), false, name);
      }
      fc.assert(
        fc.property(fc.string(), fc.jsonValue(), (name, value) => {
          fc.pre(!known.includes(name) && name !== '__proto__');
          assert.equal(action.acceptsParams({ ...least, [name]: value }), false);
        }),
      );
      for (const other of [null, undefined, 'text', 1, true, ['force'], []]) {
        assert.equal(action.acceptsParams(other), false, JSON.stringify(other));
      }
    });

    test('threat 33: what it takes only tunes how long it waits', () => {
      const { entries } = action.params as unknown as { entries: Record<string, unknown> };
      assert.deepEqual(
        Object.keys(entries).filter((name) => name !== 'timeout_s'),
        ofReleases[action.type] ?? [],
      );
      if (entries.timeout_s === undefined) return;
      for (const timeout_s of [10, defaultPatienceS, 600]) assert.ok(action.acceptsParams({ timeout_s }));
      for (const timeout_s of [9, 601, 0, -1, 10.5, '180', null, true, [180], Number.NaN, 1e300]) {
        assert.equal(action.acceptsParams({ timeout_s }), false, String(timeout_s));
      }
    });

    test('threat 33: a graceful action that refuses in use has an override of higher risk', () => {
      const risks = ['low', 'medium', 'high'];
      if (action.inUse === 'refuses') {
        const override = actionOf(`${action.type}-in-use`);
        assert.ok(override !== undefined, 'its override is an action of its own');
        assert.equal(override.inUse, 'overrides');
        assert.ok(risks.indexOf(override.risk) > risks.indexOf(action.risk));
        assert.equal(override.params, action.params);
      }
      if (action.inUse === 'overrides') assert.equal(action.risk, 'high');
      if (action.type.endsWith('-in-use')) assert.equal(action.inUse, 'overrides');
    });

    test('is done by the relay of its target, and locks what it touches', () => {
      const relayOf = (target: string): string | null => {
        const relay = action.relayFor(house, target);
        return relay.ok ? relay.value : null;
      };
      const targets = [
        'cloud',
        'pve1',
        'pve2',
        'gaming',
        'router',
        'nobody',
        'constructor',
        '__proto__',
        'toString',
        ...['gaming', 'router', 'cloud', 'nobody'].map((machine) => `${machine}/wiki/reindex`),
        ...['gaming/wiki', 'gaming/wiki/reindex/more', 'gaming//reindex', 'gaming/wiki/constructor', '//'],
      ];
      const relays = Object.fromEntries(
        targets.flatMap((target) => (relayOf(target) === null ? [] : [[target, relayOf(target)]])),
      );
      if (action.on === 'target') {
        const hosts = { cloud: 'cloud', pve1: 'pve1', pve2: 'pve2' };
        assert.deepEqual(relays, { ...hosts, gaming: 'pve2', router: 'pve1' });
        assert.deepEqual(action.locksOf(house, 'gaming'), [
          { on: 'host:pve2', mode: 'shared' },
          { on: 'guest:gaming', mode: 'exclusive' },
        ]);
        assert.deepEqual(action.locksOf(house, 'cloud'), [
          { on: 'host:cloud', mode: 'shared' },
          { on: 'files:cloud', mode: 'exclusive' },
        ]);
      } else if (action.on === 'app') {
        assert.deepEqual(relays, {
          'gaming/wiki/reindex': 'pve2',
          'router/wiki/reindex': 'pve1',
          'cloud/wiki/reindex': 'cloud',
        });
        // Its guest is held with other commands, and against whatever changes or ends it.
        assert.deepEqual(action.locksOf(house, 'gaming/wiki/reindex'), [
          { on: 'host:pve2', mode: 'shared' },
          { on: 'guest:gaming', mode: 'shared' },
          { on: 'command:gaming/wiki/reindex', mode: 'exclusive' },
        ]);
        assert.deepEqual(action.locksOf(house, 'cloud/wiki/reindex'), [
          { on: 'host:cloud', mode: 'shared' },
          { on: 'files:cloud', mode: 'shared' },
          { on: 'command:cloud/wiki/reindex', mode: 'exclusive' },
        ]);
      } else if (action.on === 'guest') {
        assert.deepEqual(relays, { gaming: 'pve2', router: 'pve1' });
        assert.deepEqual(action.locksOf(house, 'gaming'), [
          { on: 'host:pve2', mode: 'shared' },
          { on: 'guest:gaming', mode: 'exclusive' },
          { on: 'resource:gpu0', mode: 'exclusive' },
          { on: 'resource:usb', mode: 'exclusive' },
        ]);
      } else {
        assert.deepEqual(
          relays,
          action.type === 'host.wake' ? { pve2: 'pve1' } : { pve1: 'pve1', pve2: 'pve2' },
        );
        const mode = action.type === 'host.wake' ? 'shared' : 'exclusive';
        assert.deepEqual(action.locksOf(house, 'pve2'), [{ on: 'host:pve2', mode }]);
      }
    });
  });
}

describe('locks and sentences', () => {
  test('only two shared holds of one thing go together', () => {
    const [shared, exclusive] = [
      { on: 'a', mode: 'shared' },
      { on: 'a', mode: 'exclusive' },
    ] as const;
    assert.equal(locksConflict(shared, shared), false);
    assert.equal(locksConflict(shared, exclusive), true);
    assert.equal(locksConflict(exclusive, shared), true);
    assert.equal(locksConflict(exclusive, exclusive), true);
    assert.equal(locksConflict(exclusive, { on: 'b', mode: 'exclusive' }), false);
  });

  test('durations and titles read as one would say them', () => {
    for (const [ms, text] of [
      [0, '0 s'],
      [500, '1 s'],
      [41_234, '41 s'],
      [119_400, '119 s'],
      [120_000, '2 min'],
      [150_000, '3 min'],
      [-5, '0 s'],
      [undefined, 'some time'],
      [Number.NaN, 'some time'],
      ['41', 'some time'],
    ] as const) {
      assert.equal(seconds(ms), text);
    }
    assert.equal(atStart('the tower'), 'The tower');
    assert.equal(atStart(''), '');
  });
});
