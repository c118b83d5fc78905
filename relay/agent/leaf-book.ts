import * as v from 'valibot';
import { digestSchema } from '../../schema/jose/digest.ts';
import { parseStrictJson } from '../../schema/jose/strict-json.ts';
import { canonicalJson } from '../../schema/wire/canonical.ts';
import { nameSchema } from '../../schema/wire/ids.ts';
import { own, recordOf } from '../../schema/wire/record.ts';
import { releaseAuthoritySchema, releaseCertSchema } from '../../schema/wire/release.ts';
import type { LeafWants } from '../deploy/leaf-wants.ts';
import type { Log } from '../log.ts';
import { type Disk, diskFault } from './disk.ts';

const bookFile = 'certificates.json';
const maxBytes = 16 * 1024 * 1024;
/** As many as a target keeps generations, and one that is on its way. */
const keptParts = 6;

const wantsSchema = v.strictObject({
  authority: v.nullable(releaseAuthoritySchema),
  leaves: v.array(
    v.strictObject({
      app: nameSchema,
      cert: releaseCertSchema,
      services: v.array(v.pipe(v.string(), v.maxLength(255))),
    }),
  ),
});

const bookSchema = v.strictObject({
  v: v.literal(1),
  /** By target; the newest first. */
  targets: recordOf(nameSchema, v.array(v.strictObject({ part: digestSchema, wants: wantsSchema }))),
});
type Book = v.InferOutput<typeof bookSchema>;

/**
 * Which certificates the parts name that were ordered here. A target says which part is in force, and would have one made for
 * the name of another guest if it could say as well what is in it.
 */
export type LeafBook = {
  /** Of a part that was ordered; null of one that this relay does not know. */
  find(target: string, part: string): LeafWants | null;
  /** Durably; false where it could not be. */
  remember(target: string, part: string, wants: LeafWants): Promise<boolean>;
};

/** Reads the book of this relay. One that cannot be read is begun anew: the next release fills it. */
export async function openLeafBook(deps: { readonly disk: Disk; readonly log: Log }): Promise<LeafBook> {
  const { disk, log } = deps;
  let book: Book = { v: 1, targets: {} };
  try {
    const bytes = await disk.read(bookFile);
    const json = bytes === null ? null : parseStrictJson(bytes, { maxBytes });
    const parsed = json?.ok ? v.safeParse(bookSchema, json.value) : null;
    if (parsed?.success === true) book = parsed.output;
    else if (bytes !== null) log.warn('certificates_unknown', { fault: 'malformed' });
  } catch (error) {
    log.warn('certificates_unknown', { fault: diskFault(error) });
  }
  const of = (target: string): Book['targets'][string] => own(book.targets, target) ?? [];
  return {
    find: (target, part) => of(target).find((one) => one.part === part)?.wants ?? null,
    async remember(target, part, wants) {
      const entry = { part, wants: wants as Book['targets'][string][number]['wants'] };
      const before = of(target);
      if (canonicalJson(before[0] ?? null) === canonicalJson(entry)) return true;
      const entries = [entry, ...before.filter((one) => one.part !== part)].slice(0, keptParts);
      const next: Book = { v: 1, targets: { ...book.targets, [target]: entries } };
      try {
        await disk.replace(bookFile, new TextEncoder().encode(canonicalJson(next)));
      } catch (error) {
        log.warn('certificates_unwritable', { target, fault: diskFault(error) });
        return false;
      }
      book = next;
      return true;
    },
  };
}
