import { ok, type Result, refuse } from '../../schema/result.ts';
import { readCommandName } from '../../schema/wire/ids.ts';
import { type DeclaredCommand, findCommand, runCommand } from '../deploy/declared-command.ts';
import { sealExcerpt } from '../deploy/seal-excerpt.ts';
import type { Machine } from '../machine/machine.ts';
import type { CheckContext, RelayAction } from './action.ts';
import { needsHelper } from './by-helper.ts';
import { failedBy, interrupted } from './guest.ts';
import { openTarget } from './open-target.ts';
import { codeOfReason } from './release-code.ts';

type Found = { readonly machine: Machine; readonly command: DeclaredCommand };

/** The guest of a command, and what it declares under that name now. */
async function find(ctx: CheckContext): Promise<Result<Found, string>> {
  const name = readCommandName(ctx.target);
  if (name === null) return refuse('target_unknown', `${ctx.target} is no command of an app`);
  if (needsHelper(ctx)) return refuse('command_not_there', `${name.machine} is no virtual machine`);
  const machine = await openTarget({ ...ctx, target: name.machine });
  if (!machine.ok) return machine;
  const command = await findCommand(machine.value, name);
  if (!command.ok) return refuse(codeOf(command.reason), command.detail);
  return ok({ machine: machine.value, command: command.value });
}

const codeOf = (reason: string): string => codeOfReason(reason as Parameters<typeof codeOfReason>[0]);

/** Whether it ran, and how far, is not known: it may have been begun. */
const openEnds: ReadonlySet<string> = new Set(['unreachable', 'aborted', 'too_large', 'machine_error']);

export const appCommand: RelayAction = {
  async precheck(ctx) {
    const found = await find(ctx);
    return found.ok ? ok(true) : found;
  },
  async act(ctx) {
    const found = await find(ctx);
    if (!found.ok) return failedBy(found);
    const { machine, command } = found.value;
    ctx.progress('waiting');
    const { clock } = ctx.ports;
    const beganMs = clock.uptimeMs();
    const ran = await runCommand(machine, command, ctx.signal);
    if (!ran.ok) {
      if (ran.reason === 'aborted') return interrupted;
      if (ran.reason === 'timeout') return failedBy(refuse('command_timeout', ran.detail), 'unknown');
      return failedBy(
        refuse(codeOf(ran.reason), ran.detail),
        openEnds.has(ran.reason) ? 'unknown' : 'failed',
      );
    }
    const { code, said } = ran.value;
    const tookMs = Math.max(0, Math.round(clock.uptimeMs() - beganMs));
    if (code === 0) return { state: 'succeeded', result: { took_ms: tookMs } };
    const text = `${ctx.target} ended with ${code}\n${said}`;
    const excerpt = await sealExcerpt(machine, ctx.recipients, text, ctx.signal);
    return { state: 'failed', code: 'command_failed', exit: code, ...(excerpt !== null && { excerpt }) };
  },
  /** It may have run to its end, or not: it is never run a second time by itself. */
  observe: async () => interrupted,
};
