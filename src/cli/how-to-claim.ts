import { parseSetupCode } from '../../schema/api/access.ts';
import { isLoopback } from './own-machine.ts';

/** What an owner does with a setup code. `restored`: the control plane was made of a backup. */
export function howToClaim(code: string, restored: boolean): string {
  const said = restored
    ? `This control plane was made of a backup, with a new key. To move your home here, run on your own computer:\n\n  writ move ${code}`
    : `Nobody has claimed this control plane. On your own computer, run:\n\n  writ init ${code} --house house.yaml\n\nor, if it replaces one that you lost:\n\n  writ move ${code} --house house.yaml`;
  const parsed = parseSetupCode(code);
  const origin = parsed.ok ? parsed.value.origin : null;
  if (origin === null || !isLoopback(new URL(origin).hostname)) return said;
  return `${said}\n\nOnly this machine reaches it at ${origin}. For others: writ serve --listen ADDRESS:8420.\nTo try things out here, add --trial to that line.`;
}
