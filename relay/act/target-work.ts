import * as v from 'valibot';
import { parseStrictJson } from '../../schema/jose/strict-json.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { judgePath } from '../../schema/trust/paths.ts';
import { maxBlobBytes } from '../../schema/wire/limits.ts';
import { type ReleasePart, releasePartSchema } from '../../schema/wire/release.ts';
import { type Activation, activate, revertPending } from '../deploy/activate.ts';
import { readTargetState } from '../deploy/target-state.ts';
import { type ActOutcome, codeOf } from '../drivers/act-messages.ts';
import type { ActClock } from './act-clock.ts';
import type { TargetWork } from './service.ts';

const nothingCounted = { already: true, files: 0, started: 0, restarted: 0, reloaded: 0, stopped: 0 };

/** The engine of activation, as the helper calls it. */
export function createTargetWork(clock: ActClock): TargetWork {
  return {
    async prepare({ machine, target, relay, part: digest, again, paths, blob, progress, signal }) {
      const bytes = await blob(digest);
      if (!bytes.ok) return bytes;
      const part = readPart(bytes.value);
      if (!part.ok) return part;
      if (part.value.target !== target || part.value.relay !== relay) return refuse('part_foreign');
      for (const { path } of part.value.files) {
        const verdict = judgePath(paths, path);
        if (verdict !== 'allowed') return refuse(verdict, path);
      }
      return ok(async () =>
        outcomeOf(
          await activate(
            { machine, clock, signal, blob, progress },
            { part: part.value, bytes: bytes.value, digest },
            again,
          ),
        ),
      );
    },
    async settle(machine, part) {
      const state = await readTargetState(machine);
      if (!state.ok) return state;
      if (state.value.pending !== null) {
        const back = await revertPending({ machine }, state.value);
        return back.ok ? ok({ state: 'failed', code: 'interrupted', back: true }) : back;
      }
      return state.value.current === part
        ? ok({ state: 'succeeded', result: nothingCounted })
        : ok({ state: 'failed', code: 'interrupted', back: true });
    },
    async look(machine) {
      const state = await readTargetState(machine);
      if (!state.ok) return state;
      return ok({ part: state.value.current, seen: 'ok', seen_at: clock.now(), drifted: 0, drift: [] });
    },
  };
}

function readPart(bytes: Uint8Array): Result<ReleasePart, 'part_malformed'> {
  const json = parseStrictJson(bytes, { maxBytes: maxBlobBytes });
  const parsed = json.ok ? v.safeParse(releasePartSchema, json.value) : null;
  return parsed?.success === true ? ok(parsed.output) : refuse('part_malformed');
}

function outcomeOf(activation: Activation): ActOutcome {
  if (activation.state === 'succeeded') return { state: 'succeeded', result: activation.result };
  const { code, detail, back } = activation;
  return {
    state: 'failed',
    code: codeOf(code),
    back,
    ...(detail !== undefined && { detail: detail.slice(0, 2000) }),
  };
}
