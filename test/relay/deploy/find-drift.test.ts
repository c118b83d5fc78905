import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findDrift } from '../../../relay/deploy/find-drift.ts';
import type { Sight, UnitSight } from '../../../relay/machine/machine.ts';
import type { ReleaseFile, ReleasePart } from '../../../schema/wire/release.ts';
import { driftSchema } from '../../../schema/wire/report.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const file = (path: string, more: Partial<ReleaseFile> = {}): ReleaseFile => ({
  path,
  app: 'a',
  digest,
  size: 1,
  mode: '0644',
  owner: 'root:root',
  on_change: 'restart',
  manage: 'exact',
  kind: 'file',
  ...more,
});
const there = (more: Partial<NonNullable<Sight['stat']>> = {}, of: string | null = digest): Sight => ({
  stat: { kind: 'file', mode: '0644', uid: 0, gid: 0, size: 1, ...more },
  digest: of,
});
const none: Sight = { stat: null, digest: null };

function driftOf(
  files: readonly ReleaseFile[],
  paths: Readonly<Record<string, Sight>>,
  units: readonly (UnitSight & { readonly kind?: 'run' | 'triggered' })[] = [],
): string[] {
  const app = {
    dirs: [{ path: '/dir', mode: '0750', owner: '7:7' }],
    units: units.map(({ name, kind = 'run' }) => ({ service: name, files: [], kind })),
  };
  const part = { target: 't', apps: [app], files } as unknown as ReleasePart;
  const sights = {
    paths: new Map(
      Object.entries({ '/dir': there({ kind: 'folder', mode: '0750', uid: 7, gid: 7 }, null), ...paths }),
    ),
    unknownOwner: undefined,
    sameOwner: ({ uid, gid }: { uid: number; gid: number }, owner: string) =>
      owner.replaceAll('root', '0') === `${uid}:${gid}`,
  };
  return findDrift(part, sights, units).map(({ kind, name, is }) => `${kind} ${name} ${is}`);
}

const unit = (name: string, active: string, more: Partial<UnitSight> = {}): UnitSight => ({
  name,
  load: 'loaded',
  active,
  ended: false,
  ...more,
});

test('files and folders are told by what weighs most, in the order of their names', () => {
  const files = ['/e', '/d', '/c', '/b', '/a'].map((path) => file(path));
  assert.deepEqual(
    driftOf(files, {
      '/a': none,
      '/b': there({}, `sha256:${'b'.repeat(64)}`),
      '/c': there({ mode: '0600', uid: 7 }),
      '/d': there({ uid: 7 }),
      '/e': there(),
      '/dir': there({ kind: 'folder', mode: '0750', uid: 8 }, null),
    }),
    ['file /a missing', 'file /b changed', 'file /c mode', 'file /d owner', 'file /dir owner'],
  );
  assert.deepEqual(driftOf([file('/a')], { '/a': there({ kind: 'link' }, null) }), ['file /a changed']);
  assert.deepEqual(driftOf([], { '/dir': none }), ['file /dir missing']);
});

test('what is only seeded may differ, and not lack', () => {
  const seed = file('/s', { manage: 'seed' });
  assert.deepEqual(driftOf([seed], { '/s': there({ mode: '0600' }, `sha256:${'b'.repeat(64)}`) }), []);
  assert.deepEqual(driftOf([seed], { '/s': none }), ['file /s missing']);
});

test('services that should run are told when they do not; what a timer starts only when it failed', () => {
  const units = [
    unit('runs.service', 'active'),
    unit('starts.service', 'activating'),
    unit('stopped.service', 'inactive'),
    unit('ended.service', 'inactive', { ended: true }),
    unit('failed.service', 'failed'),
    unit('bad.service', 'inactive', { load: 'bad-setting' }),
    { ...unit('job.service', 'inactive'), kind: 'triggered' as const },
    { ...unit('badjob.service', 'failed'), kind: 'triggered' as const },
  ];
  assert.deepEqual(driftOf([], {}, units), [
    'unit bad.service failed',
    'unit badjob.service failed',
    'unit failed.service failed',
    'unit stopped.service stopped',
  ]);
});

test('the words are those of reports', () => {
  const words: readonly string[] = driftSchema.entries.is.options;
  for (const is of ['missing', 'changed', 'mode', 'owner', 'stopped', 'failed'])
    assert.ok(words.includes(is));
});
