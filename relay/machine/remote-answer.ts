import { ok, refuse } from '../../schema/result.ts';
import type { MachineResult, Owner, Ran, Stat, UnitSight } from './machine.ts';
import { reasonOfCode } from './reasons.ts';

/** What the program of remote-program.ts answers. */
export type Answer = { readonly fields: readonly string[]; readonly rest: Uint8Array<ArrayBuffer> };

/** What the program printed; a machine's word is no better than the machine. */
export function readAnswer(hex: string): MachineResult<Answer> {
  const text = hex.trim();
  // Not by one pattern for all of it: of some megabytes that is too deep.
  if (text === '' || text.length % 2 !== 0 || /[^0-9a-f]/.test(text))
    return refuse('machine_error', 'the answer is not in hex');
  const bytes = Buffer.from(text, 'hex');
  let at = 0;
  const take = (): string | null => {
    const end = bytes.indexOf(0, at);
    if (end < 0) return null;
    const one = bytes.subarray(at, end).toString('utf8');
    at = end + 1;
    return one;
  };
  const kind = take();
  const count = Number(take());
  const fields: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const field = take();
    if (field === null) return refuse('machine_error', 'the answer is cut short');
    fields.push(field);
  }
  if (kind === 'E') return refuse(reasonOfCode(fields[0] ?? ''), fields[1] ?? '');
  if (kind !== 'K') return refuse('machine_error', 'the answer is of no known form');
  return ok({ fields, rest: new Uint8Array(bytes.subarray(at)) });
}

export function readRan({ fields, rest }: Answer): MachineResult<Ran> {
  return ok({
    code: Number(fields[0]),
    stdout: rest.slice(0, Number(fields[1])),
    stderr: rest.slice(Number(fields[1])),
  });
}

export function readStat(text: string): Stat | null {
  const [kind, mode, uid, gid, size, ...to] = text.split(' ');
  if (kind !== 'file' && kind !== 'folder' && kind !== 'link' && kind !== 'other') return null;
  return {
    ...{ kind, mode: mode!, uid: Number(uid), gid: Number(gid), size: Number(size) },
    ...(kind === 'link' && { to: to.join(' ') }),
  };
}

export const readDigest = (hex: string): string | null => (hex === '' ? null : `sha256:${hex}`);

export function readOwner(text: string): Owner | null {
  const [uid, gid] = text.split(' ').map(Number);
  return text === '' ? null : { uid: uid!, gid: gid! };
}

/** Lines of systemctl(1), show. */
export function readUnit(name: string, block: string): UnitSight {
  const value = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(block)?.[1] ?? '';
  const active = value('ActiveState');
  return {
    name,
    load: value('LoadState'),
    active,
    ended: active === 'inactive' && value('Type') === 'oneshot' && value('Result') === 'success',
  };
}
