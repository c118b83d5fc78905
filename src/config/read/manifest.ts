import * as v from 'valibot';
import { type AppFile, valuesSchema } from '../../../schema/manifest/app.ts';
import type { Homelab } from '../../../schema/manifest/homelab.ts';
import { type RunbookForm, runbookFormSchema } from '../../../schema/manifest/runbook.ts';
import { nameSchema } from '../../../schema/wire/ids.ts';
import { type Broken, brokenFile, standing } from '../broken.ts';
import type { Finding, Place } from '../finding.ts';
import { byText, type Folder, foldersUnder, type Repo } from '../repo.ts';
import { readApp } from './app.ts';
import { findingOf } from './fault.ts';
import { type HomelabRead, readHomelab, unreadHomelab } from './homelab.ts';
import { findRunbookFaults } from './runbook-faults.ts';
import { readShape } from './shape.ts';
import { type Path, readYaml, type YamlFile } from './yaml.ts';

export type AppSource = {
  readonly name: string;
  readonly file: AppFile;
  readonly yaml: YamlFile;
  /** The files of its folder, app.yaml left out, by their path in it. */
  readonly folder: Folder;
};

/** An app of which the folder alone is known. */
export type UnreadApp = Pick<AppSource, 'name' | 'folder'>;

/** The repo's YAML, read and held against its shapes. What could not be read is left out and told. */
export type Manifest = {
  readonly homelab: Homelab;
  readonly yaml: YamlFile;
  /** Whether anything of homelab.yaml is known. */
  readonly hasHomelab: boolean;
  readonly vars: Readonly<Record<string, unknown>>;
  readonly apps: readonly AppSource[];
  readonly unread: readonly UnreadApp[];
  readonly broken: Broken;
  /** Where a member of a runbook stands: in homelab.yaml, or in a file of its own. */
  runbookPlace(name: string, path: Path): Place;
};

/** Names that templates are given; a value of the repo cannot have them. */
export const reservedNames: readonly string[] = [
  'home',
  'site',
  'target',
  'app',
  'vars',
  'secret',
  'generated',
  'options',
  'loop',
  'range',
  'cycler',
  'joiner',
  'caller',
  'super',
];

/** Reads the whole repo. One broken file hides no other's faults, nor one fault those of the rest of its file. */
export function readManifest(repo: Repo): { manifest: Manifest; findings: Finding[] } {
  const unreadFiles = new Set(repo.findings.map(({ file }) => file));
  const broken = new Set([...unreadFiles].flatMap(brokenFile));
  const findings: Finding[] = [...repo.findings];
  const homelab = readHome(repo, unreadFiles);
  findings.push(...homelab.findings);
  for (const name of homelab.broken) broken.add(name);

  const vars = readVars(repo, findings);
  const { apps, unread } = readApps(repo, findings, broken);
  const { runbooks, texts } = readRunbooks(repo, homelab, findings);
  for (const name of Object.keys(runbooks)) {
    if (Object.hasOwn(homelab.rest.runbooks, name)) {
      const message = `homelab.yaml has a runbook ${name} already`;
      findings.push({ file: `runbooks/${name}.yaml`, ...start, code: 'runbook_twice', message });
    }
  }
  for (const { file, severity } of findings) {
    if (severity === 'error') broken.add('*').add(file);
  }
  const manifest = {
    homelab: { ...homelab.rest, runbooks: { ...homelab.rest.runbooks, ...runbooks } },
    yaml: homelab.yaml,
    hasHomelab: homelab.isKnown,
    vars,
    apps,
    unread,
    broken,
    runbookPlace: (name: string, path: Path): Place =>
      texts.get(name)?.place(path) ?? homelab.yaml.place(['runbooks', name, ...path]),
  };
  return { manifest, findings };
}

const start = { line: 1, column: 1, severity: 'error' } as const;

function readHome({ files }: Repo, unread: ReadonlySet<string>): HomelabRead {
  const file = 'homelab.yaml';
  const bytes = files.get(file);
  if (bytes !== undefined) return readHomelab(file, bytes);
  if (unread.has(file)) return unreadHomelab(file, []);
  const message = 'there is no homelab.yaml in the repo';
  return unreadHomelab(file, [{ file, ...start, code: 'homelab_missing', message }]);
}

function readVars(repo: Repo, findings: Finding[]): Readonly<Record<string, unknown>> {
  const bytes = repo.files.get('vars.yaml');
  if (bytes === undefined) return {};
  const read = readYaml('vars.yaml', bytes);
  if (!read.ok) {
    findings.push(...read.findings);
    return {};
  }
  const shape = readShape(valuesSchema, read.yaml);
  if (!shape.ok) {
    findings.push(...shape.findings);
    return {};
  }
  findings.push(...reservedIn(read.yaml, shape.value, []));
  return shape.value;
}

/** A finding for each value that has a name of Writ's own. */
export function reservedIn(
  yaml: YamlFile,
  values: Readonly<Record<string, unknown>>,
  path: readonly (string | number)[],
): Finding[] {
  return Object.keys(values)
    .filter((name) => reservedNames.includes(name))
    .map((name) => ({
      ...yaml.place([...path, name]),
      severity: 'error',
      code: 'reserved_name',
      message: `${name} is what templates are given by Writ; a value cannot have that name`,
    }));
}

function readApps(
  repo: Repo,
  findings: Finding[],
  broken: Set<string>,
): { apps: AppSource[]; unread: UnreadApp[] } {
  const apps: AppSource[] = [];
  const unread: UnreadApp[] = [];
  for (const path of [...repo.files.keys()].sort(byText)) {
    const name = /^apps\/([^/]+)$/.exec(path)?.[1];
    if (name !== undefined && !name.startsWith('.')) {
      const message = 'a file stands beside the apps; each app is a folder';
      findings.push({ file: path, line: 1, column: 1, severity: 'warning', code: 'stray_file', message });
    }
  }
  for (const [name, files] of foldersUnder(repo.files, 'apps')) {
    const folder = new Map([...files].filter(([path]) => path !== 'app.yaml'));
    const read = readApp(name, files.get('app.yaml'), broken.has(`apps/${name}/app.yaml`));
    findings.push(...read.findings);
    for (const one of read.broken) broken.add(one);
    if (read.app === undefined) unread.push({ name, folder });
    else apps.push({ ...read.app, folder });
  }
  return { apps, unread };
}

function readRunbooks(
  repo: Repo,
  { rest, broken }: HomelabRead,
  findings: Finding[],
): { runbooks: Record<string, RunbookForm>; texts: Map<string, YamlFile> } {
  const runbooks: Record<string, RunbookForm> = {};
  const texts = new Map<string, YamlFile>();
  for (const path of [...repo.files.keys()].sort(byText)) {
    const name = /^runbooks\/([^/]+)\.yaml$/.exec(path)?.[1];
    if (name === undefined) continue;
    if (!v.is(nameSchema, name)) {
      const message = `${name} is no name for a runbook: 1 to 31 of a-z, 0-9 and -, starting with a letter`;
      findings.push({ file: path, line: 1, column: 1, severity: 'error', code: 'bad_name', message });
      continue;
    }
    const read = readYaml(path, repo.files.get(path)!);
    if (!read.ok) {
      findings.push(...read.findings);
      continue;
    }
    const shape = readShape(runbookFormSchema, read.yaml);
    if (!shape.ok) {
      findings.push(...shape.findings);
      continue;
    }
    findRunbookFaults(rest, shape.value, [], (at, code, text, more) =>
      findings.push(...standing([findingOf({ path: at, code, text, ...more }, read.yaml)], broken)),
    );
    runbooks[name] = shape.value;
    texts.set(name, read.yaml);
  }
  return { runbooks, texts };
}
