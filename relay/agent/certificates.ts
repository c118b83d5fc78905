import type { Log } from '../log.ts';
import { type Authority, openAuthority } from './authority.ts';
import type { Clock } from './clock.ts';
import type { Disk } from './disk.ts';
import { type LeafBook, openLeafBook } from './leaf-book.ts';

/** What a relay keeps for certificates of the private CA. */
export type Certificates = { readonly authority: Authority; readonly book: LeafBook };

export const openCertificates = async (deps: {
  readonly disk: Disk;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}): Promise<Certificates> => ({ authority: await openAuthority(deps), book: await openLeafBook(deps) });
