import type { Home } from '../../../../src/config/home.ts';
import type { TemplateOutcome } from '../../../../src/config/template/job.ts';
import { renderTemplate } from '../../../../src/config/template/render.ts';

/** Renders a template with these values; other templates of the folder by name. */
export const render = (
  source: string,
  locals: Readonly<Record<string, unknown>> = {},
  includes: Readonly<Record<string, string>> = {},
): TemplateOutcome =>
  renderTemplate({ site: { domain: 'example.net' } } as unknown as Home, {
    id: 'x',
    file: 'apps/x/x.j2',
    source,
    locals,
    includes,
    folder: 'apps/x/',
  });

/** The text, or the fault as `line:column code: message. suggestion`. */
export function told(
  source: string,
  locals: Readonly<Record<string, unknown>> = {},
  includes: Readonly<Record<string, string>> = {},
): string {
  const outcome = render(source, locals, includes);
  if (outcome.ok) return outcome.text;
  const { file, line, column, code, message, suggestion } = outcome;
  return `${file === undefined ? '' : `${file}:`}${line}:${column} ${code}: ${message}${suggestion === undefined ? '' : `. ${suggestion}`}`;
}
