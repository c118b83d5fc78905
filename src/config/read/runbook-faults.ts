import { commandActionOf } from '../../../schema/actions/index.ts';
import type { Homelab } from '../../../schema/manifest/homelab.ts';
import { isActionStep, notRunYet, type RunbookForm } from '../../../schema/manifest/runbook.ts';
import { machineOfTarget } from '../../../schema/wire/ids.ts';
import { meant, type TellFault } from './fault.ts';
import type { Path } from './yaml.ts';

/** Steps whose targets are not there, or whose parameters do not fit; and what nothing runs yet. */
export function findRunbookFaults(file: Homelab, runbook: RunbookForm, above: Path, tell: TellFault): void {
  const known = (path: Path, kind: 'host' | 'guest', name: string): boolean => {
    const candidates = Object.keys(kind === 'host' ? file.hosts : file.guests);
    if (candidates.includes(name)) return true;
    tell(path, `unknown_${kind}`, `there is no ${kind} ${name}`, meant(name, candidates, [`${kind}s`]));
    return false;
  };
  for (const [index, step] of runbook.steps.entries()) {
    if (!isActionStep(step)) continue;
    const path = [...above, 'steps', index];
    const action = commandActionOf(step.action)!;
    const machine = machineOfTarget(step.target);
    if (
      known([...path, 'target'], action.on === 'host' ? 'host' : 'guest', machine) &&
      !action.acceptsParams(step.params)
    ) {
      tell([...path, 'params'], 'wrong_params', `${step.action} does not take these parameters`);
    }
    for (const member of ['when', 'unless'] as const) {
      const condition = step[member];
      if (condition === undefined) continue;
      if ('host' in condition) known([...path, member, 'host'], 'host', condition.host);
      else known([...path, member, 'guest'], 'guest', condition.guest);
    }
    for (const name of step.captures?.on ?? []) {
      const machines = [...Object.keys(file.guests), ...Object.keys(file.hosts)];
      if (machines.includes(name)) continue;
      const message = `there is no guest or host ${name}`;
      tell(
        [...path, 'captures', 'on'],
        'unknown_target',
        message,
        meant(name, machines, ['guests', 'hosts']),
      );
    }
  }
  for (const name of runbook.callers ?? []) {
    if (Object.hasOwn(file.access, name)) continue;
    const message = `there is no access ${name} in homelab.yaml`;
    tell([...above, 'callers'], 'unknown_access', message, meant(name, Object.keys(file.access), ['access']));
  }
  const [first] = notRunYet(runbook);
  if (first !== undefined) {
    const text = `nothing can run ${first.at(-1)} yet, so the control plane refuses this runbook whole; its form is checked`;
    tell([...above, ...first], 'runbook_not_run', text, { severity: 'warning' });
  }
}
