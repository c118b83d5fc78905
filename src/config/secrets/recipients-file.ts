import { parseDocument } from 'yaml';
import { type Recipients, recipientsSchema } from '../../../schema/manifest/recipients.ts';
import type { Finding } from '../finding.ts';
import { readShape } from '../read/shape.ts';
import { readYaml, type YamlFile } from '../read/yaml.ts';
import { byText, type RepoFiles } from '../repo.ts';
import { recipientsFile } from './repo-paths.ts';

const none: Recipients = { v: 1, owner: [], machines: {} };

export type ReadRecipients =
  /** `yaml` is absent where there is no such file. */
  | { readonly ok: true; readonly recipients: Recipients; readonly yaml?: YamlFile }
  | { readonly ok: false; readonly findings: readonly Finding[] };

/** Reads `secrets/recipients.yaml`; without one there are no recipients. */
export function readRecipients(files: RepoFiles): ReadRecipients {
  const bytes = files.get(recipientsFile);
  if (bytes === undefined) return { ok: true, recipients: none };
  const read = readYaml(recipientsFile, bytes);
  if (!read.ok) return read;
  const shape = readShape(recipientsSchema, read.yaml);
  return shape.ok ? { ok: true, recipients: shape.value, yaml: read.yaml } : shape;
}

const head = [
  ' To whom secrets are encrypted. "writ secrets recipients" writes this file, and before anything is encrypted it is',
  ' compared with what the relays signed and with what your computer knows of your own keys.',
].join('\n');

/** The text of the file with other recipients; comments of the one before are kept. */
export function recipientsText(before: string, { owner, machines }: Recipients): string {
  const document = parseDocument(before.trim() === '' ? '{}' : before);
  if (before.trim() === '') document.contents = document.createNode({ v: 1 }) as typeof document.contents;
  document.set('owner', document.createNode(owner));
  const sorted = Object.keys(machines)
    .sort(byText)
    .map((name) => [name, machines[name]] as const);
  document.set('machines', document.createNode(Object.fromEntries(sorted)));
  document.commentBefore ??= head;
  return document.toString({ lineWidth: 0 });
}
