import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { placeholdersIn } from '../../../schema/manifest/placeholder.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import {
  maxReleaseBytes,
  type Release,
  type ReleaseFile,
  type ReleaseManifest,
} from '../../../schema/wire/release.ts';
import { standing } from '../broken.ts';
import { judgeCerts } from '../ca/judge-certs.ts';
import { authorityOf } from '../ca/repo-authority.ts';
import { ownerText } from '../compile/certs.ts';
import { compileHome } from '../compile/compile.ts';
import { fault, type Placed } from '../compile/units.ts';
import type { Finding } from '../finding.ts';
import { generators as builtIn } from '../generate/index.ts';
import type { Home } from '../home.ts';
import { readManifest } from '../read/manifest.ts';
import { textOrNull } from '../read/text.ts';
import { byText, foldersUnder, type Repo } from '../repo.ts';
import { judgeSecrets } from '../secrets/judge.ts';
import type { RenderTemplates } from '../template/job.ts';
import { draftFiles, generateFiles, judgeDrafts } from './files.ts';
import { judgeHome } from './judge.ts';
import { judgeBeside } from './judge-beside.ts';
import { judgeImages } from './judge-images.ts';
import { judgeNative } from './judge-native.ts';
import { judgePaths } from './judge-paths.ts';
import { judgeAllUnits } from './judge-units.ts';
import { judgeUnplaced } from './judge-unplaced.ts';
import { keyPath } from './native.ts';
import { makeFacts, makeParts, secretPath } from './parts.ts';
import { type Content, mountSecretFiles } from './secret-mounts.ts';
import { renderDrafts, renderUnits } from './templates.ts';

export type Built = {
  /** Every fault and doubt, sorted by file and line. */
  readonly findings: readonly Finding[];
  /** The model, where homelab.yaml could be read. */
  readonly home?: Home;
  /** Absent while any finding is an error. */
  readonly release?: Release;
};

/**
 * Compiles a repo into a release. Equal files give equal bytes, whatever their order.
 */
export async function buildRepo(repo: Repo, render: RenderTemplates): Promise<Built> {
  const { manifest, findings: read } = readManifest(repo);
  const findings: Finding[] = [...read];
  let compiled = compileHome(manifest, new Map());
  const units = await renderUnits([...compiled.placed, ...compiled.unplaced], compiled.home, render);
  if (units.texts.size > 0) compiled = compileHome(manifest, units.texts);
  const { home, placed, unplaced } = compiled;
  findings.push(...units.findings, ...compiled.findings);

  const generators = new Map(builtIn.map((one) => [one.name, one]));
  const overrides = new Map(
    [...foldersUnder(repo.files, 'generate')].flatMap(([name, folder]) =>
      [...folder].map(([path, bytes]) => [`${name}/${path}`, bytes] as const),
    ),
  );
  const own = placed.map(draftFiles);
  const ownDrafts = own.flatMap(({ drafts }) => drafts);
  // Templates are rendered in another thread. Until they are, this one generates.
  const rendering = renderDrafts(ownDrafts, placed, home, render);
  const generated = placed.map((one) => generateFiles(one, home, generators, overrides));
  const generatedDrafts = generated.flatMap(({ drafts }) => drafts);
  findings.push(...[...own, ...generated].flatMap((one) => one.findings));
  findings.push(...judgeHome(manifest, home, placed, generators, repo.files), ...judgeImages(placed));
  const rendered = [await rendering, await renderDrafts(generatedDrafts, placed, home, render)] as const;
  findings.push(...rendered.flatMap((one) => one.findings));
  const drafts = placed.flatMap((_, index) => [...own[index]!.drafts, ...generated[index]!.drafts]);
  const contents = drafts.flatMap((draft): Content[] => {
    const { content } = draft;
    const bytes =
      content.kind === 'bytes'
        ? content.bytes
        : content.kind === 'text'
          ? toBytes(content.text)
          : (rendered[0].texts.get(draft) ?? rendered[1].texts.get(draft));
    return bytes === undefined
      ? []
      : [{ draft, bytes, size: bytes.length, secrets: draft.entry.raw ? [] : secretsIn(bytes) }];
  });
  const mounts = mountSecretFiles(placed, contents);
  contents.push(...mounts.made);
  findings.push(...mounts.findings);
  const paths = new Map(drafts.map(({ target, path, app }) => [`${target} ${path}`, app]));
  findings.push(...judgeBeside(placed, paths.keys()));
  findings.push(...judgeDrafts(contents), ...judgePlaceholders(contents, placed));
  const noText = compiled.findings.filter(({ code }) => code === 'not_utf8').map(({ file }) => file);
  const unmade = new Set([...units.unmade, ...noText]);
  findings.push(...judgeNative(home, placed, paths), ...judgeAllUnits(home, contents, unmade));
  findings.push(...judgePaths(home, placed, drafts), ...judgeCerts(repo.files, home, placed));
  findings.push(...(await judgeUnplaced(unplaced, manifest.unread, home, render, unmade)));
  const whole = findings.every(({ severity }) => severity !== 'error');
  findings.push(...(await judgeSecrets(repo.files, home, whole)));
  const broken = new Set([...manifest.broken, ...unplaced.flatMap(({ app }) => brokenWithout(app))]);
  const told = sorted(standing(findings, broken));
  if (told.some(({ severity }) => severity === 'error'))
    return { findings: told, ...(manifest.hasHomelab && { home }) };

  const blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  const keep = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> => {
    const name = await digestBytes(bytes);
    blobs.set(name, bytes);
    return name;
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
    parts: makeParts(home, placed, files, digests, (host) => authorityOf(repo.files, host)),
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

/** What is not known of an app that no machine takes. */
const brokenWithout = (app: string): string[] => ['*', 'apps/*', app, `${app}.on`];

function sorted(findings: readonly Finding[]): Finding[] {
  const keyed = new Map(
    findings.map((one) => [`${one.file}:${one.line}:${one.column}:${one.code}:${one.message}`, one]),
  );
  return [...keyed.values()].sort(
    (a, b) =>
      byText(a.file, b.file) || a.line - b.line || a.column - b.column || byText(a.message, b.message),
  );
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
          '',
          // Another app's use may bring it.
          ['apps/*'],
        ),
      ),
  );
}
