/** One `Volume=`: `[source:]target[:options]`. */
export type VolumeText = {
  readonly source: string;
  readonly target: string;
  readonly targetOffset: number;
  readonly options: readonly string[];
};

export function parseVolume(value: string): VolumeText {
  const [first = '', second, ...rest] = value.split(':');
  if (second === undefined) return { source: '', target: first, targetOffset: 0, options: [] };
  const options = rest.join(':');
  return {
    source: first,
    target: second,
    targetOffset: first.length + 1,
    options: options === '' ? [] : options.split(','),
  };
}

/** One `Mount=`, as the generator takes it apart. */
export type MountText = {
  readonly type: string;
  /** Undefined where no source is named; null where it is named without a value. */
  readonly source: string | null | undefined;
  readonly target: string | undefined;
  readonly options: ReadonlyMap<string, string>;
};

/** Reads `type=bind,source=…,target=…`; null where the generator finds no type in it. */
export function parseMount(text: string): MountText | null {
  const fields = parseCsv(text);
  if (fields === null) return null;
  let type: string | undefined;
  let source: string | null | undefined;
  const options = new Map<string, string>();
  for (const field of fields) {
    const parts = field.split('=');
    if (type === undefined && parts.length === 2 && parts[0] === 'type') {
      type = parts[1]!;
      continue;
    }
    const key = parts[0]!;
    const value = parts.length > 1 ? field.slice(key.length + 1) : undefined;
    if (key === 'source' || key === 'src') source = value ?? null;
    options.set(key, value ?? '');
    // The generator stops at the first source without a value.
    if (source === null) break;
  }
  if (type === undefined) return null;
  const target = options.get('target') ?? options.get('destination') ?? options.get('dst');
  return { type, source, target, options };
}

/** One record of comma separated values, quotes as RFC 4180 has them; null where it is not one. */
function parseCsv(text: string): string[] | null {
  if (text === '') return null;
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      let field = '';
      at += 1;
      for (;;) {
        const end = text.indexOf('"', at);
        if (end < 0) return null;
        field += text.slice(at, end);
        at = end + 1;
        if (text[at] !== '"') break;
        field += '"';
        at += 1;
      }
      if (at < text.length && text[at] !== ',') return null;
      fields.push(field);
    } else {
      const comma = text.indexOf(',', at);
      const field = text.slice(at, comma < 0 ? text.length : comma);
      if (/["\n]/.test(field)) return null;
      fields.push(field);
      at += field.length;
    }
    if (at >= text.length) return fields;
    at += 1;
  }
}

/** Types of mounts whose source the generator looks up, and that it breaks down over when they have none. */
export const sourcedMounts: ReadonlySet<string> = new Set(['volume', 'bind', 'glob', 'image']);
