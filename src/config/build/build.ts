import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { placeholdersIn } from '../../../schema/manifest/placeholder.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import {
  maxReleaseBytes,
  type Release,
  type ReleaseFile,
  type ReleaseManifest,
} from '../../../schema/wire/release.ts';
import { compileHome } from '../compile/compile.ts';
import { machineOf } from '../compile/routes.ts';
import { fault, type Placed, unitKey } from '../compile/units.ts';
import type { Finding } from '../finding.ts';
import { generators as builtIn } from '../generate/index.ts';
import type { Home } from '../home.ts';
import { readManifest } from '../read/manifest.ts';
import { textOrNull } from '../read/text.ts';
import { byText, foldersUnder, type Repo } from '../repo.ts';
import { judgeSecrets } from '../secrets/judge.ts';
import type { RenderTemplates, TemplateJob, TemplateOutcome } from '../template/job.ts';
import { type Draft, draftFiles, judgeDrafts } from './files.ts';
import { judgeHome } from './judge.ts';
import { judgeImages } from './judge-images.ts';
import { judgeNative } from './judge-native.ts';
import { judgePaths } from './judge-paths.ts';
import { judgeAllUnits } from './judge-units.ts';
import { keyPath, ownerText } from './native.ts';
import { makeFacts, makeParts, secretPath } from './parts.ts';
import { type Content, mountSecretFiles } from './secret-mounts.ts';

export type Built = {
  /** Every fault and doubt, sorted by file and line. */
  readonly findings: readonly Finding[];
  /** The model, where homelab.yaml could be read. */
  readonly home?: Home;
  /** Absent while any finding is an error. */
  readonly release?: Release;
};

/** Compiles a repo into a release. Equal files give equal bytes, whatever their order. */
export async function buildRepo(repo: Repo, render: RenderTemplates): Promise<Built> {
  const { manifest, findings: read } = readManifest(repo);
  if (manifest === undefined) return { findings: sorted(read) };
  const findings: Finding[] = [...read];
  // What a template lacks may be what could not be read.
  const partial = read.some(({ file, severity }) => severity === 'error' && roots.includes(file));
  let compiled = compileHome(manifest, new Map());
  const unmade = new Set<string>();
  const templates = compiled.placed.flatMap((placed) => unitJobs(placed, compiled.home));
  if (templates.length > 0) {
    const outcomes = await render(compiled.home, templates);
    findings.push(...templateFindings(templates, outcomes, partial));
    const failed = new Set(outcomes.flatMap((one) => (one.ok ? [] : [one.id])));
    for (const { id, file } of templates) if (failed.has(id)) unmade.add(file);
    const rendered = new Map(outcomes.flatMap((one) => (one.ok ? [[one.id, one.text] as const] : [])));
    compiled = compileHome(manifest, rendered);
  }
  const { home, placed } = compiled;
  findings.push(...compiled.findings);

  const generators = new Map(builtIn.map((one) => [one.name, one]));
  const overrides = new Map(
    [...foldersUnder(repo.files, 'generate')].flatMap(([name, folder]) =>
      [...folder].map(([path, bytes]) => [`${name}/${path}`, bytes] as const),
    ),
  );
  const drafts: Draft[] = [];
  for (const one of placed) {
    const made = draftFiles(one, home, generators, overrides);
    drafts.push(...made.drafts);
    findings.push(...made.findings);
  }
  findings.push(...judgeHome(manifest, home, placed, generators, repo.files));

  const texts = await renderDrafts(drafts, placed, home, render, (jobs, outcomes) =>
    findings.push(...templateFindings(jobs, outcomes, partial)),
  );
  const contents = drafts.flatMap((draft, index): Content[] => {
    const { content } = draft;
    const bytes =
      content.kind === 'bytes'
        ? content.bytes
        : content.kind === 'text'
          ? toBytes(content.text)
          : texts.get(index);
    return bytes === undefined
      ? []
      : [{ draft, bytes, size: bytes.length, secrets: draft.entry.raw ? [] : secretsIn(bytes) }];
  });
  const mounts = mountSecretFiles(placed, contents);
  contents.push(...mounts.made);
  findings.push(...mounts.findings);
  const paths = new Map(drafts.map(({ target, path, app }) => [`${target} ${path}`, app]));
  findings.push(...judgeDrafts(contents), ...judgePlaceholders(contents, placed));
  findings.push(...judgeNative(home, placed, paths), ...judgeImages(placed));
  findings.push(...judgePaths(home, placed, drafts));
  findings.push(...judgeAllUnits(home, contents, unmade));
  const whole = findings.every(({ severity }) => severity !== 'error');
  findings.push(...(await judgeSecrets(repo.files, home, whole)));
  const told = sorted(findings);
  if (told.some(({ severity }) => severity === 'error')) return { findings: told, home };

  const blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  const keep = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> => {
    const digest = await digestBytes(bytes);
    blobs.set(digest, bytes);
    return digest;
  };
  const files = await Promise.all(
    contents.map(async ({ draft, bytes, secrets }): Promise<ReleaseFile & { target: string }> => {
      return {
        target: draft.target,
        path: draft.path,
        app: draft.app,
        digest: await keep(bytes),
        size: bytes.length,
        mode: draft.entry.mode,
        owner: ownerText(draft.entry.owner),
        on_change: draft.entry.on_change,
        manage: draft.entry.manage,
        kind: draft.kind,
        ...(draft.volume !== undefined && { volume: draft.volume }),
        ...(secrets.length > 0 && { secrets: [...secrets] }),
      };
    }),
  );
  const digests = new Map<string, string>();
  for (const { app, target, secrets, source } of placed) {
    const paths = [
      ...secrets.map((name) => secretPath(target, name)),
      ...source.file.apt.map(({ key }) => keyPath(app, key)),
    ];
    for (const path of paths) {
      const bytes = repo.files.get(path);
      if (bytes !== undefined) digests.set(path, await keep(bytes));
    }
  }
  const value: ReleaseManifest = {
    v: 1,
    parts: makeParts(home, placed, files, digests),
    facts: makeFacts(home),
  };
  const bytes = toBytes(canonicalJson(value));
  const total = [...blobs.values()].reduce((sum, blob) => sum + blob.length, bytes.length);
  if (total > maxReleaseBytes) {
    const message = `the release would have ${total} bytes; it has at most ${maxReleaseBytes}`;
    return {
      findings: sorted([
        ...told,
        fault({ file: 'homelab.yaml', line: 1, column: 1 }, 'release_too_large', message),
      ]),
      home,
    };
  }
  const release: Release = {
    manifest: value,
    bytes,
    digest: await digestBytes(bytes),
    blobs: new Map([...blobs].sort(([a], [b]) => byText(a, b))),
  };
  return { findings: told, home, release };
}

function sorted(findings: readonly Finding[]): Finding[] {
  const keyed = new Map(
    findings.map((one) => [`${one.file}:${one.line}:${one.column}:${one.code}:${one.message}`, one]),
  );
  return [...keyed.values()].sort(
    (a, b) =>
      byText(a.file, b.file) || a.line - b.line || a.column - b.column || byText(a.message, b.message),
  );
}

const localsOf = (placed: Placed, home: Home): Record<string, unknown> => ({
  ...placed.vars,
  vars: placed.vars,
  app: home.apps[placed.app],
  site: home.site,
  target: machineOf(home, placed.target),
});

/** The other templates of the app's folder, which a template may include by their path in it. */
function includesOf(placed: Placed): Record<string, string> {
  const includes: Record<string, string> = {};
  for (const [path, bytes] of placed.source.folder) {
    const text = path.endsWith('.j2') ? textOrNull(bytes) : null;
    if (text !== null) includes[path] = text;
  }
  return includes;
}

function unitJobs(placed: Placed, home: Home): TemplateJob[] {
  const jobs: TemplateJob[] = [];
  for (const [name, path] of placed.unitSources) {
    if (!path.endsWith('.j2')) continue;
    const file = `apps/${placed.app}/${path}`;
    const source = textOrNull(placed.source.folder.get(path)!);
    if (source === null) continue;
    jobs.push({
      id: unitKey(placed.target, placed.app, name),
      file,
      source,
      locals: localsOf(placed, home),
      includes: includesOf(placed),
      folder: `apps/${placed.app}/`,
    });
  }
  return jobs;
}

/** Files that all templates see. */
const roots: readonly string[] = ['homelab.yaml', 'vars.yaml'];

function templateFindings(
  jobs: readonly TemplateJob[],
  outcomes: readonly TemplateOutcome[],
  partial: boolean,
): Finding[] {
  const files = new Map(jobs.map(({ id, file }) => [id, file]));
  return outcomes.flatMap((one) =>
    one.ok || (partial && (one.code === 'template_undefined' || one.code === 'template_type'))
      ? []
      : [
          {
            file: one.file ?? files.get(one.id)!,
            line: one.line,
            column: one.column,
            severity: 'error' as const,
            code: one.code,
            message: one.message,
            ...(one.suggestion !== undefined && { suggestion: one.suggestion }),
          },
        ],
  );
}

async function renderDrafts(
  drafts: readonly Draft[],
  placed: readonly Placed[],
  home: Home,
  render: RenderTemplates,
  tell: (jobs: readonly TemplateJob[], outcomes: readonly TemplateOutcome[]) => void,
): Promise<Map<number, Uint8Array<ArrayBuffer>>> {
  const places = new Map(placed.map((one) => [`${one.target} ${one.app}`, one]));
  const jobs = drafts.flatMap((draft, index): TemplateJob[] => {
    if (draft.content.kind !== 'template') return [];
    const { file, source, generated } = draft.content;
    const one = places.get(`${draft.target} ${draft.app}`)!;
    const locals = { ...localsOf(one, home), ...(generated !== undefined && { generated }) };
    return [
      { id: String(index), file, source, locals, includes: includesOf(one), folder: `apps/${one.app}/` },
    ];
  });
  if (jobs.length === 0) return new Map();
  const outcomes = await render(home, jobs);
  tell(jobs, outcomes);
  return new Map(outcomes.flatMap((one) => (one.ok ? [[Number(one.id), toBytes(one.text)] as const] : [])));
}

/** Names of the secrets whose placeholders a file holds. */
function secretsIn(bytes: Uint8Array): string[] {
  const text = textOrNull(bytes);
  return text === null ? [] : placeholdersIn(text);
}

/** A placeholder stands for a secret that the app lists. */
function judgePlaceholders(contents: readonly Content[], placed: readonly Placed[]): Finding[] {
  const listed = new Map(placed.map((one) => [`${one.target} ${one.app}`, new Set(one.secrets)]));
  return contents.flatMap(({ draft, secrets }) =>
    secrets
      .filter((name) => !listed.get(`${draft.target} ${draft.app}`)!.has(name))
      .map((name) =>
        fault(
          draft.place,
          'secret_undeclared',
          `${draft.path} holds the secret ${name}, which app.yaml does not list`,
        ),
      ),
  );
}
