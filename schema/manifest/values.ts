import * as v from 'valibot';
import { canonicalV4, parseSubnet } from './address.ts';

/** `30s`, `5m`, `2h`, `7d`. */
export const durationSchema = v.pipe(
  v.string(),
  v.regex(/^[1-9][0-9]{0,5}[smhd]$/, 'must be such as 30s, 5m, 2h or 7d'),
);

/** A share of a hundred. */
export const percentSchema = v.pipe(
  v.number(),
  v.safeInteger(),
  v.check((share) => share >= 1 && share <= 100, 'must be a percentage from 1 to 100'),
);

/** A mode as four octal digits in quotes: YAML reads 0644 without them as a number. */
export const modeSchema = v.pipe(
  v.string(),
  v.regex(/^0[0-7]{3}$/, 'must be four octal digits in quotes, such as "0640"'),
);

/** `user`, `user:group`, or numbers: `472:472`. A number alone is a uid, with the gid of the same number. */
export const ownerSchema = v.union(
  [
    v.pipe(
      v.string(),
      v.regex(/^[a-z0-9_][a-z0-9_.-]{0,31}(:[a-z0-9_][a-z0-9_.-]{0,31})?$/, 'must be user:group or uid:gid'),
    ),
    v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(4_294_967_294)),
  ],
  'must be user:group, uid:gid or a uid',
);

/** An absolute path without `.`, `..`, doubled or trailing slashes and control characters. */
const absolute = (folder: boolean) =>
  v.pipe(
    v.string(),
    v.maxLength(512),
    v.check(
      (path) => isAbsolutePath(path, folder),
      'must be an absolute path without "..", "//" or control characters',
    ),
  );

function isAbsolutePath(path: string, folder: boolean): boolean {
  const bare = folder && path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
  if (!bare.startsWith('/') || bare === '/' || /[\u0000-\u001f\u007f]/.test(bare)) return false;
  return bare
    .slice(1)
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..');
}

export const absolutePathSchema = absolute(false);
/** An absolute path that may end in a slash, which makes it a folder. */
export const machinePlaceSchema = absolute(true);

export type VolumePlace = { readonly volume: string; readonly path: string };

/** Reads `volume:NAME/PATH`, a path in the volume that NAME.volume makes; null for what is none. */
export function readVolumePlace(text: string): VolumePlace | null {
  const [, volume, path] = /^volume:([A-Za-z0-9][A-Za-z0-9_.@-]{0,100})(\/.*)$/s.exec(text) ?? [];
  if (volume === undefined || path === undefined) return null;
  return path === '/' || isAbsolutePath(path, true) ? { volume, path } : null;
}

/** Where a file goes: a place of the machine, or one in a volume. A slash at its end makes it a folder. */
export const placeSchema = v.pipe(
  v.string(),
  v.maxLength(512),
  v.check(
    (text) => (text.startsWith('volume:') ? readVolumePlace(text) !== null : isAbsolutePath(text, true)),
    'must be an absolute path without "..", "//" or control characters, or volume:NAME/ and such a path',
  ),
);

/** A path below a folder, without `.`, `..` and what no path has. */
export const relativePathSchema = v.pipe(
  v.string(),
  v.maxLength(255),
  v.check(
    (path) => isAbsolutePath(`/${path}`, false),
    'must be a path below the folder without "..", "//" or control characters',
  ),
);

/** 64 hexadecimal digits, as `sha256sum` prints them. */
export const sha256Schema = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/, 'must be the 64 hexadecimal digits that sha256sum prints'),
);

/** What happens to the app when one of its files changes. */
export const onChangeSchema = v.picklist(['restart', 'reload', 'none']);
export type OnChange = v.InferOutput<typeof onChangeSchema>;

export const addressSchema = v.pipe(
  v.string(),
  v.check((text) => canonicalV4(text) !== null, 'must be an IPv4 address such as 192.168.20.11'),
);

export const subnetSchema = v.pipe(
  v.string(),
  v.check(
    (text) => parseSubnet(text) !== null,
    'must be an IPv4 subnet whose host bits are zero, such as 192.168.20.0/24',
  ),
);

export const portSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(65_535));

const label = '[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?';

/** A whole DNS name in lower case. */
export const domainSchema = v.pipe(
  v.string(),
  v.maxLength(253),
  v.regex(new RegExp(`^(${label}\\.)+${label}$`), 'must be a domain such as example.net, in lower case'),
);

/** `graph` (under the site's domain), `@` (the domain itself), `*` or `*.sub` (any name below), or a whole name. */
export const hostNameSchema = v.pipe(
  v.string(),
  v.maxLength(253),
  v.regex(
    new RegExp(`^(@|\\*|(\\*\\.)?(${label}\\.)*${label})$`),
    'must be a label such as graph, a whole name such as graph.example.net, @ for the domain itself, or *',
  ),
);

/** A name of a secret: what Podman and file names take alike. Podman makes a variable of it where none is named. */
export const secretNameSchema = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
    'must be 1 to 63 of A-Z, a-z, 0-9, _, . and -, starting with a letter or a digit',
  ),
);

/** A unit of systemd by its one name: systemctl takes `*`, `?` and `[` as patterns, and a path as a unit's. */
export const unitNameSchema = v.pipe(
  v.string(),
  v.maxLength(255),
  v.regex(
    /^[A-Za-z0-9:_.\\-]+(@[A-Za-z0-9:_.\\-]*)?\.(service|socket|timer|path|mount|automount|swap|target)$/,
    'must be a unit such as haproxy.service',
  ),
);

/** A line of text that people read. */
export const titleSchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(100),
  v.regex(/^\P{Cc}*$/u, 'must be one line'),
);

/** One value or a list of them, read as a list. */
export const oneOrMany = <const S extends v.GenericSchema>(schema: S) =>
  v.pipe(
    v.union([v.array(schema), schema]),
    v.transform((given): v.InferOutput<S>[] => (Array.isArray(given) ? given : [given])),
  );

/** The same of what narrows something down: an empty list would narrow nothing, whatever was meant by it. */
export const oneOrSome = <const S extends v.GenericSchema>(schema: S) =>
  v.pipe(
    v.union([v.pipe(v.array(schema), v.minLength(1, 'must not be an empty list: leave it out')), schema]),
    v.transform((given): v.InferOutput<S>[] => (Array.isArray(given) ? given : [given])),
  );
