import { judgeUnits } from '../../../schema/quadlet/judge.ts';
import type { UnitFile } from '../../../schema/quadlet/unit.ts';
import type { Finding } from '../finding.ts';
import { grouped } from '../grouped.ts';
import type { Home } from '../home.ts';
import { textOrNull } from '../read/text.ts';
import type { Draft } from './files.ts';

const references = /^(unknown_(unit|network|volume)|nameless_unit|drop_in_unused)$/;

/** Where what a unit names would be, or what its machine has, were it read. */
function unlessThere(code: string, target: string): string[] {
  if (references.test(code)) return ['apps/*', `${target}.containers`];
  return /^(key|kind)_too_new$/.test(code) ? [`${target}.podman`] : [];
}

/** The Podman of Debian 13, where a machine does not state its own. */
const plainPodman = '5.4';

const folders = /^\/etc\/(containers\/systemd|systemd\/system)\//;

/**
 * Judges the unit files of each machine together, generated ones among them.
 *
 * @param unmade sources of units whose template could not be rendered: their names count, their texts do not
 */
export function judgeAllUnits(
  home: Home,
  contents: readonly { readonly draft: Draft; readonly bytes: Uint8Array }[],
  unmade: ReadonlySet<string>,
): Finding[] {
  const units = contents.filter(({ draft }) => draft.kind === 'unit');
  const findings: Finding[] = [];
  for (const [target, own] of grouped(units, ({ draft }) => draft.target)) {
    const files = own.flatMap(({ draft, bytes }) => unitOf(draft, bytes) ?? []);
    const machine = home.guests[target] ?? home.hosts[target];
    const network = machine?.containers?.network;
    const judged = judgeUnits(files, {
      podman: machine?.podman ?? plainPodman,
      networks: new Set(network === undefined ? [] : [network]),
    });
    for (const { generator: _, ...finding } of judged) {
      if (!unmade.has(finding.file)) findings.push({ ...finding, unless: unlessThere(finding.code, target) });
    }
  }
  return findings;
}

/** Later than all: a unit whose machine is not known is not told to be too new. */
const anyPodman = '999.0';

/** Judges the unit files of one app by themselves, where its machine is not known. */
export function judgeLoneUnits(files: readonly UnitFile[], unmade: ReadonlySet<string>): Finding[] {
  return judgeUnits(files, { podman: anyPodman }).flatMap(({ generator: _, ...finding }) =>
    finding.severity === 'warning' || references.test(finding.code) || unmade.has(finding.file)
      ? []
      : [finding],
  );
}

function unitOf({ path, place, content }: Draft, bytes: Uint8Array): UnitFile | null {
  if (content.kind === 'text' && content.unit !== undefined) return content.unit;
  const text = content.kind === 'text' ? content.text : textOrNull(bytes);
  if (text === null) return null;
  // A copied or made text is told of where app.yaml names it.
  const { file, line, column } = place;
  return { name: path.replace(folders, ''), text, file, at: { line, column } };
}
