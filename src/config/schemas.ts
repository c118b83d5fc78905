import { toJsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';
import { appSchema, valuesSchema } from '../../schema/manifest/app.ts';
import { homelabSchema } from '../../schema/manifest/homelab.ts';
import { recipientsSchema } from '../../schema/manifest/recipients.ts';
import { runbookFormSchema } from '../../schema/manifest/runbook.ts';

const shapes: Readonly<Record<string, { readonly schema: GenericSchema; readonly title: string }>> = {
  homelab: { schema: homelabSchema, title: 'homelab.yaml' },
  app: { schema: appSchema, title: 'apps/<app>/app.yaml' },
  vars: { schema: valuesSchema, title: 'vars.yaml' },
  runbook: { schema: runbookFormSchema, title: 'runbooks/<name>.yaml' },
  recipients: { schema: recipientsSchema, title: 'secrets/recipients.yaml' },
};

/** The kinds of files that have a schema. */
export const schemaNames: readonly string[] = Object.keys(shapes);

/**
 * The JSON Schema of a kind of file (draft 7), for editors. It says less than `writ config check` does: what names
 * stand for, and which go together, no schema can say.
 */
export function jsonSchemaOf(name: string): object {
  const { schema, title } = shapes[name]!;
  return { ...toJsonSchema(schema, { typeMode: 'input', errorMode: 'ignore' }), title };
}

/** `app` → `app.schema.json` */
export const schemaFile = (name: string): string => `${name}.schema.json`;
