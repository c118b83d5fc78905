import * as v from 'valibot';
import { unitFileSchema } from '../../../schema/manifest/app.ts';
import { isUnitFile, readUnitName } from '../../../schema/quadlet/names.ts';

/** Whether a repo's reader and git leave a path alone, and it is no pattern. */
export const isKeptPath = (path: string): boolean =>
  path.split('/').every(
    (name) =>
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
      !/[\u0000-\u001f\u007f\\\ufffd*?]/.test(name) && !/^\.git/.test(name) && name !== 'node_modules',
  );

export const quadletFolder = '/etc/containers/systemd/';
export const systemdFolder = '/etc/systemd/system/';

/** The name by which an app lists the unit of a path: `grafana.container`; null for what is no unit there. */
export function unitNameOf(path: string): string | null {
  const isQuadlet = path.startsWith(quadletFolder);
  if (!isQuadlet && !path.startsWith(systemdFolder)) return null;
  const name = path.slice((isQuadlet ? quadletFolder : systemdFolder).length);
  if (!isUnitFile(name) || !v.is(unitFileSchema, name) || !isKeptPath(name)) return null;
  const { kind, dropIn } = readUnitName(name);
  const depth = name.split('/').length - (dropIn ? 1 : 0);
  // systemd does not look into folders, and each program reads its own kinds alone.
  return isQuadlet ? (kind === 'systemd' ? null : name) : kind === 'systemd' && depth === 1 ? name : null;
}

/** What a unit is called where it and those like it share a name: `web` of `web@.container` and `web-.container.d`. */
export function stemOf(unit: string): string {
  const { base, template } = readUnitName(unit);
  return (template?.prefix ?? base).replace(/-$/, '');
}

const maxName = 31;

/** A name that an app or a machine can have, close to the given one. */
export function toName(text: string): string {
  const plain = text
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '');
  const named = /^[a-z]/.test(plain) ? plain : `app-${plain}`;
  const cut = named.slice(0, maxName).replace(/-+$/, '');
  return cut === 'constructor' || cut === 'prototype' ? `${cut}-1` : cut;
}

/** The name with a number where it is taken. */
export function freeName(name: string, isTaken: (name: string) => boolean): string {
  let free = name;
  for (let count = 2; isTaken(free); count += 1) free = `${name.slice(0, maxName - 4)}-${count}`;
  return free;
}
