import { canonicalJson, sameJson } from '../../../schema/wire/canonical.ts';
import type { ReleaseApp, ReleasePart } from '../../../schema/wire/release.ts';

type Setting = Exclude<keyof ReleaseApp, 'name' | 'units' | 'secrets'>;

/** What of an app is neither file, unit nor secret, and how it is called. */
const called: Readonly<Record<Setting, string>> = {
  after: 'the apps that are started before it',
  health: 'the health check',
  dirs: 'folders that are made',
  prune: 'folders that are kept free of other files',
  ports: 'published ports',
  certs: 'certificates',
  packages: 'packages that have to be there',
  apt: 'sources of packages',
  artifacts: 'what is fetched from elsewhere',
  users: 'users that have to be there',
  databases: 'databases for other apps',
  clients: 'clients of the sign-in',
  update: 'what becomes of images while their names stay',
  commands: 'commands',
  backup: 'what is backed up',
};

/** What else of an app changes, in words; nothing for an app that is new or goes. */
export function changedSettings(before: ReleaseApp | undefined, after: ReleaseApp | undefined): string[] {
  if (before === undefined || after === undefined) return [];
  return (Object.keys(called) as Setting[])
    .filter((key) => !sameJson(before[key] ?? null, after[key] ?? null))
    .map((key) => `${called[key]}: ${changeOf(before[key], after[key])}`);
}

/** Whether an app's certificates come to be made by another intermediate, in words. */
export function changedAuthority(
  before: ReleasePart | undefined,
  after: ReleasePart | undefined,
  was: ReleaseApp | undefined,
  is: ReleaseApp | undefined,
): string[] {
  if (was === undefined || is === undefined || was.certs.length === 0 || is.certs.length === 0) return [];
  return sameJson(before?.authority ?? null, after?.authority ?? null)
    ? []
    : ['certificates: renewed by another intermediate'];
}

const maxShown = 200;

/** Of long lists, what comes and what goes: cut off, both would look the same. */
function changeOf(before: unknown, after: unknown): string {
  const isLong = [before, after].some((value) => canonicalJson(value ?? null).length > maxShown);
  if (!isLong || !isList(before) || !isList(after)) return `${shown(before)} → ${shown(after)}`;
  const [was, is] = [before, after].map((list) => list.map((one: unknown) => canonicalJson(one))) as [
    string[],
    string[],
  ];
  const goes = was.filter((one) => !is.includes(one)).map((one) => `- ${cut(one)}`);
  const comes = is.filter((one) => !was.includes(one)).map((one) => `+ ${cut(one)}`);
  return [...goes, ...comes].join(', ') || 'the same in another order';
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length > 0;

function shown(value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return 'none';
  return cut(canonicalJson(value));
}

const cut = (text: string): string => (text.length > maxShown ? `${text.slice(0, maxShown)}…` : text);
