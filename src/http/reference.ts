import { html, raw } from 'hono/html';
import { apiCodes } from '../../schema/api/api-codes.ts';
import type { ApiCodeCard } from '../../schema/api/code-card.ts';
import { authorityText, openApiOf } from './openapi.ts';
import type { Route } from './route.ts';

/** One style for the pages, allowed by its hash in their Content-Security-Policy: src/http/page-style.ts. */
export const pageStyle = `:root{color-scheme:light dark;--line:#8886;--soft:#8882;--accent:#0a58ca}
@media (prefers-color-scheme:dark){:root{--accent:#7ab0ff}}
*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem}
a{color:var(--accent)}a:focus-visible,summary:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1rem;list-style:none;padding:0}
.skip{position:absolute;left:-99rem}.skip:focus{position:static}
details{border:1px solid var(--line);border-radius:.4rem;margin:.4rem 0;padding:.2rem .7rem}
summary{cursor:pointer;padding:.35rem 0;overflow-wrap:anywhere}
code,pre{font-family:ui-monospace,monospace;font-size:.88em}
pre{background:var(--soft);border-radius:.3rem;overflow-x:auto;padding:.6rem}
.method{display:inline-block;font-weight:700;min-width:4.2em}dt{font-weight:600;margin-top:.5rem}dd{margin:0 0 0 1rem}`;

const inCode = (text: string): ReturnType<typeof raw> =>
  raw(
    text
      .split('`')
      .map((part, index) => {
        const safe = part
          .replace(/&/g, '&amp;')
          .replace(/</g, '&lt;')
          .replace(/>/g, '&gt;')
          .replace(/"/g, '&quot;');
        return index % 2 === 1 ? `<code>${safe}</code>` : safe;
      })
      .join(''),
  );

type Part = ReturnType<typeof html>;

const page = (title: string, main: Part): Part => html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${raw(pageStyle)}</style></head>
<body><a class="skip" href="#main">To the content</a>
<header><h1>${title}</h1></header><main id="main">${main}</main></body></html>`;

type Operation = {
  readonly parameters: readonly { name: string; in: string; required: boolean; schema: unknown }[];
  readonly requestBody?: { readonly content: { readonly 'application/json'?: { readonly schema: unknown } } };
};

function operationPart(route: Route, operation: Operation): Part {
  const body = operation.requestBody?.content['application/json']?.schema;
  const parameters = operation.parameters.map(
    (parameter) => html`<dt><code>${parameter.name}</code></dt>
<dd>In the ${parameter.in}${parameter.required ? '' : ', optional'}: <code>${JSON.stringify(parameter.schema)}</code></dd>`,
  );
  const answers = Object.entries(route.answers).map(
    ([status, card]) => html`<dt>${status}</dt><dd>${card.description}</dd>`,
  );
  return html`<details><summary><span class="method">${route.method}</span> <code>${route.path}</code> ${route.summary}</summary>
${route.description === undefined ? '' : html`<p>${inCode(route.description)}</p>`}
<p>Who may: ${inCode(authorityText[route.authority])}</p>
${parameters.length === 0 ? '' : html`<h3>Parameters</h3><dl>${parameters}</dl>`}
${body === undefined ? '' : html`<h3>Body</h3><pre tabindex="0">${JSON.stringify(body, null, 1)}</pre>`}
<h3>Answers</h3><dl>${answers}</dl></details>`;
}

/** The reference of all routes: one page without script or outside asset. */
export function referencePage(routes: readonly Route[], version: string): string {
  const paths = openApiOf(routes, version).paths as Record<string, Record<string, Operation>>;
  const tags = [...new Set(routes.map((route) => route.tag))];
  const sections = tags.map(
    (tag) =>
      html`<section aria-labelledby="${tag}"><h2 id="${tag}">${tag}</h2>${routes
        .filter((route) => route.tag === tag)
        .map((route) => operationPart(route, paths[route.path]![route.method.toLowerCase()]!))}</section>`,
  );
  return String(
    page(
      'Writ API',
      html`<p>Orders are answered with 202 and a command, or with the outcome if it comes within <code>?wait=</code> seconds (at most 50).
<code>Accept: text/plain</code> gives one sentence. <a href="/docs/errors">Errors</a> have stable codes.
The same as <a href="/v1/openapi.json">OpenAPI 3.1</a>.</p>
<nav aria-label="Sections"><ul>${tags.map((tag) => html`<li><a href="#${tag}">${tag}</a></li>`)}</ul></nav>${sections}`,
    ),
  );
}

/**
 * What every code of the API means and what to do, so that a problem's \`type\` leads somewhere. What relays say stands in
 * docs/errors.md alone: it would be a tenth of what may be put on the edge.
 */
export function errorsPage(): string {
  const part = ([code, card]: [string, ApiCodeCard]): Part =>
    html`<section><h2 id="${code}"><code>${code}</code>: ${card.title} (${card.status})</h2>
<p>${inCode(card.meaning)}</p><p>${inCode(card.todo)}</p></section>`;
  return String(
    page(
      'Writ: errors',
      html`<p><a href="/docs">API reference</a></p>${Object.entries<ApiCodeCard>(apiCodes).map(part)}<p>Codes that relays give, in receipts and commands, stand in <code>docs/errors.md</code>.</p>`,
    ),
  );
}
