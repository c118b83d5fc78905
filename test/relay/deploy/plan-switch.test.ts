import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pathsToLookAt, planSwitch } from '../../../relay/deploy/plan-switch.ts';
import { filledPath } from '../../../relay/deploy/secrets/secrets-table.ts';
import type { Op } from '../../../relay/deploy/target-state.ts';
import type { Sight, Stat } from '../../../relay/machine/machine.ts';
import type { ReleaseFile, ReleasePart } from '../../../schema/wire/release.ts';

/** What lies on a target, by path: a model of its files. */
type Disk = ReadonlyMap<
  string,
  { readonly kind: Stat['kind']; readonly digest: string | null; readonly how: string; readonly to?: string }
>;

const hash = (letter: string): string => `sha256:${letter.repeat(64)}`;
const idsOf = (owner: string): [number, number] =>
  owner === 'root:root' ? [0, 0] : (owner.split(':').map(Number) as [number, number]);
const numbers = (owner: string): string => idsOf(owner).join(':');

function partOf(files: readonly ReleaseFile[], dirs: ReleasePart['apps'][number]['dirs'] = []): ReleasePart {
  const app = {
    name: 'a',
    units: [],
    secrets: [],
    after: [],
    dirs,
    prune: [],
    ports: [],
    certs: [],
    artifacts: [],
    commands: [],
  };
  return {
    target: 't',
    relay: 'r',
    apps: [app as unknown as ReleasePart['apps'][number]],
    files: [...files],
  };
}

const file = (path: string, letter: string, more: Partial<ReleaseFile> = {}): ReleaseFile => ({
  path,
  app: 'a',
  digest: hash(letter),
  size: 1,
  mode: '0644',
  owner: 'root:root',
  on_change: 'restart',
  manage: 'exact',
  kind: 'file',
  ...more,
});

function sightsOf(disk: Disk, paths: readonly string[]): Map<string, Sight> {
  return new Map(
    paths.map((path): [string, Sight] => {
      const found = disk.get(path);
      if (found === undefined) return [path, { stat: null, digest: null }];
      const [mode, owner] = found.how.split(' ') as [string, string];
      const [uid, gid] = idsOf(owner);
      return [
        path,
        {
          stat: { kind: found.kind, mode, uid, gid, size: 1, ...(found.to && { to: found.to }) },
          digest: found.digest,
        },
      ];
    }),
  );
}

/** Does changes to the model as a machine does them to files. */
function perform(disk: Disk, ops: readonly Op[]): Disk {
  const now = new Map(disk);
  for (const op of ops) {
    if (op.do === 'remove') {
      const isFull = [...now.keys()].some((path) => path.startsWith(`${op.path}/`));
      if (!isFull) now.delete(op.path);
      continue;
    }
    const parent = op.path.slice(0, op.path.lastIndexOf('/'));
    assert.ok(parent === '' || now.get(parent)?.kind === 'folder', `${op.path} has a folder`);
    if (op.do === 'link') {
      now.set(op.path, { kind: 'link', digest: null, how: '0777 0:0', to: op.to });
      continue;
    }
    const how = `${op.mode} ${numbers(op.owner)}`;
    if (op.do === 'put') now.set(op.path, { kind: 'file', digest: op.digest, how });
    else if (op.do === 'folder') now.set(op.path, { kind: 'folder', digest: null, how });
    else now.set(op.path, { ...now.get(op.path)!, how });
  }
  return now;
}

const sameOwner = ({ uid, gid }: Stat, owner: string): boolean => `${uid}:${gid}` === numbers(owner);

function plan(
  disk: Disk,
  before: ReleasePart | undefined,
  after: ReleasePart,
  folders: readonly string[] = [],
  claimed: readonly string[] = [],
  strangers: readonly string[] = [],
) {
  const paths = pathsToLookAt(before, after, folders, strangers);
  const sights = sightsOf(disk, [...paths.files, ...paths.folders]);
  return planSwitch({ before, after, folders, claimed, strangers, sights }, sameOwner);
}

const sorted = (disk: Disk) => [...disk].sort(([a], [b]) => (a < b ? -1 : 1));
const bare: Disk = new Map([['/etc', { kind: 'folder', digest: null, how: '0755 0:0' }]]);
const withFile = (disk: Disk, path: string, letter: string, how = '0644 0:0'): Disk =>
  new Map([...disk, [path, { kind: 'file', digest: hash(letter), how }]]);

test('what is not there is put there, in folders that are made for it', () => {
  const made = plan(bare, undefined, partOf([file('/etc/opt/a/x', '1')]));
  assert.ok(made.ok);
  assert.deepEqual(
    made.value.ops.map((op) => `${op.do} ${op.path}`),
    ['folder /etc/opt', 'folder /etc/opt/a', 'put /etc/opt/a/x'],
  );
  assert.deepEqual(made.value.folders, ['/etc/opt', '/etc/opt/a']);
});

test('a foreign file with the same bytes is taken as it is', () => {
  const made = plan(withFile(bare, '/etc/x', '1'), undefined, partOf([file('/etc/x', '1')]));
  assert.ok(made.ok && made.value.ops.length === 0);
  const other = plan(withFile(bare, '/etc/x', '1', '0600 0:0'), undefined, partOf([file('/etc/x', '1')]));
  assert.ok(other.ok);
  assert.deepEqual(
    other.value.ops.map(({ do: what }) => what),
    ['listing'],
  );
});

test('a foreign file with other bytes is in the way, and so is what is no file', () => {
  const foreign = plan(withFile(bare, '/etc/x', '2'), undefined, partOf([file('/etc/x', '1')]));
  assert.deepEqual(!foreign.ok && foreign.obstacles, [{ path: '/etc/x', why: 'foreign_file' }]);
  const link: Disk = new Map([...bare, ['/etc/x', { kind: 'link', digest: null, how: '0777 0:0' }]]);
  const linked = plan(link, undefined, partOf([file('/etc/x', '1')]));
  assert.deepEqual(!linked.ok && linked.obstacles, [{ path: '/etc/x', why: 'not_a_file' }]);
  const under = plan(withFile(bare, '/etc/opt', '2'), undefined, partOf([file('/etc/opt/x', '1')]));
  assert.deepEqual(!under.ok && under.obstacles, [{ path: '/etc/opt', why: 'not_a_folder' }]);
});

test('what is only seeded is written where it is missing, and never removed', () => {
  const seed = file('/etc/x', '1', { manage: 'seed' });
  const there = plan(withFile(bare, '/etc/x', '2'), undefined, partOf([seed]));
  assert.ok(there.ok && there.value.ops.length === 0);
  const absent = plan(bare, undefined, partOf([seed]));
  assert.ok(absent.ok && absent.value.ops.length === 1);
  const gone = plan(withFile(bare, '/etc/x', '2'), partOf([seed]), partOf([]));
  assert.ok(gone.ok && gone.value.ops.length === 0);
});

test('strangers in folders that are kept free go, the innermost first, and come back as they were', () => {
  const one = partOf([file('/etc/opt/a/x', '1')]);
  const folder = { kind: 'folder' as const, digest: null, how: '0750 33:33' };
  const start = plan(bare, undefined, one);
  assert.ok(start.ok);
  const clean = perform(bare, start.value.ops);
  const strangers = ['/etc/opt/a/s', '/etc/opt/a/s/t', '/etc/opt/a/s/t/y', '/etc/opt/a/z'];
  let disk: Disk = new Map([...clean, [strangers[0]!, folder], [strangers[1]!, folder]]);
  disk = withFile(withFile(disk, strangers[2]!, '7', '0600 33:33'), strangers[3]!, '8');
  const made = plan(disk, one, one, start.value.folders, [], strangers);
  assert.ok(made.ok);
  const { ops, undo, keep, folders, drifted } = made.value;
  assert.deepEqual(
    ops.map((op) => `${op.do} ${op.path}`),
    [2, 3, 1, 0].map((index) => `remove ${strangers[index]}`),
  );
  assert.deepEqual(sorted(perform(disk, ops)), sorted(clean));
  assert.deepEqual([keep.length, drifted, folders], [2, [], start.value.folders]);
  for (let stop = 0; stop <= ops.length; stop += 1) {
    assert.deepEqual(sorted(perform(perform(disk, ops.slice(0, stop)), undo)), sorted(disk), `${stop}`);
  }
  const link: Disk = new Map([...clean, ['/etc/opt/a/l', { kind: 'link', digest: null, how: '0777 0:0' }]]);
  const refused = plan(link, one, one, [], [], ['/etc/opt/a/l']);
  assert.deepEqual(!refused.ok && refused.obstacles, [{ path: '/etc/opt/a/l', why: 'not_a_file' }]);
  const large: Disk = new Map([...clean, ['/etc/opt/a/v', { kind: 'file', digest: null, how: '0644 0:0' }]]);
  const kept = plan(large, one, one, [], [], ['/etc/opt/a/v']);
  assert.deepEqual(!kept.ok && kept.obstacles, [{ path: '/etc/opt/a/v', why: 'not_a_file' }], 'too large');
});

test('a file that is only seeded goes as a stranger does, once it is no part any more', () => {
  const seed = partOf([file('/etc/opt/a/x', '1', { manage: 'seed' })]);
  const disk = withFile(bare, '/etc/opt/a/x', '2');
  const gone = plan(disk, seed, partOf([]), [], [], ['/etc/opt/a/x']);
  assert.ok(gone.ok);
  assert.deepEqual(gone.value.ops, [{ do: 'remove', path: '/etc/opt/a/x' }]);
  const exact = partOf([file('/etc/opt/a/x', '1')]);
  const once = plan(withFile(bare, '/etc/opt/a/x', '1'), exact, partOf([]), [], [], ['/etc/opt/a/x']);
  assert.ok(once.ok && once.value.ops.length === 1, 'and what was a part goes once');
});

test('a file that was changed by hand is told, and put back', () => {
  const disk = withFile(bare, '/etc/x', '9');
  const same = partOf([file('/etc/x', '1')]);
  const made = plan(disk, same, same);
  assert.ok(made.ok);
  assert.deepEqual(made.value.drifted, ['/etc/x']);
  assert.deepEqual(made.value.keep, [{ path: '/etc/x', digest: hash('9'), size: 1 }]);
});

test('folders that were made go with their last file, and others stay', () => {
  const first = plan(bare, undefined, partOf([file('/etc/opt/a/x', '1')]));
  assert.ok(first.ok);
  const disk = perform(bare, first.value.ops);
  const gone = plan(disk, partOf([file('/etc/opt/a/x', '1')]), partOf([]), first.value.folders);
  assert.ok(gone.ok);
  assert.deepEqual(sorted(perform(disk, gone.value.ops)), sorted(bare));
  assert.deepEqual(gone.value.folders, []);
  const mine = withFile(disk, '/etc/opt/mine', '7');
  const kept = plan(mine, partOf([file('/etc/opt/a/x', '1')]), partOf([]), first.value.folders);
  assert.ok(kept.ok);
  assert.ok(perform(mine, kept.value.ops).has('/etc/opt/mine'));
});

const linkTo = (path: string) => ({
  kind: 'link' as const,
  digest: null,
  how: '0777 0:0',
  to: filledPath(path),
});

test('a file with secrets is a link to where it is filled in; what is in its way must hold the same', () => {
  const secret = partOf([file('/etc/x', '1', { secrets: ['s'] })]);
  const link = { do: 'link', path: '/etc/x', to: filledPath('/etc/x') };
  const absent = plan(bare, undefined, secret);
  assert.ok(absent.ok);
  assert.deepEqual(absent.value.ops, [link]);
  assert.deepEqual(absent.value.undo, [{ do: 'remove', path: '/etc/x' }]);
  const there = plan(new Map([...bare, ['/etc/x', linkTo('/etc/x')]]), secret, secret);
  assert.ok(there.ok && there.value.ops.length === 0 && there.value.drifted.length === 0);
  const claimed = plan(withFile(bare, '/etc/x', '2'), undefined, secret);
  assert.ok(claimed.ok);
  assert.deepEqual([claimed.value.claims, claimed.value.ops, claimed.value.keep], [['/etc/x'], [], []]);
  const elsewhere: Disk = new Map([...bare, ['/etc/x', { ...linkTo('/etc/x'), to: '/etc/y' }]]);
  const foreign = plan(elsewhere, undefined, secret);
  assert.deepEqual(!foreign.ok && foreign.obstacles, [{ path: '/etc/x', why: 'not_a_file' }]);
});

test('a file in clear that holds the same stays until its app starts anew', () => {
  const secret = partOf([file('/etc/x', '1', { secrets: ['s'] })]);
  const disk = withFile(bare, '/etc/x', '2');
  const first = plan(disk, undefined, secret);
  assert.ok(first.ok);
  const move = (after: ReleasePart) => {
    const made = plan(disk, secret, after, [], first.value.claimed);
    assert.ok(made.ok);
    return [made.value.ops.map((op) => `${op.do} ${op.path}`), made.value.keep, made.value.claimed];
  };
  const runs = (part: ReleasePart): ReleasePart => ({
    ...part,
    apps: part.apps.map((app) => ({
      ...app,
      units: [{ service: 'a.service', files: [], kind: 'run' as const }],
    })),
  });
  assert.deepEqual(move(runs(secret)), [['link /etc/x'], [], []], 'it is started');
  assert.deepEqual(move(partOf([file('/etc/x', '3', { secrets: ['s'] })])), [['link /etc/x'], [], []]);
  const made = plan(disk, runs(secret), runs(secret), [], first.value.claimed);
  assert.ok(made.ok);
  assert.deepEqual([made.value.ops, made.value.claimed], [[], ['/etc/x']]);
});

test('bytes that stand where secrets are filled in are never kept among the blobs', () => {
  const secret = partOf([file('/etc/x', '1', { secrets: ['s'] })]);
  for (const after of [secret, partOf([])]) {
    const made = plan(withFile(bare, '/etc/x', '9'), secret, after);
    assert.ok(made.ok);
    assert.deepEqual([made.value.drifted, made.value.keep], [['/etc/x'], []]);
    assert.deepEqual(made.value.undo, [{ do: 'link', path: '/etc/x', to: filledPath('/etc/x') }]);
  }
});

const paths = ['/etc/x', '/etc/y', '/etc/opt/a/x', '/etc/opt/a/y', '/etc/opt/b/x', '/srv/data'];
const anyFile = fc.record({
  path: fc.constantFrom(...paths),
  letter: fc.constantFrom('1', '2', '3'),
  mode: fc.constantFrom('0644', '0600'),
  owner: fc.constantFrom('root:root', '472:472'),
  secret: fc.boolean(),
});
const anyPart = fc
  .tuple(
    fc.uniqueArray(anyFile, { selector: ({ path }) => path }),
    fc.uniqueArray(fc.constantFrom('/etc/opt/a', '/srv/d', '/etc/opt/c/d')),
  )
  .map(([files, dirs]) =>
    partOf(
      files.map(({ path, letter, mode, owner, secret }) =>
        file(path, letter, { mode, owner, ...(secret && { secrets: ['s'] }) }),
      ),
      dirs.map((path) => ({ path, mode: '0750', owner: '33:33' })),
    ),
  );

test('after a switch there is the part and nothing of the one before; any stop on the way leads back', () => {
  fc.assert(
    fc.property(anyPart, anyPart, fc.nat(), fc.option(fc.constantFrom(...paths)), (one, two, stop, drift) => {
      const start = plan(bare, undefined, one);
      assert.ok(start.ok);
      let disk = perform(bare, start.value.ops);
      if (drift !== null && disk.has(drift)) disk = withFile(disk, drift, '9', '0640 0:0');
      const made = plan(disk, one, two, start.value.folders);
      assert.ok(made.ok);
      const { ops, undo } = made.value;
      const done = perform(disk, ops);
      for (const wanted of two.files) {
        const how = `${wanted.mode} ${numbers(wanted.owner)}`;
        assert.deepEqual(
          done.get(wanted.path),
          wanted.secrets === undefined ? { kind: 'file', digest: wanted.digest, how } : linkTo(wanted.path),
        );
      }
      const wantedPaths = new Set(two.files.map(({ path }) => path));
      for (const { path } of one.files) if (!wantedPaths.has(path)) assert.ok(!done.has(path), path);
      assert.deepEqual(sorted(perform(done, ops)), sorted(done), 'twice is once');
      const cut = perform(disk, ops.slice(0, stop % (ops.length + 1)));
      // Somebody's copy in clear of what is filled in is not kept for the way back: the link is.
      const expected = new Map(disk);
      if (drift !== null && one.files.find(({ path }) => path === drift)?.secrets !== undefined)
        expected.set(drift, linkTo(drift));
      assert.deepEqual(sorted(perform(cut, undo)), sorted(expected), 'back from anywhere');
      const again = plan(done, two, two, made.value.folders);
      assert.ok(again.ok && again.value.ops.length === 0, 'nothing is left to do');
    }),
    { numRuns: 500 },
  );
});
