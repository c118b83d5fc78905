import { verifyJws } from '../../schema/jose/jws.ts';
import { keyOf } from '../../schema/trust/evaluate.ts';
import { maxReportBytes } from '../../schema/wire/limits.ts';
import { reportSchema } from '../../schema/wire/report.ts';
import { refused } from '../domain/errors.ts';
import { applyPoweringOff } from '../domain/settle.ts';
import type { AuditLog } from './audit-log.ts';
import { changeCommand } from './changes.ts';
import type { RelayControl } from './control.ts';
import { bells, type ControlDeps } from './deps.ts';
import { tellProgress } from './part-receipts.ts';
import type { ReleaseDispatch } from './release-dispatch.ts';
import type { TrustKeeper } from './trust-keeper.ts';

export function createReports(
  deps: ControlDeps,
  keeper: TrustKeeper,
  log: AuditLog,
  dispatch: Pick<ReleaseDispatch, 'mayHaveWork'>,
): Pick<RelayControl, 'report'> {
  const { store, clock, doorbell } = deps;
  return {
    report: async (relay, jws) => {
      const trust = await keeper.current();
      if (trust === null) return refused('not_set_up', 'Nobody has claimed this control plane yet.');
      const verified = await verifyJws('report', jws, {
        maxBytes: maxReportBytes,
        findKey: keyOf(trust, 'relay', relay.name),
        schema: reportSchema,
      });
      if (!verified.ok) {
        return refused(
          'report_malformed',
          `The report does not verify (${verified.detail ?? verified.reason}).`,
        );
      }
      const { payload: report, key } = verified.value;
      const { home } = trust.document;
      if (report.home !== home || report.relay !== relay.name || key.kid !== relay.kid) {
        return refused('report_foreign', 'The report is of another home or another relay.');
      }
      const newer = await store.relays.putReport(relay.kid, relay.name, {
        jws,
        report,
        receivedAt: clock.now(),
      });
      if (!newer) return { ok: true, value: true };

      // A wake of this host may be waiting for just this.
      const wakers = new Set(
        (await store.commands.activeOf(relay.name))
          .filter((step) => step.action === 'host.wake' && step.target === relay.name)
          .map((step) => step.relay),
      );
      for (const waker of wakers) doorbell.ring(bells.relay(waker));

      await tellProgress(deps, log, relay.name, report);
      // What waits for a guest to run may go out now.
      if (dispatch.mayHaveWork(relay.name)) doorbell.ring(bells.relay(relay.name));

      for (const { intent, step, phase } of report.progress) {
        if (phase !== 'powering_off') continue;
        const load = () => store.commands.loadByIntent(intent);
        await changeCommand(deps, log, home, load, (command) =>
          applyPoweringOff(command, relay.name, intent, step, clock.now()),
        );
      }
      return { ok: true, value: true };
    },
  };
}
