import type * as v from 'valibot';
import type { Doubt, Generated, GeneratorInput, Output, Tell } from '../generator.ts';
import { readOptions } from './read-options.ts';
import { yamlText } from './yaml-text.ts';

type Tree = Readonly<Record<string, unknown>>;
type Schema = v.StrictObjectSchema<v.ObjectEntries, undefined>;
type Make<S extends Schema, T> = (input: GeneratorInput, options: v.InferOutput<S>, tell: Tell) => T;

/** What stands at the head of a file, behind the sign of a comment. */
export const madeFor = (app: string, output: string): string =>
  `Made by Writ for apps/${app}/app.yaml (generate: ${output}); what is changed here is lost.`;

/** Reads the options first, and gathers what is told. Where they are wrong, which is told, they are null. */
const generateBy =
  <const S extends Schema>(
    schema: S,
    make: (input: GeneratorInput, options: v.InferOutput<S> | null, tell: Tell) => Generated,
  ): Output['generate'] =>
  (input) => {
    const doubts: Doubt[] = [];
    const tell: Tell = (doubt) => void doubts.push(doubt);
    return { made: make(input, readOptions(schema, input.options, tell), tell), doubts };
  };

/** The `generate` of an output that is one file; of `otherwise` where the options are wrong. */
export const textBy = <const S extends Schema>(schema: S, make: Make<S, string>, otherwise = '') =>
  generateBy(schema, (input, options, tell) => ({
    kind: 'file',
    text: options === null ? otherwise : make(input, options, tell),
  }));

/** The `generate` of an output that is a folder, empty where the options are wrong. */
export const filesBy = <const S extends Schema>(schema: S, make: Make<S, Readonly<Record<string, string>>>) =>
  generateBy(schema, (input, options, tell) => ({
    kind: 'folder',
    files: options === null ? {} : make(input, options, tell),
  }));

/** The `generate` of an output that is one YAML file, headed by whom it was made for; empty where the options are wrong. */
export const yamlBy = <const S extends Schema>(
  output: string,
  schema: S,
  make: Make<S, Tree | readonly unknown[]>,
) =>
  generateBy(schema, (input, options, tell) => ({
    kind: 'file',
    text: `# ${madeFor(input.instance.app, output)}\n${yamlText(options === null ? {} : make(input, options, tell))}`,
  }));
