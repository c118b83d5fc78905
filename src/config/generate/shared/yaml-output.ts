import type * as v from 'valibot';
import type { Doubt, Generated, GeneratorInput, Tell } from '../generator.ts';
import { readOptions } from './read-options.ts';
import { yamlText } from './yaml-text.ts';

type Tree = Readonly<Record<string, unknown>>;

/** The `generate` of an output that is one YAML file, headed by whom it was made for; empty where the options are wrong. */
export const yamlBy =
  <const S extends v.StrictObjectSchema<v.ObjectEntries, undefined>>(
    output: string,
    schema: S,
    make: (input: GeneratorInput, options: v.InferOutput<S>, tell: Tell) => Tree | readonly unknown[],
  ) =>
  (input: GeneratorInput): { readonly made: Generated; readonly doubts: readonly Doubt[] } => {
    const doubts: Doubt[] = [];
    const tell: Tell = (doubt) => void doubts.push(doubt);
    const options = readOptions(schema, input.options, tell);
    const tree = options === null ? {} : make(input, options, tell);
    const head = `# Made by Writ for apps/${input.instance.app}/app.yaml (generate: ${output}); what is changed here is lost.\n`;
    return { made: { kind: 'file', text: head + yamlText(tree) }, doubts };
  };
