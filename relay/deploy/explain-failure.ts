import type { Machine } from '../machine/machine.ts';
import type { ActivationCode } from './codes.ts';
import type { Systemd } from './systemd.ts';

/** What a service's log says when it fails for a cause that has a code of its own. The first that fits counts. */
const causes: readonly { readonly says: RegExp; readonly code: ActivationCode }[] = [
  { says: /address already in use|port is already allocated/i, code: 'port_taken' },
  { says: /image not known|manifest unknown|no such image|name unknown/i, code: 'image_missing' },
  { says: /initializing source docker:|pinging container registry/i, code: 'image_unreachable' },
];

const maxBytes = 256 * 1024;
const timeoutMs = 20_000;
const lines = '40';

/** Why services failed, from what systemd and their own logs of the last run say. */
export async function explainFailure(
  machine: Machine,
  systemd: Systemd,
  services: readonly string[],
  known: { readonly code: ActivationCode; readonly detail: string },
): Promise<{ readonly code: ActivationCode; readonly detail: string }> {
  const shown = await systemd.show(services);
  if (!shown.ok) return known;
  const down = shown.value.filter(({ active, result }) => active === 'failed' || result !== 'success');
  const failed = down.length > 0 ? down : shown.value;
  const named = failed.map(({ service, active, result }) => `${service} is ${active} (${result})`).join(', ');
  for (const { service, invocation } of failed) {
    const runs =
      invocation === '' ? [] : [`_SYSTEMD_INVOCATION_ID=${invocation}`, '+', `INVOCATION_ID=${invocation}`];
    const words = runs.length > 0 ? runs : ['-u', service];
    const ran = await machine.run(
      ['journalctl', '-b', '-q', '--no-pager', '-o', 'cat', '-n', lines, ...words],
      {
        timeoutMs,
        maxBytes,
      },
    );
    if (!ran.ok) continue;
    const log = new TextDecoder().decode(ran.value.stdout);
    const cause = causes.find(({ says }) => says.test(log));
    const said = log.trim().split('\n').slice(-5).join('\n');
    if (cause !== undefined) return { code: cause.code, detail: `${named}\n${said}` };
  }
  const late = failed.some(({ result }) => result === 'timeout');
  return { code: late ? 'start_timeout' : known.code, detail: named === '' ? known.detail : named };
}
