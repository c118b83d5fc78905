import { toBytes } from '../../../schema/jose/digest.ts';
import { machineOf } from '../compile/routes.ts';
import { type Placed, unitKey } from '../compile/units.ts';
import type { Finding } from '../finding.ts';
import type { Home } from '../home.ts';
import { textOrNull } from '../read/text.ts';
import type { RenderTemplates, TemplateJob, TemplateOutcome } from '../template/job.ts';
import type { Draft } from './files.ts';

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

/** The texts of unit templates by `unitKey`, and the files of those that could not be rendered. */
export async function renderUnits(
  placed: readonly Placed[],
  home: Home,
  render: RenderTemplates,
  partial: boolean,
): Promise<{ texts: ReadonlyMap<string, string>; unmade: ReadonlySet<string>; findings: Finding[] }> {
  const jobs = placed.flatMap((one) => unitJobs(one, home));
  const outcomes = jobs.length === 0 ? [] : await render(home, jobs);
  const failed = new Set(outcomes.flatMap((one) => (one.ok ? [] : [one.id])));
  return {
    texts: new Map(outcomes.flatMap((one) => (one.ok ? [[one.id, one.text] as const] : []))),
    unmade: new Set(jobs.filter(({ id }) => failed.has(id)).map(({ file }) => file)),
    findings: templateFindings(jobs, outcomes, partial),
  };
}

/** The bytes of the drafts that are templates; one that could not be rendered has none. */
export async function renderDrafts(
  drafts: readonly Draft[],
  placed: readonly Placed[],
  home: Home,
  render: RenderTemplates,
  partial: boolean,
): Promise<{ texts: ReadonlyMap<Draft, Uint8Array<ArrayBuffer>>; findings: Finding[] }> {
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
  const outcomes = jobs.length === 0 ? [] : await render(home, jobs);
  return {
    texts: new Map(
      outcomes.flatMap((one) => (one.ok ? [[drafts[Number(one.id)]!, toBytes(one.text)] as const] : [])),
    ),
    findings: templateFindings(jobs, outcomes, partial),
  };
}

/** @param partial whether what a template lacks may be what could not be read */
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
