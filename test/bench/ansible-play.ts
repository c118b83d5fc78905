import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Ansible over ssh to this machine itself: what it is told, and how. */
export type Play = {
  /** Runs a playbook; throws unless it went well, because failed runs are fast. */
  run(playbook: 'stock' | 'tuned'): void;
  stop(): Promise<void>;
};

const readyMs = 10_000;

/** As its documentation has it: a file a task, a service a task, and what changed is restarted. */
const stock = (names: readonly string[]): string => `
- hosts: home
  tasks:
    - name: units
      ansible.builtin.copy: { src: "{{ tree }}/etc/containers/systemd/{{ item }}.container", dest: "/etc/containers/systemd/{{ item }}.container", mode: "0644" }
      loop: ${JSON.stringify(names)}
      register: units
    - name: settings
      ansible.builtin.copy: { src: "{{ tree }}/etc/opt/{{ item }}/{{ item }}.ini", dest: "/etc/opt/{{ item }}/{{ item }}.ini", mode: "0644" }
      loop: ${JSON.stringify(names)}
      register: settings
    - name: reload
      ansible.builtin.systemd: { daemon_reload: true }
      when: units is changed
    - name: restart
      ansible.builtin.systemd: { name: "{{ item.0.item }}.service", state: restarted }
      loop: "{{ units.results | zip(settings.results) | list }}"
      when: item.0 is changed or item.1 is changed
    - name: run
      ansible.builtin.systemd: { name: "{{ item }}.service", state: started }
      loop: ${JSON.stringify(names)}
`;

/** As somebody who is after speed has it: no facts, one sync of all files, and one call for what that changed. */
const tuned = (folder: string, port: number): string => `
- hosts: home
  gather_facts: false
  tasks:
    - name: files
      delegate_to: localhost
      vars: { ansible_connection: local }
      ansible.builtin.command:
        argv:
          - rsync
          - --archive
          - --checksum
          - --no-owner
          - --no-group
          - --omit-dir-times
          - --itemize-changes
          - --rsh=ssh -F ${folder}/ssh.conf -p ${port}
          - "{{ tree }}/etc/"
          - "root@127.0.0.1:/etc/"
      register: files
      changed_when: files.stdout | length > 0
    - name: restart
      ansible.builtin.command:
        argv: "{{ ['systemctl', 'restart'] + (files.stdout_lines | map('regex_search', '[a-z0-9]+(?=[.](container|ini)$)') | select('string') | map('regex_replace', '$', '.service') | unique | list) }}"
      when: files is changed
`;

export async function startPlay(folder: string, tree: string, names: readonly string[]): Promise<Play> {
  const key = join(folder, 'key');
  const host = join(folder, 'host');
  for (const path of [key, host])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path], { stdio: 'ignore' });
  const port = 20_000 + (process.pid % 20_000);
  writeFileSync(
    join(folder, 'sshd.conf'),
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${host}`,
      `AuthorizedKeysFile ${key}.pub`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
      'PidFile none',
      'Subsystem sftp internal-sftp',
      'SetEnv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      '',
    ].join('\n'),
  );
  writeFileSync(
    join(folder, 'ssh.conf'),
    [
      'Host *',
      `IdentityFile ${key}`,
      'User root',
      'StrictHostKeyChecking no',
      'UserKnownHostsFile /dev/null',
      'LogLevel ERROR',
      'ControlMaster auto',
      'ControlPersist 60s',
      `ControlPath ${folder}/cp-%C`,
      '',
    ].join('\n'),
  );
  writeFileSync(
    join(folder, 'inventory'),
    `home ansible_host=127.0.0.1 ansible_port=${port} ansible_user=root ansible_python_interpreter=/usr/bin/python3\n`,
  );
  writeFileSync(join(folder, 'stock.yml'), stock(names));
  writeFileSync(join(folder, 'tuned.yml'), tuned(folder, port));
  mkdirSync('/run/sshd', { recursive: true });
  const server = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(folder, 'sshd.conf')], { stdio: 'ignore' });
  const gone = once(server, 'exit');
  const until = Date.now() + readyMs;
  while (!(await isOpen(port))) {
    if (Date.now() > until) throw new Error('sshd does not start');
    await pause(50);
  }
  const env = {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: folder,
    LANG: 'C.UTF-8',
    ANSIBLE_LOCAL_TEMP: join(folder, 'tmp'),
    ANSIBLE_REMOTE_TEMP: join(folder, 'remote'),
    ANSIBLE_SSH_ARGS: `-F ${folder}/ssh.conf`,
    ANSIBLE_HOST_KEY_CHECKING: 'False',
    ANSIBLE_SSH_USETTY: 'False',
    ANSIBLE_NOCOLOR: 'True',
    ANSIBLE_DEPRECATION_WARNINGS: 'False',
  };
  return {
    run(playbook) {
      const words = ['-i', join(folder, 'inventory'), '-e', `tree=${tree}`, join(folder, `${playbook}.yml`)];
      execFileSync('ansible-playbook', words, {
        env: { ...env, ...(playbook === 'tuned' && { ANSIBLE_PIPELINING: 'True' }) },
        stdio: ['ignore', 'pipe', 'inherit'],
        cwd: folder,
      });
    },
    async stop() {
      server.kill();
      await gone;
    },
  };
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.end());
  });
