import * as v from 'valibot';
import { digestSchema } from '../../schema/jose/digest.ts';
import { parseStrictJson } from '../../schema/jose/strict-json.ts';
import { canonicalJson } from '../../schema/wire/canonical.ts';
import { nameSchema } from '../../schema/wire/ids.ts';
import { own, recordOf } from '../../schema/wire/record.ts';
import { releaseAuthoritySchema, releaseCertSchema } from '../../schema/wire/release.ts';
import type { LeafWants } from '../deploy/leaves/leaf-wants.ts';
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
  /**
   * Remembers that this part came up there. Of those before, which it may still say are in force, certificates stay that have
   * no name but those of this one: the others may be another target's by now.
   */
  accept(target: string, part: string, wants: LeafWants): Promise<void>;
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
  const put = async (target: string, entries: Book['targets'][string]): Promise<boolean> => {
    if (canonicalJson(of(target)) === canonicalJson(entries)) return true;
    const next: Book = { v: 1, targets: { ...book.targets, [target]: entries } };
    try {
      await disk.replace(bookFile, new TextEncoder().encode(canonicalJson(next)));
    } catch (error) {
      log.warn('certificates_unwritable', { target, fault: diskFault(error) });
      return false;
    }
    book = next;
    return true;
  };
  const others = (target: string, part: string) => of(target).filter((one) => one.part !== part);
  return {
    find: (target, part) => of(target).find((one) => one.part === part)?.wants ?? null,
    remember: (target, part, wants) =>
      put(target, [entryOf(part, wants), ...others(target, part)].slice(0, keptParts)),
    async accept(target, part, wants) {
      if (of(target).length === 0 && wants.leaves.length === 0) return;
      const names = new Set(wants.leaves.flatMap(({ cert }) => cert.names));
      const before = others(target, part).map((one) => {
        const leaves = one.wants.leaves.filter(({ cert }) => cert.names.every((name) => names.has(name)));
        return { ...one, wants: { ...one.wants, leaves } };
      });
      await put(target, [entryOf(part, wants), ...before].slice(0, keptParts));
    },
  };
}

const entryOf = (part: string, wants: LeafWants): Book['targets'][string][number] => ({
  part,
  wants: wants as Book['targets'][string][number]['wants'],
});
