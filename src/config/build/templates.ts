import { toBytes } from '../../../schema/jose/digest.ts';
import { unlessApp, unlessMachine } from '../broken.ts';
import { machineOf } from '../compile/routes.ts';
import { type Placed, unitKey } from '../compile/units.ts';
import type { Finding } from '../finding.ts';
import type { Home } from '../home.ts';
import { textOrNull } from '../read/text.ts';
import type { RenderTemplates, TemplateJob, TemplateOutcome } from '../template/job.ts';
import type { Draft } from './files.ts';

function localsOf(placed: Placed, home: Home): Record<string, unknown> {
  const machine = machineOf(home, placed.target);
  return {
    ...placed.vars,
    vars: placed.vars,
    app: home.apps[placed.app],
    site: home.site,
    ...(machine !== undefined && { target: machine }),
  };
}

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
): Promise<{ texts: ReadonlyMap<string, string>; unmade: ReadonlySet<string>; findings: Finding[] }> {
  const jobs = placed.flatMap((one) => unitJobs(one, home));
  const outcomes = jobs.length === 0 ? [] : await render(home, jobs);
  const failed = new Set(outcomes.flatMap((one) => (one.ok ? [] : [one.id])));
  return {
    texts: new Map(outcomes.flatMap((one) => (one.ok ? [[one.id, one.text] as const] : []))),
    unmade: new Set(jobs.filter(({ id }) => failed.has(id)).map(({ file }) => file)),
    findings: templateFindings(jobs, outcomes),
  };
}

/** The bytes of the drafts that are templates; one that could not be rendered has none. */
export async function renderDrafts(
  drafts: readonly Draft[],
  placed: readonly Placed[],
  home: Home,
  render: RenderTemplates,
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
    findings: templateFindings(jobs, outcomes),
  };
}

function templateFindings(jobs: readonly TemplateJob[], outcomes: readonly TemplateOutcome[]): Finding[] {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  return outcomes.flatMap((one) => {
    if (one.ok) return [];
    const { file, folder } = byId.get(one.id)!;
    const { id: _, ok: __, missing, ...fault } = one;
    const unless = unlessThere(one, folder.split('/')[1]!);
    return [{ file, severity: 'error' as const, ...fault, ...(unless.length > 0 && { unless }) }];
  });
}

/** Where what a template of an app lacks would be, were it read. */
function unlessThere({ code, missing }: TemplateOutcome & { readonly ok: false }, app: string): string[] {
  if (code === 'template_missing') return [`apps/${app}/*`];
  if (code !== 'template_undefined' && code !== 'template_type') return [];
  const [root, section, name] = missing?.split('.') ?? [];
  if (root === undefined) return ['*'];
  if (root === 'site') return ['homelab.site'];
  if (root === 'target') return ['homelab.yaml', `${app}.on`];
  if (root === 'app') return section === 'file' && name !== undefined ? [`${app}.${name}`] : [];
  if (root === 'home' && (section === 'guests' || section === 'hosts' || section === 'devices'))
    return name === undefined ? [] : [...unlessMachine(name), ...unlessMember(missing!)];
  if (root === 'home' && section === 'apps' && name !== undefined)
    return [...unlessApp(name), `apps/${name}/app.yaml`];
  if (root === 'home') return ['*'];
  // A member of what a template itself set may be one of home.
  return section === undefined || root === 'vars' ? ['vars.yaml', `${app}.vars`, `${app}.on`] : ['*'];
}

/** `home.guests.web.address` → `web.address` */
const unlessMember = (path: string): string[] => {
  const [, , name, member] = path.split('.');
  return member === undefined ? [] : [`${name}.${member}`];
};
