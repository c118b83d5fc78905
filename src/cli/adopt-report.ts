import type { Adopted } from '../config/adopt/adopt.ts';
import type { AppSummary } from '../config/adopt/draft.ts';
import type { Note } from '../config/adopt/found.ts';
import { noteCodes } from '../config/adopt/notes.ts';
import { byText } from '../config/repo.ts';
import { findingsJson, findingsText } from './findings.ts';
import { listed, onOneLine, table } from './text.ts';

const shown = 5;

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Notes by their code, each code's meaning first, and of many paths the first few. */
function notesText(title: string, notes: readonly Note[], all: boolean): string[] {
  if (notes.length === 0) return [];
  const codes = new Map<Note['code'], Note[]>();
  for (const note of notes) codes.set(note.code, [...(codes.get(note.code) ?? []), note]);
  const lines = [...codes]
    .sort(([a], [b]) => byText(a, b))
    .flatMap(([code, own]) => {
      const few = all ? own : own.slice(0, shown);
      const more = own.length - few.length;
      return [
        `  ${noteCodes[code]} [${code}]`,
        ...few.map(({ path, message }) => `    ${onOneLine(`${path}: ${message}`)}`),
        ...(more > 0 ? [`    and ${more} more: --json lists all`] : []),
      ];
    });
  return [title, ...lines];
}

function appRow({ name, units, files, dirs, secrets, service, route }: AppSummary): string[] {
  const parts = [
    ...(units.length > 0 ? [counted(units.length, 'unit')] : []),
    ...(service === undefined ? [] : [`of ${service}`]),
    ...(files.length > 0 ? [counted(files.length, 'file')] : []),
    ...(dirs.length > 0 ? [counted(dirs.length, 'folder')] : []),
    ...(secrets.length > 0 ? [`secrets ${listed(secrets)}`] : []),
    ...(route === undefined ? [] : [`route ${listed(route.host)} to port ${route.port}`]),
  ];
  return [`  ${name}`, parts.join(', ')];
}

/** What came of an adoption, for people. */
export function adoptText(adopted: Adopted, machine: string): string[] {
  const { apps, machines, known, left, doubts, blocking, findings } = adopted;
  const files = apps.reduce((sum, app) => sum + app.units.length + app.files.length, 0);
  const head =
    apps.length === 0
      ? []
      : [
          `${machine}: ${counted(files, 'file')} in ${counted(apps.length, 'app')}`,
          table(apps.map((app) => appRow(app))),
        ];
  return [
    ...head,
    ...(known > 0 ? [`The repo has ${counted(known, 'file')} of ${machine} already.`] : []),
    ...(machines.length > 0 && adopted.files.size > 0 ? [`homelab.yaml gets ${listed(machines)}.`] : []),
    ...notesText('Left out', left, false),
    ...notesText('To look at', doubts, false),
    ...notesText('In the way', blocking, true),
    ...findingsText(findings),
  ];
}

/** The same as a value. */
export const adoptJson = (adopted: Adopted) => ({
  apps: adopted.apps,
  machines: adopted.machines,
  known: adopted.known,
  left: adopted.left,
  doubts: adopted.doubts,
  blocking: adopted.blocking,
  ...findingsJson(adopted.findings),
  digest: adopted.digest,
});
