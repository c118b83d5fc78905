import { archiveListBytes, readArchiveList } from '../../../relay/deploy/artifacts/archive-list.ts';
import { judgeListing, judgeUnpacked } from '../../../relay/deploy/artifacts/judge-archive.ts';
import type { Machine } from '../../../relay/machine/machine.ts';
import { ok } from '../../../schema/result.ts';
import { artifactOf } from '../../support/fetching-home.ts';
import { type Target, textOf } from '../target.ts';

const digest = `sha256:${'a'.repeat(64)}`;

/** What tar and find print of a stranger's archive, and what is kept of it on a target. */
const archives: Target = {
  name: 'archives',
  covers: [
    'relay/deploy/artifacts/judge-archive.ts:judgeListing',
    'relay/deploy/artifacts/judge-archive.ts:judgeUnpacked',
    'relay/deploy/artifacts/archive-list.ts:readArchiveList',
  ],
  words: [' -> ', ' link to ', '..', '/etc/passwd'],
  corpus: () => [
    'drwxr-xr-x 0/0               0 2026-11-29 14:07 web/\n-rw-r--r-- 0/0               3 2026-11-29 14:07 web/a\n',
    'lrwxrwxrwx 0/0               0 2026-11-29 14:07 l -> /etc\ncrw-r--r-- 0/0             1,3 2026-11-29 14:07 null\n',
    'f\t644\t3\t1\t9\ta\0d\t755\t0\t2\t8\tb\0f\t755\t3\t2\t7\tb/c\0f\t755\t3\t2\t7\tb/d\0',
    archiveListBytes([{ path: 'a/b', digest, mode: '0644' }])!,
  ],
  open: () => async (input) => {
    judgeListing(textOf(input));
    const files = judgeUnpacked(input);
    if (files.ok) archiveListBytes(files.value.map(({ path, mode }) => ({ path, digest, mode })));
    const machine = { name: 'websvcs', read: async () => ok(input) } as unknown as Machine;
    const list = await readArchiveList(machine, artifactOf({ unpack: true }));
    return list.ok && list.value !== null ? list : files;
  },
};

export const archiveTargets: readonly Target[] = [archives];
