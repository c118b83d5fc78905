import type { Machine } from '../machine/machine.ts';
import type { ActivationCode } from './codes.ts';
import type { Systemd } from './systemd.ts';

/** What a service's log says when it fails for a cause that has a code of its own. The first that fits counts. */
const causes: readonly { readonly says: RegExp; readonly code: ActivationCode }[] = [
  { says: /address already in use|port is already allocated/i, code: 'port_taken' },
  { says: /image not known|manifest unknown|no such image|name unknown/i, code: 'image_missing' },
  { says: /initializing source docker:|pinging container registry/i, code: 'image_unreachable' },
];

/** Codes that are only what was seen: their cause may have a code of its own. */
const mayBeOther: ReadonlySet<ActivationCode> = new Set(['service_failed', 'service_flaps', 'start_timeout']);

const maxBytes = 256 * 1024;
const timeoutMs = 20_000;
const lines = '40';
/** The machine's clock and ours do not run alike. */
const slackS = 2;

/**
 * Why services failed, from what systemd and their own logs say. The detail begins with a line on what failed, and ends
 * with the last lines of these logs: it is for the owner alone.
 *
 * @param withinMs how long ago all that counts began
 */
export async function explainFailure(
  { machine, systemd }: { readonly machine: Machine; readonly systemd: Systemd },
  services: readonly string[],
  known: { readonly code: ActivationCode; readonly detail: string },
  withinMs: number,
): Promise<{ readonly code: ActivationCode; readonly detail: string }> {
  const shown = await systemd.show(services);
  if (!shown.ok) return known;
  const down = shown.value.filter(({ active, result }) => active !== 'active' || result !== 'success');
  const failed = down.length > 0 ? down : shown.value;
  const named = failed.map(({ service, active, result }) => `${service} is ${active} (${result})`).join(', ');
  const since = `--since=-${Math.ceil(withinMs / 1000) + slackS}s`;
  const units = failed.flatMap(({ service }) => ['-u', service]);
  const words = ['-b', '-q', '--no-pager', '-o', 'cat', '-n', lines, since, ...units];
  const ran = await machine.run(['journalctl', ...words], { timeoutMs, maxBytes });
  const log = ran.ok ? new TextDecoder().decode(ran.value.stdout).trim() : '';
  const cause = causes.find(({ says }) => says.test(log));
  const late = failed.some(({ result }) => result === 'timeout');
  const isOther = mayBeOther.has(known.code);
  const said = isOther && named !== '' ? named : known.detail.trim();
  return {
    code: isOther ? (cause?.code ?? (late ? 'start_timeout' : known.code)) : known.code,
    detail: `${said}\n${log}`.trim(),
  };
}
