import { signJws } from '../../schema/jose/jws.ts';
import type { Trust } from '../../schema/trust/read.ts';
import type { Job } from '../../schema/wire/job.ts';
import { jobLifetimeMs, maxPollAnswerBytes, maxReceiptBytes } from '../../schema/wire/limits.ts';
import { leaseMs, numberOf } from '../domain/lease.ts';
import type { LeasableStep } from '../domain/ports.ts';
import { applyTrustChange } from '../domain/settle.ts';
import type { AuditLog } from './audit-log.ts';
import { changeCommand, stillAllowed } from './changes.ts';
import type { RelayCaller } from './control.ts';
import type { ControlDeps } from './deps.ts';

/** Leaves room for the heartbeat and the evidence. */
const maxJobBytesPerAnswer = maxPollAnswerBytes / 2;

/** A run of a relay: the highest number of a job that it has seen, and the highest that it was handed. */
type Run = { readonly session: string; readonly seen: number; handed: number };

export type StepDispatch = {
  /** Leases what may go out, and mints its envelopes. Steps that trust no longer allows are ended instead. */
  mint(trust: Trust, relay: RelayCaller, run: Run, steps: readonly LeasableStep[]): Promise<string[]>;
};

export function createStepDispatch(deps: ControlDeps, log: AuditLog): StepDispatch {
  const { store, clock, key } = deps;
  return {
    async mint(trust, relay, run, steps) {
      const { session } = run;
      const digests = [...new Set(steps.map((step) => step.intent))];
      const [intents, plans, receipts] = await Promise.all([
        store.commands.intents(digests),
        store.commands.stepsOf(digests),
        steps.some((step) => step.after.length > 0) ? store.commands.finalReceipts(digests) : [],
      ]);
      const home = trust.document.home;
      const allowed: LeasableStep[] = [];
      let bytes = 0;
      for (const step of steps) {
        const { signer, bytes: text, authorisation } = intents.get(step.intent)!;
        if (stillAllowed(trust, signer, plans.get(step.intent) ?? [])) {
          bytes += ((text.length + authorisation.length + step.after.length * maxReceiptBytes) * 4) / 3;
          if (allowed.length === 0 || bytes <= maxJobBytesPerAnswer) allowed.push(step);
        } else {
          const load = () => store.commands.load(step.command);
          await changeCommand(deps, log, home, load, (command) => applyTrustChange(command, clock.now()));
        }
      }
      if (allowed.length === 0) return [];
      const now = clock.now();
      const isNumbered = (step: LeasableStep): boolean => numberOf(step, run) < Number.POSITIVE_INFINITY;
      const numbered = allowed.filter(isNumbered).map((step) => ({ ...step, seq: step.lease!.seq }));
      const rest = allowed.filter((step) => !isNumbered(step));
      const leased =
        rest.length === 0
          ? []
          : await store.commands.lease({
              kid: relay.kid,
              session,
              seen: run.seen,
              steps: rest,
              now,
              until: now + leaseMs,
            });
      const next = Math.max(run.handed, ...numbered.map(({ seq }) => seq)) + 1;
      // A command that was accepted meanwhile has a number below: after these it would count as heard. So look again.
      if (leased.some(({ seq }, index) => seq > next + index)) return [];
      const jobs: string[] = [];
      for (const { intent, step: index, seq } of [...numbered, ...leased]) {
        run.handed = Math.max(run.handed, seq);
        const step = allowed.find((one) => one.intent === intent && one.step === index)!;
        const signed = intents.get(intent)!;
        const job: Job = {
          home,
          relay: relay.name,
          session,
          seq,
          exp: now + jobLifetimeMs,
          intent: signed.bytes,
          authorisation: signed.authorisation,
          step: index,
          receipts: step.after.flatMap((one) =>
            receipts
              .filter((receipt) => receipt.intent === intent && receipt.step === one.step)
              .map((receipt) => receipt.jws),
          ),
        };
        jobs.push(await signJws('job', job, key));
      }
      return jobs;
    },
  };
}
