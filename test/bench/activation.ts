import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type Figure, figure, quantile, unmeasured } from './figure.ts';

type Times = { readonly noop: readonly number[]; readonly changed: readonly number[] };
type Measured = {
  readonly ours: Times & { readonly switched: readonly number[] };
  readonly stock: Times;
  readonly tuned: Times;
};

const rounds = 3;
const limits = [
  ['stock', 200],
  ['tuned', 10],
] as const;
const names = limits.flatMap(([kind]) => [
  `activation_noop_over_ansible_${kind}`,
  `activation_one_changed_over_ansible_${kind}`,
]);

/**
 * How much sooner 30 services are as wanted by Writ's engine than by Ansible over ssh on loopback, with one stub of a runtime
 * for both. Ours waits besides until what was restarted stays up; theirs returns at once.
 */
export async function activation(folder: string): Promise<Figure[]> {
  const lacking = whatLacks();
  if (lacking !== null) return names.map((name) => unmeasured(name, '×', lacking));
  const program = join(import.meta.dirname, 'activation-main.ts');
  const words = ['--mount', '--propagation', 'private', process.execPath, program, folder, String(rounds)];
  const measured = JSON.parse(
    execFileSync('unshare', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }),
  ) as Measured;
  const ratio = (theirs: readonly number[], ours: readonly number[]): number =>
    quantile(
      theirs.map((ms, index) => ms / ours[index]!),
      0.5,
    );
  const { ours } = measured;
  const seconds = (values: readonly number[]): string => `${(quantile(values, 0.5) / 1000).toFixed(1)} s`;
  const ms = (values: readonly number[]): string => `${quantile(values, 0.5).toFixed(1)} ms`;
  return [
    ...limits.flatMap(([kind, atLeast]) => [
      figure(
        `activation_noop_over_ansible_${kind}`,
        ratio(measured[kind].noop, ours.noop),
        { atLeast },
        '×',
        `Writ ${ms(ours.noop)}, Ansible ${seconds(measured[kind].noop)}`,
      ),
      figure(
        `activation_one_changed_over_ansible_${kind}`,
        ratio(measured[kind].changed, ours.changed),
        { atLeast },
        '×',
        `Writ ${ms(ours.changed)}, of which ${ms(ours.switched)} until the new files are in force; Ansible ${seconds(measured[kind].changed)}`,
      ),
    ]),
    figure('activation_noop_host', quantile(ours.noop, 0.5), { atMost: 25 }, 'ms', '30 services, 60 files'),
  ];
}

function whatLacks(): string | null {
  if (process.getuid?.() !== 0) return 'needs root, for a namespace of mounts';
  const programs = ['unshare', 'ansible-playbook', 'rsync', 'ssh', '/usr/sbin/sshd'];
  const missing = programs.find((program) => spawnSync(program, ['--version']).error !== undefined);
  return missing === undefined ? null : `${missing} is not installed`;
}
