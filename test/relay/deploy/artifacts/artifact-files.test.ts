import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ArchiveFile,
  archiveListBytes,
  maxArchiveFiles,
} from '../../../../relay/deploy/artifacts/archive-list.ts';
import { withArtifactFiles } from '../../../../relay/deploy/artifacts/artifact-files.ts';
import type { Machine } from '../../../../relay/machine/machine.ts';
import { ok, refuse } from '../../../../schema/result.ts';
import type { ReleaseApp, ReleaseCert } from '../../../../schema/wire/release.ts';
import { artifactOf } from '../../../support/fetching-home.ts';
import { makePart } from '../../../support/test-part.ts';

const digest = `sha256:${'c'.repeat(64)}`;
const listOf = (count: number, name = (at: number) => `${at}`): ArchiveFile[] =>
  Array.from({ length: count }, (_, at) => ({ path: name(at), digest, mode: '0644' }));
/** A machine that has one list, of whatever archive. */
const knowing = (files: readonly ArchiveFile[] | null): Machine =>
  ({
    read: async () => (files === null ? refuse('not_found') : ok(archiveListBytes(files)!)),
  }) as unknown as Machine;
const archiveTo = (to: string) => artifactOf({ to, unpack: true, on_change: 'reload', owner: '472:33' });
const releaseCertOf = (places: { readonly cert: string; readonly key: string }): ReleaseCert => ({
  ...{ name: 'web', kind: 'server', names: ['web.example'], owner: 'root:root', mode: '0600' },
  ...{ on_change: 'none', ...places },
});
const expand = async (machine: Machine, artifacts: ReleaseApp['artifacts']) => {
  const { part } = await makePart({ app: { artifacts } });
  return withArtifactFiles(machine, part);
};
const saidOf = (done: Awaited<ReturnType<typeof expand>>): string =>
  done.ok ? 'ok' : `${done.reason}: ${done.detail}`;

test('what is fetched is files of its app, as it is stated', async () => {
  const done = await expand(knowing([{ path: 'bin/run', digest, mode: '0755' }]), [
    artifactOf({ to: '/etc/opt/web/x', mode: '0640' }),
    archiveTo('/opt/web/'),
  ]);
  const stated = { app: 'web', size: 0, manage: 'exact', kind: 'file' };
  assert.deepEqual(done.ok && done.value.part.files, [
    {
      ...{ path: '/etc/opt/web/x', digest: `sha256:${'a'.repeat(64)}`, mode: '0640' },
      ...{ owner: 'root:root', on_change: 'none', ...stated },
    },
    { path: '/opt/web/bin/run', digest, mode: '0755', owner: '472:33', on_change: 'reload', ...stated },
  ]);
});

test('an archive of which nothing is known yet is told, and its files are not guessed', async () => {
  const archive = archiveTo('/opt/web/');
  const done = await expand(knowing(null), [archive]);
  assert.deepEqual(done.ok && [done.value.unknown, done.value.part.files], [[archive], []]);
  const lost = { read: async () => refuse('unreachable') } as unknown as Machine;
  assert.equal(saidOf(await expand(lost, [archive])), 'unreachable: undefined');
});

test('more files than a part may have, and paths that no machine takes, are the part’s own fault', async () => {
  const most = listOf(maxArchiveFiles);
  const to = (count: number) => Array.from({ length: count }, (_, at) => archiveTo(`/opt/${at}/`));
  assert.equal(saidOf(await expand(knowing(most), to(2))), 'ok');
  assert.match(saidOf(await expand(knowing(most), to(3))), /^artifact_unfit: 15000 files/);
  // No target's state could hold it, so that there would be no way back, and no way on.
  const deep = listOf(1, () => `${'a'.repeat(250)}/${'b'.repeat(252)}`);
  assert.equal(saidOf(await expand(knowing(deep), [archiveTo('/opt/web/')])), 'ok');
  assert.match(saidOf(await expand(knowing(deep), [archiveTo('/opt/webs/')])), /is too long$/);
  const long = listOf(1, () => `${'a/'.repeat(500)}x`);
  assert.match(saidOf(await expand(knowing(long), [archiveTo(`/opt/${'b'.repeat(100)}/`)])), /is too long$/);
});

test('no file of an archive takes the place of a certificate, its key, or a folder of an app', async () => {
  const cert = releaseCertOf({ cert: '/opt/web/tls/cert.pem', key: '/opt/web/tls/key.pem' });
  const said = async (path: string, app: Partial<ReleaseApp>): Promise<string> => {
    const { part } = await makePart({ app: { artifacts: [archiveTo('/opt/web/')], ...app } });
    return saidOf(await withArtifactFiles(knowing([{ path, digest, mode: '0644' }]), part));
  };
  for (const path of ['tls/cert.pem', 'tls/key.pem', 'tls', 'tls/key.pem/x'])
    assert.match(await said(path, { certs: [cert] }), /^artifact_unfit: .*another file is/, path);
  assert.equal(await said('tls/other.pem', { certs: [cert] }), 'ok');
  const dirs = [{ path: '/opt/web/data/own', mode: '0750', owner: 'root:root' }];
  for (const path of ['data/own', 'data'])
    assert.match(await said(path, { dirs }), /^artifact_unfit: .*\/opt\/web\/data\/own is a folder/, path);
  assert.equal(await said('data/own/x', { dirs }), 'ok');
});
