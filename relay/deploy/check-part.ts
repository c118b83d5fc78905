import { ok, type Result, refuse } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Machine } from '../machine/machine.ts';
import { checkers } from './checkers/table.ts';
import type { ActivationCode } from './codes.ts';
import { noSuchProgram, runInPreview } from './preview.ts';
import type { Op } from './target-state.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Lets the target's own programs judge what it would become. Bytes are staged; nothing is changed. */
export async function checkPart(
  machine: Machine,
  part: ReleasePart,
  ops: readonly Op[],
): Promise<Result<true, ActivationCode>> {
  const judged = { part, changed: ops.map(({ path }) => path) };
  for (const checker of checkers) {
    const calls = checker.calls(judged);
    if (calls.length === 0) continue;
    const scratch = await existing(machine, checker.scratch ?? []);
    if (!scratch.ok) return scratch;
    for (const argv of calls) {
      const ran = await runInPreview(machine, ops, argv, scratch.value);
      if (!ran.ok) return ran;
      const { code, stdout, stderr } = ran.value;
      const said = `${text(stderr)}\n${text(stdout)}`.trim();
      const found = code === noSuchProgram ? checker.missing : checker.judge({ code, said }, judged);
      if (found !== null) return refuse(found.code, found.detail);
    }
  }
  return ok(true);
}

async function existing(
  machine: Machine,
  paths: readonly string[],
): Promise<Result<string[], ActivationCode>> {
  if (paths.length === 0) return ok([]);
  const stats = await machine.stat(paths);
  return stats.ok ? ok(paths.filter((_, index) => stats.value[index]?.kind === 'folder')) : stats;
}
