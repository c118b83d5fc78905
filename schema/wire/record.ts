import * as v from 'valibot';
import { forbiddenKeys } from '../jose/strict-json.ts';

/**
 * An object with any keys of one shape and values of another. Valibot's own record takes an array for an
 * object and leaves keys such as `constructor` out without a word; this one refuses both.
 */
export function recordOf<
  const K extends v.BaseSchema<string, string | number | symbol, v.BaseIssue<unknown>>,
  const V extends v.GenericSchema,
>(key: K, value: V): v.RecordSchema<K, V, undefined> {
  const schema = v.record(key, value);
  const read = schema['~run'];
  return Object.assign(schema, {
    '~run': (...[dataset, config]: Parameters<typeof read>): ReturnType<typeof read> => {
      const input = dataset.value;
      const odd =
        Array.isArray(input) ||
        (typeof input === 'object' &&
          input !== null &&
          Object.keys(input).some((name) => forbiddenKeys.has(name)));
      if (!odd) return read.call(schema, dataset, config);
      v._addIssue(schema, 'type', dataset, config);
      return dataset as unknown as ReturnType<typeof read>;
    },
  });
}

/** A record's own member: names such as `constructor` find nothing. */
export const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;
