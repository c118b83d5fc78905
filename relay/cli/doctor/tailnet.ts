import * as v from 'valibot';
import { type Finding, fault, fine, notChecked, warning } from '../../../schema/doctor.ts';
import type { Check } from './check.ts';

/** Of `tailscale debug prefs` (ipn.Prefs). */
const prefsShape = v.object({
  ShieldsUp: v.optional(v.boolean(), false),
  RunSSH: v.optional(v.boolean(), false),
  RouteAll: v.optional(v.boolean(), false),
  CorpDNS: v.optional(v.boolean(), false),
});

/** The tailnet carries polls and nothing else: who rules it must not reach this host or bend its names and routes. */
export const checkTailnet: Check = async ({ run }) => {
  const codes = ['tailnet_shields', 'tailnet_ssh', 'tailnet_routes', 'tailnet_dns'];
  const shown = await run(['tailscale', 'debug', 'prefs']);
  if (shown === null) return codes.map((code) => notChecked(code, 'tailscale is not installed here.'));
  const prefs = v.safeParse(prefsShape, parse(shown.out));
  if (shown.status !== 0 || !prefs.success) {
    return codes.map((code) => notChecked(code, 'tailscale does not tell its settings: run it as root.'));
  }
  const { ShieldsUp, RunSSH, RouteAll, CorpDNS } = prefs.output;
  const judge = (good: boolean, code: string, says: string, bad: Finding): Finding =>
    good ? fine(code, says) : bad;
  return [
    judge(
      ShieldsUp,
      'tailnet_shields',
      'The tailnet lets nobody in (shields-up).',
      fault(
        'tailnet_shields',
        'The tailnet may let others in: shields-up is off.',
        'tailscale set --shields-up=true',
      ),
    ),
    judge(
      !RunSSH,
      'tailnet_ssh',
      'Tailscale SSH is off.',
      fault(
        'tailnet_ssh',
        'Tailscale SSH is on: whoever rules the tailnet can log in here.',
        'tailscale set --ssh=false',
      ),
    ),
    judge(
      !RouteAll,
      'tailnet_routes',
      'Routes of others are not taken over.',
      warning(
        'tailnet_routes',
        'Routes that others in the tailnet offer are taken over.',
        'tailscale set --accept-routes=false',
      ),
    ),
    judge(
      !CorpDNS,
      'tailnet_dns',
      'Names are not looked up through the tailnet.',
      warning('tailnet_dns', 'Names are looked up as the tailnet says.', 'tailscale set --accept-dns=false'),
    ),
  ];
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
