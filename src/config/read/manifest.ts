import * as v from 'valibot';
import { type AppFile, appSchema, valuesSchema } from '../../../schema/manifest/app.ts';
import { type Homelab, homelabSchema } from '../../../schema/manifest/homelab.ts';
import { type RunbookForm, runbookFormSchema } from '../../../schema/manifest/runbook.ts';
import { nameSchema } from '../../../schema/wire/ids.ts';
import type { Finding, Place } from '../finding.ts';
import { byText, type Folder, foldersUnder, type Repo } from '../repo.ts';
import { findingOf } from './fault.ts';
import { readHomelab } from './homelab.ts';
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

/** The repo's YAML, read and held against its shapes. What could not be read is left out and told. */
export type Manifest = {
  readonly homelab: Homelab;
  readonly yaml: YamlFile;
  readonly vars: Readonly<Record<string, unknown>>;
  readonly apps: readonly AppSource[];
  /** Machines, networks and apps that are there, but whose own text could not be understood: nobody is told that they are missing. */
  readonly broken: ReadonlySet<string>;
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

/** Reads the whole repo. One broken file hides no other's faults. */
export function readManifest(repo: Repo): { manifest?: Manifest; findings: Finding[] } {
  const findings: Finding[] = [...repo.findings];
  const start = { line: 1, column: 1, severity: 'error' } as const;

  const homelabBytes = repo.files.get('homelab.yaml');
  let homelab: Homelab | undefined;
  let yaml: YamlFile | undefined;
  if (homelabBytes === undefined) {
    const message = 'there is no homelab.yaml in the repo';
    findings.push({ file: 'homelab.yaml', ...start, code: 'homelab_missing', message });
  } else {
    const read = readHomelab('homelab.yaml', homelabBytes);
    findings.push(...read.findings);
    homelab = read.homelab;
    yaml = read.yaml;
  }

  const vars = readVars(repo, findings);
  const apps = readApps(repo, findings);
  const { runbooks, texts } = readRunbooks(repo, homelab, findings);

  if (yaml === undefined) return { findings };
  // Apps are judged against what can be understood of a broken homelab.yaml: its names.
  homelab ??= salvage(yaml);
  if (homelab === undefined) return { findings };
  for (const name of Object.keys(runbooks)) {
    if (Object.hasOwn(homelab.runbooks, name)) {
      const message = `homelab.yaml has a runbook ${name} already`;
      findings.push({ file: `runbooks/${name}.yaml`, ...start, code: 'runbook_twice', message });
    }
  }
  const broken = new Set([
    ...[...foldersUnder(repo.files, 'apps').keys()].filter((name) => !apps.some((app) => app.name === name)),
    ...namesIn(yaml, 'networks').filter((name) => !Object.hasOwn(homelab.networks, name)),
    ...namesIn(yaml, 'hosts').filter((name) => !Object.hasOwn(homelab.hosts, name)),
    ...namesIn(yaml, 'guests').filter((name) => !Object.hasOwn(homelab.guests, name)),
    ...namesIn(yaml, 'devices').filter((name) => !Object.hasOwn(homelab.devices, name)),
  ]);
  const merged = { ...homelab, runbooks: { ...homelab.runbooks, ...runbooks } };
  const homelabYaml = yaml;
  const runbookPlace: Manifest['runbookPlace'] = (name, path) =>
    texts.get(name)?.place(path) ?? homelabYaml.place(['runbooks', name, ...path]);
  return { manifest: { homelab: merged, yaml, vars, apps, broken, runbookPlace }, findings };
}

/** The keys of a member of homelab.yaml, whatever they hold. */
function namesIn(yaml: YamlFile, member: string): string[] {
  const value = (yaml.value as Readonly<Record<string, unknown>> | null)?.[member];
  return typeof value === 'object' && value !== null ? Object.keys(value) : [];
}

/** The parts of homelab.yaml that fit their shape, member by member, so that one slip does not bury the rest. */
function salvage(yaml: YamlFile): Homelab | undefined {
  const value = yaml.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const kept: Record<string, unknown> = { v: 1, hosts: {} };
  for (const [key, schema] of Object.entries(homelabSchema.entries)) {
    const given = (value as Record<string, unknown>)[key];
    if (given === undefined) continue;
    const whole = v.safeParse(schema as v.GenericSchema, given);
    if (whole.success) {
      kept[key] = given;
    } else if (typeof given === 'object' && given !== null && !Array.isArray(given)) {
      kept[key] = Object.fromEntries(
        Object.entries(given).filter(([name, one]) => v.is(schema as v.GenericSchema, { [name]: one })),
      );
    }
  }
  const parsed = v.safeParse(homelabSchema, kept);
  return parsed.success ? parsed.output : undefined;
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

function readApps(repo: Repo, findings: Finding[]): AppSource[] {
  const apps: AppSource[] = [];
  for (const path of [...repo.files.keys()].sort(byText)) {
    const name = /^apps\/([^/]+)$/.exec(path)?.[1];
    if (name !== undefined && !name.startsWith('.')) {
      const message = 'a file stands beside the apps; each app is a folder';
      findings.push({ file: path, line: 1, column: 1, severity: 'warning', code: 'stray_file', message });
    }
  }
  for (const [name, files] of foldersUnder(repo.files, 'apps')) {
    const file = `apps/${name}/app.yaml`;
    const start = { file, line: 1, column: 1, severity: 'error' } as const;
    const bytes = files.get('app.yaml');
    if (bytes === undefined) {
      const message = `the folder apps/${name} has no app.yaml`;
      findings.push({
        ...start,
        code: 'app_file_missing',
        message,
        suggestion: `writ new app ${name} writes one.`,
      });
      continue;
    }
    if (!v.is(nameSchema, name)) {
      const message = `${name} is no name for an app: 1 to 31 of a-z, 0-9 and -, starting with a letter`;
      findings.push({ ...start, code: 'bad_name', message });
      continue;
    }
    const read = readYaml(file, bytes);
    if (!read.ok) {
      findings.push(...read.findings);
      continue;
    }
    const shape = readShape(appSchema, read.yaml);
    if (!shape.ok) {
      findings.push(...shape.findings);
      continue;
    }
    const folder = new Map([...files].filter(([path]) => path !== 'app.yaml'));
    apps.push({ name, file: shape.value, yaml: read.yaml, folder });
  }
  return apps;
}

function readRunbooks(
  repo: Repo,
  homelab: Homelab | undefined,
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
    if (homelab !== undefined) {
      findRunbookFaults(homelab, shape.value, [], (at, code, text, more) =>
        findings.push(findingOf({ path: at, code, text, ...more }, read.yaml)),
      );
    }
    runbooks[name] = shape.value;
    texts.set(name, read.yaml);
  }
  return { runbooks, texts };
}
