import { isTree } from './merge.ts';

/**
 * A tree or a list of JSON as YAML in blocks. Texts stand in quotes, because readers of YAML 1.1 take more words for numbers and
 * truths than YAML 1.2 does. A writer for any document, with its comments and anchors, takes ten times as long.
 */
export const yamlText = (tree: Readonly<Record<string, unknown>> | readonly unknown[]): string =>
  isBlock(tree) ? block(tree, '') : `${flat(tree)}\n`;

const isBlock = (value: unknown): value is object =>
  Array.isArray(value)
    ? value.length > 0
    : isTree(value) && Object.values(value).some((one) => one !== undefined);

const members = (tree: Readonly<Record<string, unknown>>, indent: string): string =>
  Object.entries(tree)
    .map(([key, value]) => {
      if (value === undefined) return '';
      return `${indent}${keyText(key)}:${isBlock(value) ? `\n${block(value, `${indent}  `)}` : ` ${flat(value)}\n`}`;
    })
    .join('');

const items = (list: readonly unknown[], indent: string): string =>
  list
    .map((value) => {
      // The first line of what is within stands behind the dash.
      const text = isBlock(value) ? block(value, `${indent}  `).slice(indent.length + 2) : `${flat(value)}\n`;
      return `${indent}- ${text}`;
    })
    .join('');

const block = (value: object, indent: string): string =>
  Array.isArray(value) ? items(value, indent) : members(value as Readonly<Record<string, unknown>>, indent);

function flat(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number' && !Number.isFinite(value))
    return Number.isNaN(value) ? '.nan' : value > 0 ? '.inf' : '-.inf';
  if (Array.isArray(value)) return '[]';
  return isTree(value) ? '{}' : String(value ?? null);
}

/** Within single quotes nothing has an escape; lines and what is no character need one. */
const quoted = (text: string): string =>
  /^[^\p{Cc}\p{Cs}\u2028\u2029\ufeff]*$/u.test(text)
    ? `'${text.replaceAll("'", "''")}'`
    : JSON.stringify(text);

const words = /^(y|n|yes|no|on|off|true|false|null)$/i;

const keyText = (key: string): string =>
  /^[A-Za-z_][\w.+*@/-]*$/.test(key) && !words.test(key) ? key : quoted(key);
