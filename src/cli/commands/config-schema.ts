import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { toBytes } from '../../../schema/jose/digest.ts';
import { didYouMean } from '../../../schema/near.ts';
import { jsonSchemaOf, schemaFile, schemaNames } from '../../config/schemas.ts';
import { defineCommand } from '../command.ts';
import { done, exits, fail } from '../outcome.ts';
import { replaceOutput } from '../output.ts';

export const configSchema = defineCommand({
  name: 'config schema',
  summary: "Print the JSON Schema of a repo's files, for editors",
  usage: '[NAME]',
  more: [
    `NAME is one of ${schemaNames.join(', ')}. An editor that knows YAML completes and checks a file whose first line is "# yaml-language-server: $schema=…" with the path of its schema.`,
  ],
  examples: [
    { line: 'writ config schema app', about: 'the schema of app.yaml' },
    { line: 'writ config schema -o .schemas', about: 'writes one file for each' },
  ],
  options: { output: { type: 'text', short: 'o', value: 'DIR', about: 'a folder for all schemas' } },
  async run(_, [name], { output }) {
    if (name !== undefined && !schemaNames.includes(name)) {
      const near = didYouMean(name, schemaNames);
      return fail(
        exits.usage,
        'usage',
        `There is no schema ${name}.${near}\nThere are ${schemaNames.join(', ')}.`,
      );
    }
    const names = name === undefined ? schemaNames : [name];
    const schemas = Object.fromEntries(names.map((one) => [one, jsonSchemaOf(one)]));
    if (output === undefined) {
      const value = name === undefined ? schemas : schemas[name];
      return done(JSON.stringify(value, null, 2), value);
    }
    mkdirSync(output, { recursive: true });
    for (const [one, schema] of Object.entries(schemas)) {
      replaceOutput(join(output, schemaFile(one)), toBytes(`${JSON.stringify(schema, null, 2)}\n`));
    }
    const files = names.map((one) => join(output, schemaFile(one)));
    return done(files.join('\n'), { files });
  },
});
