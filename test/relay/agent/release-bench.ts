import type { JournalState } from '../../../relay/agent/journal-state.ts';
import { type JudgeContext, judgeJob, type Verdict } from '../../../relay/agent/verify-job.ts';
import type { Job } from '../../../schema/wire/job.ts';
import { makeTestHome, type TestHome, type TestRelease } from '../../support/relay-home.ts';
import { type Bench, nowMs, openBench } from './judge-fixture.ts';

/** What the grant of `websvcs` and `files` covers. */
export const grantedPaths = ['/etc/containers/systemd/**', '/etc/opt/**'];

/** A relay that judges releases by the operator. */
export type ReleaseBench = {
  readonly bench: Bench;
  /** For `websvcs`, with the number 5. */
  readonly release: TestRelease;
  judge(
    signed?: TestRelease,
    more?: Partial<Job>,
    changes?: Partial<JudgeContext>,
    journal?: Partial<JournalState>,
  ): Promise<Verdict>;
  /** Issued now, unless the options say otherwise. */
  readonly write: TestHome['release'];
};

export async function openReleaseBench(): Promise<ReleaseBench> {
  const releases = [
    { action: 'release.apply', on: ['websvcs', 'files'], paths: grantedPaths },
    { action: 'release.apply', on: ['pve1'], paths: ['/etc/haproxy/**'] },
    { action: 'release.apply', on: ['devtop'], limit: '1/1h' },
  ];
  const bench = await openBench(
    await makeTestHome({ origins: [{ url: 'https://writ.example.net' }], releases }),
  );
  const release = await bench.home.release([{}], { issuedAt: nowMs, order: { desk: 5 } });
  return {
    bench,
    release,
    judge: (signed = release, more = {}, changes = {}, journal) =>
      judgeJob(bench.context(changes, journal), bench.job(signed, more)),
    write: (parts, options) => bench.home.release(parts, { issuedAt: nowMs, ...options }),
  };
}
