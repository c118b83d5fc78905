import { judgeUnits } from '../../../schema/quadlet/judge.ts';
import type { UnitFile } from '../../../schema/quadlet/unit.ts';
import type { Finding } from '../finding.ts';
import type { Home } from '../home.ts';
import { textOrNull } from '../read/text.ts';
import type { Draft } from './files.ts';

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
  const byTarget = new Map<string, UnitFile[]>();
  for (const { draft, bytes } of contents) {
    const { path, place, content, target, kind } = draft;
    const text = content.kind === 'text' ? content.text : textOrNull(bytes);
    if (kind !== 'unit' || text === null) continue;
    // A copied or made text is told of where app.yaml names it.
    const isOwn = place.line === 1 && !place.file.endsWith('.j2') && !place.file.endsWith('.yaml');
    const { file, line, column } = place;
    const unit = { name: path.replace(folders, ''), text, file, ...(!isOwn && { at: { line, column } }) };
    byTarget.set(target, [...(byTarget.get(target) ?? []), unit]);
  }
  const findings: Finding[] = [];
  for (const [target, files] of byTarget) {
    const machine = home.guests[target] ?? home.hosts[target];
    const network = machine?.containers?.network;
    const judged = judgeUnits(files, {
      podman: machine?.podman ?? plainPodman,
      networks: new Set(network === undefined ? [] : [network]),
    });
    for (const { generator: _, ...finding } of judged) {
      if (!unmade.has(finding.file)) findings.push(finding);
    }
  }
  return findings;
}
