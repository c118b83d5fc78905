import type { GuestPackage } from '../../schema/actions/guest-look.ts';
import { isAtLeast } from '../../schema/quadlet/keys.ts';
import { ok, type Result } from '../../schema/result.ts';
import type { Machine, MachineReason } from '../machine/machine.ts';

/** A program that a guest should have, and by which package of Debian it comes. */
type Program = {
  readonly name: string;
  readonly package: GuestPackage | 'systemd';
  readonly argv: readonly [string, ...string[]];
  /** Before this version it does not do what releases ask of it. */
  readonly since?: string;
};

/** Podman's generator reads drop-ins from 5.0 on, by which Writ joins containers to networks and files with secrets. */
const programs: readonly Program[] = [
  { name: 'systemd', package: 'systemd', argv: ['systemctl', '--version'] },
  { name: 'podman', package: 'podman', argv: ['podman', '--version'], since: '5.0' },
  // Containers find each other by name through it, and `RunInit=` is what the other one does.
  { name: 'aardvark-dns', package: 'aardvark-dns', argv: ['/usr/lib/podman/aardvark-dns', '--version'] },
  { name: 'catatonit', package: 'catatonit', argv: ['catatonit', '--version'] },
  { name: 'age', package: 'age', argv: ['age', '--version'] },
  { name: 'age-keygen', package: 'age', argv: ['age-keygen', '--version'] },
];
const agent: Program = { name: 'qemu-ga', package: 'qemu-guest-agent', argv: ['qemu-ga', '--version'] };

/** What a guest lacks for releases. `old`: it is there in a version that does not do. */
export type Lack = {
  readonly program: string;
  readonly package: GuestPackage | 'systemd';
  readonly is: 'missing' | 'old';
  readonly found?: string;
  readonly needs?: string;
};

export type Readiness = {
  /** `Debian GNU/Linux 13 (trixie)`, as the guest calls itself. */
  readonly system: string;
  /** Its version as a number, 0 where it tells none, as Debian's next does; null: it is no Debian. */
  readonly debian: number | null;
  /** Versions of what is there, by program. */
  readonly versions: Readonly<Record<string, string>>;
  readonly lacks: readonly Lack[];
};

const timeoutMs = 30_000;
const maxBytes = 64 * 1024;
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/**
 * Says what a guest has and what it lacks before releases can be applied to it. It only looks: nothing is installed and
 * nothing is changed.
 *
 * @param kind of the guest: a container has no QEMU agent
 */
export async function lookAtGuest(
  machine: Machine,
  kind: 'qemu' | 'lxc' | 'host',
): Promise<Result<Readiness, MachineReason>> {
  const release = await machine.read('/usr/lib/os-release', maxBytes);
  if (!release.ok && release.reason !== 'not_found') return release;
  const versions: Record<string, string> = {};
  const lacks: Lack[] = [];
  for (const program of kind === 'qemu' ? [...programs, agent] : programs) {
    const { name, package: by, since } = program;
    const found = await versionOf(machine, program);
    if (!found.ok) return found;
    if (found.value === null) lacks.push({ program: name, package: by, is: 'missing' });
    else {
      versions[name] = found.value;
      if (since !== undefined && !isAtLeast(found.value, since))
        lacks.push({ program: name, package: by, is: 'old', found: found.value, needs: since });
    }
  }
  const told = release.ok ? text(release.value) : '';
  return ok({ system: systemOf(told), debian: debianOf(told), versions, lacks });
}

/** The version that a program prints, `0` where it prints none; null where there is no such program. */
async function versionOf(machine: Machine, { argv }: Program): Promise<Result<string | null, MachineReason>> {
  const ran = await machine.run(argv, { timeoutMs, maxBytes });
  if (!ran.ok) return ran.reason === 'program_missing' ? ok(null) : ran;
  return ok(/\d+(\.\d+)*/.exec(text(ran.value.stdout))?.[0] ?? '0');
}

const systemOf = (osRelease: string): string =>
  (/^PRETTY_NAME="?([^"\n]{1,100})"?$/m.exec(osRelease)?.[1] ?? 'unknown').replace(/[^ -~]/g, '?');

function debianOf(osRelease: string): number | null {
  if (!/^ID="?debian"?$/m.test(osRelease)) return null;
  return Number(/^VERSION_ID="?(\d{1,4})"?$/m.exec(osRelease)?.[1] ?? 0);
}
