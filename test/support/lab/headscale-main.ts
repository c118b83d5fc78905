// Runs in a guest as `headscale`, which Debian does not have: a stand-in that knows as much of the program as releases
// need. `policy check --file FILE` judges; `serve` puts the policy in force in this host's own namespace, where packets to
// the tailnet's addresses come by, and reads it again on SIGHUP: with a bad one it does not start, but goes on.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const inForce = '/etc/headscale/policy.hujson';
const known = ['groups', 'hosts', 'tagOwners', 'acls', 'grants', 'autoApprovers', 'ssh', 'tests'];
/** Headscale gathers changes for so long before it tells its nodes. */
const gatherMs = 800;

/** The ways that a policy opens, as rules of nft(8). */
function read(path: string): readonly string[] {
  // HuJSON: comments, and a comma after the last member.
  const text = readFileSync(path, 'utf8').replaceAll(/^\s*\/\/.*$/gm, '');
  const policy = JSON.parse(text.replaceAll(/,(\s*[}\]])/g, '$1')) as Record<string, unknown>;
  for (const name of Object.keys(policy))
    if (!known.includes(name)) throw new Error(`unknown field: ${name}`);
  const rules = (policy.acls ?? []) as { readonly action: string; readonly dst: readonly string[] }[];
  return rules.flatMap(({ action, dst }) => {
    if (action !== 'accept') throw new Error(`unknown action: ${action}`);
    return dst.map((way) => {
      const [, address, port] = /^(100\.\d+\.\d+\.\d+):(\d+)$/.exec(way) ?? [];
      if (address === undefined) throw new Error(`unknown destination: ${way}`);
      return `ip daddr ${address} tcp dport ${port} accept`;
    });
  });
}

/** What is under way goes on, as in a tailnet; what is not allowed is dropped in silence. */
function apply(rules: readonly string[]): void {
  const table = [
    'table inet tailnet {}',
    'delete table inet tailnet',
    'table inet tailnet {',
    'chain out {',
    'type filter hook output priority 0; policy accept;',
    'ct state established,related accept',
    ...rules,
    'ip daddr 100.64.0.0/10 drop',
    '}',
    '}',
  ];
  execFileSync('nft', ['-f', '-'], { input: `${table.join('\n')}\n` });
}

const [verb, ...words] = process.argv.slice(2);
if (verb === 'policy') {
  read(words.at(-1)!);
  console.log('Policy is valid');
} else {
  apply(read(inForce));
  process.on('SIGHUP', () => {
    try {
      const rules = read(inForce);
      setTimeout(() => apply(rules), gatherMs);
    } catch (error) {
      console.error(`the policy stays as it was: ${error}`);
    }
  });
  process.on('SIGTERM', () => process.exit(0));
  setInterval(() => {}, 60_000);
}
