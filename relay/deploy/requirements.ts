import { ok, type Result, refuse } from '../../schema/result.ts';
import type { ReleaseApp, ReleasePart } from '../../schema/wire/release.ts';
import type { Machine, MachineReason } from '../machine/machine.ts';
import { packed } from '../machine/packed.ts';

type Package = ReleaseApp['packages'][number];
type User = ReleaseApp['users'][number];
export type RequirementReason = 'packages_missing' | 'users_missing' | MachineReason;

const timeoutMs = 60_000;
const maxBytes = 1024 * 1024;
/** Of names in one call: the guest agent takes little more. */
const maxNameBytes = 16 * 1024;
/** So many are told one by one. */
const mostTold = 20;
/** Debian Policy 5.6.1: what `dpkg-query` would take for an option or a pattern is no name. */
const packageName = /^[a-z0-9][a-z0-9+.-]+$/;
/** Debian Policy 5.6.12. */
const versionText = /^[0-9][A-Za-z0-9.+:~-]{0,100}$/;
const accountName = /^[a-z_][a-z0-9_-]*$/;

/**
 * Looks whether a target has what a part takes for granted: packages of the distribution, and users. Nothing is installed
 * and nobody is made: what decides who becomes root there is the owner's to change.
 */
export async function checkRequirements(
  machine: Machine,
  { apps }: Pick<ReleasePart, 'apps'>,
): Promise<Result<true, RequirementReason>> {
  const packages = await checkPackages(
    machine,
    apps.flatMap((app) => app.packages),
  );
  return packages.ok
    ? checkUsers(
        machine,
        apps.flatMap((app) => app.users),
      )
    : packages;
}

async function checkPackages(
  machine: Machine,
  wanted: readonly Package[],
): Promise<Result<true, RequirementReason>> {
  if (wanted.length === 0) return ok(true);
  const names = namesOf(wanted, packageName);
  const format = `--showformat=\${db:Status-Status}\\t\${Version}\\t\${Package}\\n`;
  const rows = await ask(machine, {
    argv: ['dpkg-query', '--show', format],
    names,
    between: '\t',
    unknown: 1,
  });
  if (!rows.ok) return rows;
  const versions = new Map<string, string>();
  for (const [status, version, name] of rows.value) {
    if (status === 'installed') versions.set(name!, version!);
  }
  return told('packages_missing', wanted, ({ name, version }) => {
    const found = versions.get(name);
    const as = version === undefined ? name : `${name} ${version}`;
    if (found === undefined) return `${as} is not installed`;
    if (version === undefined || isVersion(found, version)) return null;
    return `${as} is wanted and ${versionText.test(found) ? found : 'another one'} installed`;
  });
}

/** `3.0.*` stands for whatever begins so. */
const isVersion = (found: string, wanted: string): boolean =>
  wanted.endsWith('*') ? found.startsWith(wanted.slice(0, -1)) : found === wanted;

async function checkUsers(
  machine: Machine,
  wanted: readonly User[],
): Promise<Result<true, RequirementReason>> {
  if (wanted.length === 0) return ok(true);
  const lookUp = (database: string, of: readonly { readonly name: string }[]) =>
    ask(machine, { argv: ['getent', database], names: namesOf(of, accountName), between: ':', unknown: 2 });
  const users = await lookUp('passwd', wanted);
  if (!users.ok) return users;
  const joined = wanted.flatMap(({ groups }) => groups.map((name) => ({ name })));
  const groups = await lookUp('group', joined);
  if (!groups.ok) return groups;
  const isIn = (name: string, gid: number, group: string): boolean =>
    groups.value.some(
      (row) => row[0] === group && (Number(row[2]) === gid || row[3]?.split(',').includes(name) === true),
    );
  return told('users_missing', wanted, ({ name, uid, gid, home, shell, groups }) => {
    const row = users.value.find(([found]) => found === name);
    if (row === undefined) return `there is no user ${name}`;
    const is = { uid: Number(row[2]), gid: Number(row[3]), home: row[5], shell: row[6] };
    const stated = { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }), home, shell };
    for (const [member, value] of Object.entries(stated)) {
      const has = is[member as keyof typeof is];
      if (value !== undefined && has !== value) return `${name} has ${member} ${has}, and not ${value}`;
    }
    const lacking = groups.filter((group) => !isIn(name, is.gid, group));
    return lacking.length === 0 ? null : `${name} is not in ${lacking.join(', ')}`;
  });
}

const namesOf = (wanted: readonly { readonly name: string }[], form: RegExp): string[] => [
  ...new Set(wanted.map(({ name }) => name).filter((name) => form.test(name))),
];

type Question = {
  readonly argv: readonly [string, string, ...string[]];
  /** The last words; without any, nothing is asked, because some programs tell of everything then. */
  readonly names: readonly string[];
  readonly between: string;
  /** The exit code of a program that does not know one of them, and has told of the others: dpkg-query(1), getent(1). */
  readonly unknown: number;
};

/** What a program says of names, one a line. */
async function ask(
  machine: Machine,
  { argv, names, between, unknown }: Question,
): Promise<Result<string[][], MachineReason>> {
  const rows: string[][] = [];
  for (const some of packed(names, (name) => name.length + 1, maxNameBytes)) {
    const ran = await machine.run([...argv, ...some], { timeoutMs, maxBytes });
    if (!ran.ok) return ran;
    const { code, stdout, stderr } = ran.value;
    const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
    if (code !== 0 && code !== unknown) {
      return refuse('machine_error', `${argv[0]}: ${text(stderr).trim().slice(0, 300)}`);
    }
    for (const line of text(stdout).split('\n')) rows.push(line.split(between));
  }
  return ok(rows);
}

function told<T>(
  code: 'packages_missing' | 'users_missing',
  wanted: readonly T[],
  lackOf: (one: T) => string | null,
): Result<true, RequirementReason> {
  const lacks = [...new Set(wanted.flatMap((one) => lackOf(one) ?? []))];
  if (lacks.length === 0) return ok(true);
  const more = lacks.length > mostTold ? [`and ${lacks.length - mostTold} more`] : [];
  return refuse(code, [...lacks.slice(0, mostTold), ...more].join('; '));
}
