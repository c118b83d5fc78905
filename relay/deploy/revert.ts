import { ok, type Result, refuse } from '../../schema/result.ts';
import type { Machine } from '../machine/machine.ts';
import { performOps } from './perform.ts';
import { removeNetwork } from './remove-network.ts';
import { applySecrets } from './secrets.ts';
import { tablePath } from './secrets-plan.ts';
import type { Systemd } from './systemd.ts';
import type { Pending } from './target-state.ts';

/** Brings back what was there before an activation: files first, then the services that ran. */
export async function revert(
  machine: Machine,
  systemd: Systemd,
  { undo, was, fresh, networks }: Pending,
): Promise<Result<true, string>> {
  const known = await systemd.show(fresh);
  if (!known.ok) return known;
  const stopped = await systemd.ask(
    'stop',
    fresh.filter((_, index) => known.value[index]!.load === 'loaded'),
  );
  if (!stopped.ok) return refuse('revert_failed', stopped.detail);
  for (const { service, name } of networks) {
    const gone = await removeNetwork(machine, systemd, service, name);
    if (!gone.ok) return gone;
  }
  const files = await performOps(machine, undo);
  if (!files.ok) return files;
  if (undo.some(({ path }) => path === tablePath)) {
    const secrets = await applySecrets(machine);
    if (!secrets.ok) return refuse('revert_failed', `${secrets.reason}: ${secrets.detail}`);
  }
  const reloaded = await systemd.reloadUnits();
  if (!reloaded.ok) return refuse('revert_failed', reloaded.detail);
  await systemd.ask('reset-failed', was);
  const again = await systemd.ask('restart', was);
  return again.ok ? ok(true) : refuse('revert_failed', again.detail);
}
