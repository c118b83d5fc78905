import * as v from 'valibot';
import { type AppFile, appSchema } from '../../../schema/manifest/app.ts';
import { nameSchema } from '../../../schema/wire/ids.ts';
import type { Finding } from '../finding.ts';
import { salvage } from './salvage.ts';
import { readShape } from './shape.ts';
import { type Path, readYaml, type YamlFile } from './yaml.ts';

/** What could be read of an app.yaml. */
export type AppRead = {
  /** What of it has the right shape; absent where nothing is known. Without a place it is on no machine. */
  readonly app?: { readonly name: string; readonly file: AppFile; readonly yaml: YamlFile };
  readonly findings: readonly Finding[];
  /** As `Broken` names it. */
  readonly broken: readonly string[];
};

/** @param told whether it is told already why there are no bytes */
export function readApp(name: string, bytes: Uint8Array | undefined, told: boolean): AppRead {
  const file = `apps/${name}/app.yaml`;
  const unread = (findings: readonly Finding[]): AppRead => ({ findings, broken: [name, 'apps/*'] });
  const refused = (code: string, message: string, suggestion?: string): AppRead =>
    unread([
      {
        file,
        line: 1,
        column: 1,
        severity: 'error',
        code,
        message,
        ...(suggestion !== undefined && { suggestion }),
      },
    ]);
  if (bytes === undefined) {
    if (told) return unread([]);
    const message = `the folder apps/${name} has no app.yaml`;
    return refused('app_file_missing', message, `writ new app ${name} writes one.`);
  }
  if (!v.is(nameSchema, name)) {
    const message = `${name} is no name for an app: 1 to 31 of a-z, 0-9 and -, starting with a letter`;
    return refused('bad_name', message);
  }
  const read = readYaml(file, bytes);
  if (!read.ok) return unread(read.findings);
  const { yaml } = read;
  const shape = readShape(appSchema, yaml);
  if (shape.ok) return { app: { name, file: shape.value, yaml }, findings: [], broken: [] };
  const rest = salvage(appSchema, yaml.value, piece, { on: ['nowhere'] });
  if (rest === null) return unread(shape.findings);
  const { origin, cuts, value } = rest;
  const isPlaced =
    Object.hasOwn(yaml.value as object, 'on') && !cuts.some((cut) => cut.length === 1 && cut[0] === 'on');
  const on = isPlaced ? value.on : [];
  return {
    app: { name, file: { ...value, on }, yaml: { ...yaml, place: (path) => yaml.place(origin(path)) } },
    findings: shape.findings,
    broken: ['apps/*', ...(isPlaced ? [] : [`${name}.on`]), ...cuts.map((cut) => `${name}.${brokenBy(cut)}`)],
  };
}

const brokenBy = ([member, _, inner]: Path): string => String(member === 'on' ? (inner ?? member) : member);

const lists: ReadonlySet<unknown> = new Set([
  'units',
  'files',
  'dirs',
  'routes',
  'secrets',
  'uses',
  'ports',
  'certs',
  'packages',
  'apt',
  'artifacts',
  'users',
  'vars',
  'builds',
  'commands',
]);

/** An entry of a list, a named thing, or a member whole. Of a place what it has otherwise, in the same way. */
function piece(path: Path): Path {
  const [member, place] = path;
  if (member === 'on') {
    const inner = path.slice(2);
    return inner.length === 0 || inner[0] === 'guest' ? path.slice(0, 2) : ['on', place!, ...piece(inner)];
  }
  return path.slice(0, lists.has(member) ? 2 : 1);
}
