import { createApprovals } from './approvals.ts';
import { createAudit } from './audit.ts';
import { createAuditLog } from './audit-log.ts';
import type { Control } from './control.ts';
import type { ControlDeps } from './deps.ts';
import { createEnrolment } from './enrolment.ts';
import { createHouse } from './house.ts';
import { createOrders } from './orders.ts';
import { createPolls } from './relay-poll.ts';
import { createReceipts } from './relay-receipts.ts';
import { createReports } from './relay-report.ts';
import { createReleaseDispatch } from './release-dispatch.ts';
import { createTimes } from './release-times.ts';
import { createReleases } from './releases.ts';
import { createStepDispatch } from './step-dispatch.ts';
import { createTokens } from './tokens.ts';
import { createSetup, createTrust } from './trust.ts';
import { createTrustKeeper } from './trust-keeper.ts';
import { createUpkeep } from './upkeep.ts';

/** The control plane over its store, without HTTP. `upkeep.run` is the caller's to start. */
export function createControl(deps: ControlDeps): Control {
  const keeper = createTrustKeeper(deps);
  const log = createAuditLog(deps);
  const dispatch = createReleaseDispatch(deps, log);
  const polls = createPolls(deps, keeper, log, createStepDispatch(deps, log), dispatch);
  return {
    setup: createSetup(deps, keeper, log),
    trust: createTrust(deps, keeper, log),
    orders: createOrders(deps, keeper, log, polls),
    approvals: createApprovals(deps, keeper, log, polls),
    releases: createReleases(deps, keeper, log, dispatch),
    house: createHouse(deps, keeper, log),
    enrolment: createEnrolment(deps, keeper, log),
    relay: {
      poll: polls.poll,
      ...createReceipts(deps, keeper, log),
      ...createReports(deps, keeper, log, dispatch),
      times: createTimes(deps, keeper, dispatch),
    },
    tokens: createTokens(deps, keeper, log),
    audit: createAudit(deps, keeper, log),
    upkeep: createUpkeep(deps, keeper, log, polls),
    github: deps.github,
  };
}
