import { ok, type Result, refuse } from '../../schema/result.ts';
import type { Machine } from '../machine/machine.ts';
import type { Systemd } from './systemd.ts';

/** Editing a network's unit changes nothing until the network itself is gone (seen with Podman 5.4). */
export async function removeNetwork(
  machine: Machine,
  systemd: Systemd,
  service: string,
  name: string,
): Promise<Result<true, string>> {
  const stopped = await systemd.ask('stop', [service]);
  if (!stopped.ok) return refuse('service_failed', stopped.detail);
  const ran = await machine.run(['podman', 'network', 'rm', '--', name], {
    timeoutMs: 60_000,
    maxBytes: 65_536,
  });
  if (!ran.ok) return ran;
  // 1: there is none of that name.
  return ran.value.code <= 1
    ? ok(true)
    : refuse('network_in_use', new TextDecoder().decode(ran.value.stderr).trim());
}
