import { toBytes } from '../../../schema/jose/digest.ts';
import type { Release } from '../../../schema/wire/release.ts';
import { buildRepo } from '../build/build.ts';
import type { Finding } from '../finding.ts';
import { readYaml } from '../read/yaml.ts';
import type { Repo, RepoFiles } from '../repo.ts';
import type { RenderTemplates } from '../template/job.ts';
import { compareRelease, sameBytes } from './compare.ts';
import { type AppSummary, type Drafted, draftApps } from './draft.ts';
import type { MachineFile, MachineFolder, Note, Source } from './found.ts';
import { gatherFiles } from './gather.ts';
import { changeHomelab, type HomelabChange, type ListedGuest, type MachineFacts } from './machines.ts';
import type { PlaceRule } from './place.ts';
import type { Choices } from './select.ts';

export type AdoptInput = {
  readonly machine: MachineFacts;
  readonly sources: readonly Source[];
  readonly at?: string;
  readonly rules: readonly PlaceRule[];
  readonly choices: Choices;
  /** The repo as it is; empty where there is none. */
  readonly repo: Repo;
  readonly listed: readonly ListedGuest[];
  readonly domain?: string;
};

export type Adopted = {
  /** What the repo is to get, by path; empty while something is in the way. */
  readonly files: RepoFiles;
  readonly apps: readonly AppSummary[];
  /** Hosts and guests that homelab.yaml gets. */
  readonly machines: readonly string[];
  /** What was not taken, what is to be looked at, and what is in the way of writing anything. */
  readonly left: readonly Note[];
  readonly doubts: readonly Note[];
  readonly blocking: readonly Note[];
  /** What the checks say of the repo as it would be, and did not say before. */
  readonly findings: readonly Finding[];
  /** Of the release; null where there is none. */
  readonly digest: string | null;
  /** Files that the repo had already. */
  readonly known: number;
};

/** Keeps git from changing line ends: what a machine gets is what the repo holds. */
const gitAttributes = 'apps/** -text\n';

/**
 * Makes a repo of a machine's files, or adds them to one, so that its release brings just these files again. Nothing is
 * given back to be written unless it was built and compared, byte for byte.
 */
export async function adopt(input: AdoptInput, render: RenderTemplates): Promise<Adopted> {
  const { machine, repo, choices } = input;
  const isFirst = !repo.files.has('homelab.yaml');
  const gathered = gatherFiles(
    input.sources,
    { ...(input.at !== undefined && { at: input.at }), rules: input.rules, machine: machine.name },
    choices,
  );
  const change = changeHomelab(repo.files, machine, input.listed, input.domain);
  const before = isFirst ? undefined : await buildRepo(repo, render);
  const old = new Set(before?.findings.map(keyOf));
  const state: State = { input, gathered, change, old };
  if (before !== undefined && before.release === undefined) {
    return stopped(state, { findings: before.findings, blocking: [broken] });
  }
  const fresh = withoutKnown(gathered.files, gathered.folders, before?.release, machine.name);
  const blocking = [...gathered.blocking, ...change.blocking, ...fresh.differing];
  if (blocking.length > 0) return stopped(state, { blocking });

  const dead: Note[] = [];
  const names = [
    ...(before?.home?.routes.flatMap(({ hosts }) => hosts) ?? []),
    ...(before?.home?.names.map(({ name }) => name) ?? []),
  ];
  const site = { domain: change.domain, names };
  let { files } = fresh;
  for (;;) {
    const drafted = draftApps(files, fresh.folders, repo.files, machine.name, site);
    const added = filesOf(drafted, change, isFirst);
    const built = await buildRepo({ ...repo, files: new Map([...repo.files, ...added]) }, render);
    const findings = built.findings.filter((one) => !old.has(keyOf(one)));
    const errors = findings.filter(({ severity }) => severity === 'error');
    const tooNew = errors.filter(({ code }) => code === 'key_too_new' || code === 'kind_too_new');
    if (tooNew.length > 0 && change.podman === undefined) {
      const notes = tooNew.map(
        ({ file, message }): Note => ({ path: file, code: 'podman_unknown', message }),
      );
      return stopped(state, { blocking: notes, drafted });
    }
    const gone = new Map(
      errors.flatMap((one) => culprits(one, drafted, added).map((path) => [path, one] as const)),
    );
    if (errors.length > 0 && gone.size === 0)
      return stopped(state, { findings, blocking: [broken], drafted });
    if (gone.size > 0) {
      for (const [path, one] of gone) dead.push({ path, code: 'dead_unit', message: whyDead(one, drafted) });
      files = files.filter(({ path }) => !gone.has(path));
      continue;
    }
    const apps = new Set(drafted.apps.map(({ name }) => name));
    const differences = compareRelease(built.release!, machine.name, apps, files, drafted.folders);
    if (differences.length > 0) return stopped(state, { findings, blocking: differences, drafted });
    const isNew = new Set(files.map(({ path }) => path));
    const known = gathered.files.length - fresh.files.length;
    const isNothing = drafted.apps.length === 0 && (known === 0 || change.added.length === 0);
    return {
      files: isNothing ? new Map() : added,
      apps: drafted.apps,
      machines: change.added,
      left: [...gathered.left, ...drafted.left, ...dead],
      doubts: [...gathered.doubts.filter(({ path }) => isNew.has(path)), ...change.notes, ...drafted.doubts],
      blocking: [],
      findings,
      digest: built.release!.digest,
      known,
    };
  }
}

const broken: Note = { path: '.', code: 'repo_broken', message: 'the repo has errors' };

const keyOf = ({ file, line, column, code, message }: Finding): string =>
  `${file}:${line}:${column}:${code}:${message}`;

type State = {
  readonly input: AdoptInput;
  readonly gathered: ReturnType<typeof gatherFiles>;
  readonly change: HomelabChange;
  readonly old: ReadonlySet<string>;
};

/** Nothing is to be written, and why. */
function stopped(
  { gathered, change }: State,
  why: {
    readonly blocking: readonly Note[];
    readonly findings?: readonly Finding[];
    readonly drafted?: Drafted;
  },
): Adopted {
  return {
    files: new Map(),
    apps: why.drafted?.apps ?? [],
    machines: change.added,
    left: [...gathered.left, ...(why.drafted?.left ?? [])],
    doubts: [...gathered.doubts, ...change.notes, ...(why.drafted?.doubts ?? [])],
    blocking: why.blocking,
    findings: why.findings ?? [],
    digest: null,
    known: 0,
  };
}

/** What the repo does not bring to the machine yet, and what it brings otherwise. */
function withoutKnown(
  files: readonly MachineFile[],
  folders: readonly MachineFolder[],
  release: Release | undefined,
  machine: string,
): { files: readonly MachineFile[]; folders: readonly MachineFolder[]; differing: Note[] } {
  const part = release?.manifest.parts.find(({ target }) => target === machine);
  const made = new Map((part?.files ?? []).map((one) => [one.path, one]));
  const dirs = new Set((part?.apps ?? []).flatMap((app) => app.dirs.map(({ path }) => path)));
  const differing: Note[] = [];
  const fresh = files.filter(({ path, bytes }) => {
    const one = made.get(path);
    if (one !== undefined && !sameBytes(release!.blobs.get(one.digest)!, bytes)) {
      const message = `apps/${one.app} of the repo has another file for it`;
      differing.push({ path, code: 'differs', message });
    }
    return one === undefined;
  });
  return { files: fresh, folders: folders.filter(({ path }) => !dirs.has(path)), differing };
}

function filesOf(drafted: Drafted, change: HomelabChange, isFirst: boolean): RepoFiles {
  return new Map([
    ...(isFirst ? [['.gitattributes', toBytes(gitAttributes)] as const] : []),
    ...(change.bytes === undefined ? [] : [['homelab.yaml', change.bytes] as const]),
    ...drafted.files,
  ]);
}

/** A unit has the lines that the machine's file has. */
function whyDead({ file, line, message, suggestion }: Finding, drafted: Drafted): string {
  const at = drafted.unitPaths.has(file) ? `line ${line}: ` : '';
  return `${at}${message}${suggestion === undefined ? '' : `. ${suggestion.replace(/\.$/, '')}`}`;
}

/** The machine's files over which an error came: the unit that it is in, or what app.yaml brings in that line. */
function culprits({ file, line }: Finding, drafted: Drafted, added: RepoFiles): string[] {
  const unit = drafted.unitPaths.get(file);
  if (unit !== undefined) return [unit];
  const bytes = file.endsWith('/app.yaml') ? added.get(file) : undefined;
  const read = bytes === undefined ? undefined : readYaml(file, bytes);
  if (read === undefined || !read.ok) return [];
  const { files = [] } = read.yaml.value as { files?: readonly { readonly to: string }[] };
  return files.flatMap(({ to }, index) =>
    read.yaml.place(['files', index]).line === line && !to.endsWith('/') ? [to] : [],
  );
}
