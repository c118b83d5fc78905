import * as v from 'valibot';
import { absolutePathSchema } from '../../../schema/manifest/values.ts';
import { judgePath } from '../../../schema/trust/paths.ts';
import { maxReleaseFileBytes } from '../../../schema/wire/release.ts';
import { matcher } from '../compile/units.ts';
import { textOrNull } from '../read/text.ts';
import type { MachineFile, Note } from './found.ts';
import type { NoteCode } from './notes.ts';
import { findSecret } from './private.ts';
import { unitNameOf } from './unit-names.ts';

export type Choices = {
  /** Patterns of machine paths: what is taken although it would be left, what is left without a word. */
  readonly include: readonly string[];
  readonly includeSecrets: readonly string[];
  readonly exclude: readonly string[];
};

export type Selected = {
  readonly taken: readonly MachineFile[];
  readonly left: readonly Note[];
  /** What a person must decide before anything is written. */
  readonly blocking: readonly Note[];
};

/** A pattern from the root on; without a slash before it, one for the end of a path. */
function patternOf(pattern: string): (path: string) => boolean {
  const matches = matcher(pattern);
  if (pattern.startsWith('/')) return matches;
  const depth = pattern.split('/').length;
  return (path) => matches(path.split('/').slice(-depth).join('/'));
}

/** What Writ never brings, whoever asks: relays refuse most of it. */
const refused =
  /^\/etc\/(passwd|group|shadow|gshadow|sub[ug]id)-?$|^\/etc\/(sudoers|pam|ssh|apt|dpkg|pve|writ(-relay)?|ssl\/private)([./].*|$)|^\/etc\/(pam\.conf|machine-id|sudoers)$|^\/var\/lib\/(writ|dpkg|pve-cluster)|^\/(boot|proc|sys|dev|run|tmp)\/|\/\.ssh\/|^\/etc\/systemd\/system\/writ(-relay)?[.-]/;
const rootless =
  /^\/(home\/[^/]+|root)\/\.config\/(containers\/systemd|systemd\/user)\/|^\/etc\/containers\/systemd\/users\//;
const ofPackages = /^\/(usr\/(?!local\/)|lib\/|lib64\/|bin\/|sbin\/)/;
const state = /^\/var\/(lib\/containers|log|cache|tmp|spool|backups)\//;
const ofTools = /\/(\.git|node_modules)\//;
/** What of a whole /etc a person put there. */
const ownInEtc = /^\/etc\/(opt|containers\/systemd|systemd\/system)\//;

/** Whether a source is all of a machine's /etc, and not what somebody picked. */
export const isWholeEtc = (files: readonly MachineFile[]): boolean =>
  files.some(({ path }) => /^\/etc\/(passwd|os-release|fstab|ld\.so\.conf)$/.test(path));

/**
 * What of a machine's files goes into the repo, and why the rest does not.
 *
 * @param isNamed whether a unit names the file, or a folder of its own above it
 */
export function selectFiles(
  files: readonly MachineFile[],
  choices: Choices,
  isNamed: (path: string) => boolean,
): Selected {
  const [include, includeSecrets, exclude] = [choices.include, choices.includeSecrets, choices.exclude].map(
    (patterns) => patterns.map((pattern) => ({ pattern, matches: patternOf(pattern), used: false })),
  ) as [Pattern[], Pattern[], Pattern[]];
  const taken: MachineFile[] = [];
  const left: Note[] = [];
  const blocking: Note[] = [];
  const wholeEtc = isWholeEtc(files);
  for (const file of files) {
    const { path } = file;
    if (anyOf(exclude, path)) continue;
    const [isIncluded, isSecretIncluded] = [anyOf(include, path), anyOf(includeSecrets, path)];
    const text = textOrNull(file.bytes);
    const reason = whyNever(file) ?? (isIncluded ? null : whyNot(file, text, wholeEtc && !isNamed(path)));
    if (reason !== null) {
      left.push({ path, ...reason });
      continue;
    }
    const secret = text === null ? null : findSecret(path, text);
    if (secret === null || isSecretIncluded) taken.push(file);
    else if (unitNameOf(path) === null) left.push({ path, code: 'secret', message: secret });
    else blocking.push({ path, code: 'secret_in_unit', message: secret });
  }
  for (const { pattern, used } of [...include, ...includeSecrets, ...exclude]) {
    if (!used) left.push({ path: pattern, code: 'no_match', message: 'the pattern fits no file' });
  }
  return { taken, left, blocking };
}

type Pattern = { readonly pattern: string; readonly matches: (path: string) => boolean; used: boolean };

function anyOf(patterns: readonly Pattern[], path: string): boolean {
  let found = false;
  for (const one of patterns) {
    if (!one.matches(path)) continue;
    one.used = true;
    found = true;
  }
  return found;
}

type Reason = { readonly code: NoteCode; readonly message: string };

function whyNever({ path, bytes, mode }: MachineFile): Reason | null {
  if (refused.test(path)) return { code: 'refused', message: 'Writ never brings this file' };
  if (ofTools.test(path)) return { code: 'tool_folder', message: 'it lies in a folder of a tool' };
  if (!v.is(absolutePathSchema, path))
    return {
      code: 'bad_name',
      message: 'its path is longer than 512 characters, or none that a release has',
    };
  // Root's own rootless units have a reason of their own.
  if (judgePath([], path) === 'path_never' && !rootless.test(path))
    return { code: 'refused', message: 'no relay lets a release write there' };
  if (mode.length > 4) return { code: 'special_mode', message: `its mode is ${mode}` };
  if (bytes.length > maxReleaseFileBytes) {
    const message = `it has ${bytes.length} bytes; a file of a release has at most ${maxReleaseFileBytes}`;
    return { code: 'too_large', message };
  }
  return null;
}

function whyNot({ path }: MachineFile, text: string | null, isForeign: boolean): Reason | null {
  if (rootless.test(path)) return { code: 'rootless', message: "it is a user's own unit" };
  if (/^\/etc\/systemd\/system\/[^/]+\.(wants|requires|upholds)\//.test(path))
    return { code: 'enabled', message: 'it only says that a unit is enabled' };
  if (ofPackages.test(path)) return { code: 'package', message: 'packages put their files there' };
  if (state.test(path)) return { code: 'state', message: 'programs write there while they run' };
  if (isForeign && path.startsWith('/etc/') && !ownInEtc.test(path))
    return { code: 'whole_etc', message: 'all of /etc was given, and no unit names it' };
  if (text === null) return { code: 'binary', message: 'it is no text' };
  return null;
}
